/** What the operations of a coordinator share. */
import type { CoterieError } from '../base/errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { ContextSeal } from '../ports/context-seal.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { HybridClock } from '../versions/hybrid-clock.ts';
import type { Actor } from '../versions/version-set.ts';
import type { Refusing } from './coordinator/refusing.ts';
import type { HintStore } from './handoff/hint-store.ts';
import type { LocalRecords } from './replica/local-records.ts';
import type { ReadEligibility } from './replica/read-eligibility.ts';
import type { Requests } from './requests.ts';
import type { Topology } from './topology.ts';

/** Since the node started. */
export interface Counters {
  reads: number;
  writes: number;
  readsRefused: number;
  writesRefused: number;
  readRepairs: number;
  speculativeRetries: number;
  forwarded: number;
  replicaPuts: number;
  replicaGets: number;
  /** Writes that a fallback took for a replica that could not be reached. */
  redirected: number;
  /** Reads that found several versions beside each other. */
  siblingReads: number;
  /** Writes that left some. */
  siblingWrites: number;
  /** Records on disk that were found damaged. */
  damagedRecords: number;
}

export function newCounters(): Counters {
  return {
    reads: 0,
    writes: 0,
    readsRefused: 0,
    writesRefused: 0,
    readRepairs: 0,
    speculativeRetries: 0,
    forwarded: 0,
    replicaPuts: 0,
    replicaGets: 0,
    redirected: 0,
    siblingReads: 0,
    siblingWrites: 0,
    damagedRecords: 0,
  };
}

/** In whose name this node writes; shared by all who write, because it may change while the node runs. */
export interface Writer {
  /** This node in its present epoch. A new one is taken when a record of the present one turns out to be lost. */
  actor: Actor;
  /** The highest event number that this node may have forgotten, with a collected tombstone or a failed write, over all keys. */
  counterMax: number;
  /** Why nothing may be written in this node's name: its epoch is not durable yet. Null: it may. */
  refusal: CoterieError | null;
}

/** All of them: each class names those that it needs. */
export interface CoordinatorParts {
  readonly selfId: number;
  readonly records: LocalRecords;
  readonly hints: HintStore;
  readonly eligibility: ReadEligibility;
  readonly network: PeerNetwork;
  readonly requests: Requests;
  /** Peers that refuse writes just now. */
  readonly refusing: Refusing;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly hybridClock: HybridClock;
  readonly writer: Writer;
  readonly seal: ContextSeal;
  readonly counters: Counters;
  readonly log: Log;
  /** By the present layout; whoever needs it asks for it each time. */
  readonly topology: () => Topology;
  /** A number that advances with each call: spreads reads over replicas. */
  turn(): number;
}
