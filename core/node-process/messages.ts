/** What a host and its node processes say to each other over the process channel. Plain data only. */
import type { ErrorCode } from '../base/errors.ts';
import type { AccessLevel } from '../base/rights.ts';
import type { NetworkPlaces } from '../gateway/network-listeners.ts';
import type { LiveLayout } from '../layout/history.ts';
import type { Member } from '../membership/members.ts';
import type { TimedEvent } from '../node/membership-driver.ts';
import type { PossibleLoss } from '../node/possible-losses.ts';
import type { Credentials } from '../platform/tls-transport.ts';
import type { MovingPartition } from '../repair/moving-partitions.ts';
import type { Wanted } from '../replication/replica/read-eligibility.ts';
import type { AccessRules } from '../security/access.ts';
import type { SecretSet } from '../security/secrets.ts';
import type { TrackerRow } from '../wire/peer/layout-messages.ts';
import type { FiguresMessage } from './operation-news.ts';

/** Partitions of a keyspace that one node compares with the other replicas. */
export interface RepairWork {
  /** The keyspace's number. */
  readonly keyspace: number;
  readonly partitions: readonly number[];
  /** The replicas to bring together, the node's own id included. */
  readonly replicas: readonly number[];
  readonly dryRun: boolean;
}

/** What one segment of a repair came to. */
export interface RepairFigures {
  readonly keysDiffering: number;
  readonly recordsSent: number;
  readonly valueBytes: number;
  readonly treeBytes: number;
}

/** What a node lets go when a person accepts it. */
export interface LossLetGo {
  readonly losses: readonly PossibleLoss[];
  readonly notHeard: readonly Wanted[];
}

/** What the host and a node's RESP listener show each other is good for nothing else. */
export const hostProofPurpose = 'coterie host 1';

/** What a user asks for over Redis (core/ports/user-changes.ts). Its password comes as it is kept: it does not leave the node. */
export type UserAsk =
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly isNew: boolean;
      readonly kept: { readonly salt: string; readonly hash: string } | null;
      readonly access: AccessLevel | null;
      readonly keyspaces: readonly string[] | null | undefined;
    }
  | { readonly kind: 'remove'; readonly names: readonly string[] };

export interface NodeAddress {
  readonly id: number;
  readonly name: string;
  /** Where other nodes reach it. */
  readonly host: string;
  readonly peerPort: number;
  readonly clientHost: string;
  /** 0: it takes clients of its own computer alone. */
  readonly clientPort: number;
  /** Of its clients on other computers; 0: there are none. */
  readonly networkPort: number;
}

export interface NodeStart {
  readonly type: 'start';
  readonly nodeId: number;
  readonly name: string;
  readonly folder: string;
  /** Where it listens for clients. */
  readonly host: string;
  /** Where it listens for other nodes. */
  readonly peerHost: string;
  /** Null: all nodes are on this computer, and nobody else gets to their ports. */
  readonly credentials: Credentials | null;
  /** Where clients on other computers may connect, over TLS; null: nowhere. */
  readonly network: (NetworkPlaces & { readonly port: number }) | null;
  /** 0: any free port. */
  readonly clientPort: number;
  readonly peerPort: number;
  /** What the host knows to be live, oldest first. */
  readonly live: readonly LiveLayout[];
  /** Bytes for values kept in memory. */
  readonly hotBytesMax: number;
  /** It took clients before: an empty disk means that its data was lost. */
  readonly hasRun: boolean;
  readonly secrets: SecretSet;
  readonly access: AccessRules;
}

export interface LayoutReport {
  /** Of what people decided last, as far as the node knows. */
  readonly version: number;
  /** Versions that are live. */
  readonly live: readonly number[];
  /** What each node has reached, as this one knows it: rows of wire/peer/layout-messages.ts. */
  readonly trackers: readonly TrackerRow[];
  /** Partitions of which the node still has to get something. */
  readonly lacking: number;
  /** Those partitions, over all keyspaces, in ascending order. */
  readonly open: readonly number[];
  /** Records that the rebuild since its start has brought, and their bytes. */
  readonly receivedBytes: number;
  /** Partitions of which it gets something just now, or gives what is not its own any more. */
  readonly moving: readonly MovingPartition[];
}

export type ToNode =
  | NodeStart
  | { readonly type: 'addresses'; readonly addresses: readonly NodeAddress[] }
  | { readonly type: 'layout'; readonly live: readonly LiveLayout[] }
  /** The host asks for the layouts that the node goes by: they are newer than its own. */
  | { readonly type: 'tell-layouts' }
  | { readonly type: 'access'; readonly rules: AccessRules }
  | {
      readonly type: 'user-answer';
      readonly task: number;
      /** Null: it was done. */
      readonly refusal: { readonly code: ErrorCode; readonly reason: string } | null;
      /** How many were removed. */
      readonly count: number;
    }
  | { readonly type: 'secrets'; readonly secrets: SecretSet }
  /** What the computer shows of itself from now on: nothing new for a node that was started with it. */
  | { readonly type: 'credentials'; readonly credentials: Credentials }
  /** Where its clients on other computers may connect now. */
  | { readonly type: 'network'; readonly places: NetworkPlaces }
  /** `task` names the answer and a stop. */
  | ({ readonly type: 'repair'; readonly task: number } & RepairWork)
  | { readonly type: 'repair-stop'; readonly task: number }
  /** A person accepts what may be lost there. */
  | { readonly type: 'accept-loss'; readonly task: number }
  | { readonly type: 'drain' };

/** What the proofs of peers and hosts are for (core/security/mutual-proof.ts). */
export const peerProofPurpose = 'coterie peer link 1';

export type FromNode =
  /** First thing to a host that did not start this node: what it runs with. */
  | {
      readonly type: 'running';
      readonly pid: number;
      readonly version: string;
      readonly host: string;
      readonly peerHost: string;
      readonly isOpen: boolean;
      readonly hotBytesMax: number;
    }
  | {
      readonly type: 'listening';
      readonly peerPort: number;
      readonly clientPort: number;
      /** 0: clients on other computers cannot connect. */
      readonly networkPort: number;
    }
  | { readonly type: 'ready' }
  /** The layouts that the node goes by: after each that it was sent, and about once a second, twice while partitions come. */
  | { readonly type: 'layout'; readonly report: LayoutReport }
  | { readonly type: 'layouts'; readonly live: readonly LiveLayout[] }
  | { readonly type: 'peers'; readonly down: readonly string[] }
  /** What changed in this node's view of the others, and the whole view after it. */
  | {
      readonly type: 'membership';
      readonly events: readonly TimedEvent[];
      readonly members: readonly Member[];
    }
  | FiguresMessage
  | {
      readonly type: 'repaired';
      readonly task: number;
      /** Null: it failed, for `reason`. */
      readonly figures: RepairFigures | null;
      readonly reason: string;
    }
  /** All that may be lost, as far as this node knows: before it is ready, and whenever it has changed. */
  | { readonly type: 'losses'; readonly losses: readonly PossibleLoss[] }
  | {
      readonly type: 'loss-accepted';
      readonly task: number;
      /** Null: it was refused, for `reason`. */
      readonly accepted: LossLetGo | null;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  /** `task` names the answer. */
  | { readonly type: 'user-ask'; readonly task: number; readonly by: string; readonly ask: UserAsk }
  | {
      /** Something for the activity log. */
      readonly type: 'noted';
      readonly severity: 'info' | 'warning';
      readonly message: string;
    }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly line: string };

/** One end of the channel: child_process or Electron's utility process, on either side. */
export interface NodeChannel<Out, In> {
  send(message: Out): void;
  onMessage(handler: (message: In) => void): void;
}

/** A running node process as its host sees it. */
export interface NodeProcess extends NodeChannel<ToNode, FromNode> {
  readonly pid: number | null;
  onExit(handler: (cause: string) => void): void;
  /** SIGKILL, or its equivalent. */
  kill(): void;
}

/** How processes are started differs between the desktop app and headless; nothing else does. */
export interface NodeLauncher {
  launch(name: string): NodeProcess;
}
