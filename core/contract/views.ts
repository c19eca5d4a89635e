/**
 * What the user interface, the command line and other computers see of a cluster: plain data, described once as schemas
 * that check it and name its type. No class, no function, nothing that does not survive JSON.
 */
import { z } from 'zod';
import { workerNames, workerStates } from '../base/background.ts';
import { conflictPolicies, consistencyLevels, durabilities } from '../base/levels.ts';
import { isPlainLine } from '../base/plain-text.ts';
import { repairsView } from './repair-views.ts';

export const level = z.enum(consistencyLevels);
export const conflictPolicy = z.enum(conflictPolicies);
export const durability = z.enum(durabilities);

/** Names of keyspaces, nodes and data centers. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/i,
    'Use letters, digits, dots, dashes and underscores, 63 at most, starting with a letter or digit.',
  );

/** What people call their cluster: any words of one line, without characters that steer how it is shown. */
export const clusterName = z
  .string()
  .trim()
  .min(1, 'A cluster needs a name.')
  .max(63, 'A name has 63 characters at most.')
  .refine(isPlainLine, 'A name is one line, without control characters or marks of direction.');

/**
 * starting: its process runs but does not take clients yet. up: takes clients. paused: stopped by signal, keeps its memory.
 * down: its process ended and will be restarted at `restartAtMs`. stopped: a person stopped it. draining: it finishes what
 * it has. failed: it ended too often or cannot start; see `problem`.
 */
export const nodeState = z.enum(['starting', 'up', 'paused', 'down', 'draining', 'stopped', 'failed']);
export type NodeState = z.infer<typeof nodeState>;

/** Some partitions of one keyspace, counted. */
export const partitionsOfKeyspace = z.object({ keyspace: z.string(), partitions: z.number() });
export type PartitionsOfKeyspace = z.infer<typeof partitionsOfKeyspace>;

/** Measured by the node itself, at `measuredAtMs`; null where it has not reported since it started. */
/** One kind of work that a node does in the background; in words: worker-words.ts. */
export const workerView = z.object({
  name: z.enum(workerNames),
  state: z.enum(workerStates),
  /** Since the node started. */
  done: z.number(),
  /** Where its walk over the 1,024 partitions is; null: it makes none, or none now. */
  partition: z.number().nullable(),
  /** Why its last step failed; null: it did not. It is tried again by itself. */
  problem: z.string().nullable(),
  /** Until its next step; null while one is under way. */
  restMs: z.number().nullable(),
});
export type WorkerView = z.infer<typeof workerView>;

export const nodeFigures = z.object({
  measuredAtMs: z.number(),
  keyCount: z.number(),
  diskBytes: z.number(),
  coldDiskBytes: z.number(),
  coldRawBytes: z.number(),
  hotBytes: z.number(),
  hotBytesMax: z.number(),
  /** 0 to 1; null before the first read. */
  hotHitRate: z.number().nullable(),
  memoryBytes: z.number(),
  clientCount: z.number(),
  readsPerSecond: z.number(),
  writesPerSecond: z.number(),
  readP99Ms: z.number().nullable(),
  writeP99Ms: z.number().nullable(),
  readRepairs: z.number(),
  refused: z.number(),
  /** Names of peers that this node has no working link to. */
  peersDown: z.array(z.string()),
  /** How late this node's own timers are, 99th percentile: what its load adds to every probe. Absent before the first. */
  probeLatenessP99Ms: z.number().nullable().optional(),
  /** Partitions in which this node lost data and has not been compared with every other replica since. */
  rebuildingPartitions: z.number(),
  /** Where acknowledged writes may be gone for good, as far as this node knows, until a person accepts it. */
  possibleLoss: z.array(partitionsOfKeyspace),
  /** Names of nodes that this one has to hear before it answers reads for all its partitions again. */
  waitsFor: z.array(z.string()),
  /** Writes that this node took in the place of a replica that could not be reached, since it started. */
  redirected: z.number(),
  /** Tombstones and expired values that this node forgot for good, since it started. */
  collected: z.number(),
  /** Per peer: what this node owes it, and what became of the rest since this node started. */
  hints: z.array(
    z.object({
      node: z.string(),
      owed: z.number(),
      owedBytes: z.number(),
      sent: z.number(),
      expired: z.number(),
      skipped: z.number(),
    }),
  ),
  work: z.array(workerView),
});
export type NodeFigures = z.infer<typeof nodeFigures>;

/** How the other nodes see this one (SWIM), and how they came to it. */
export const membershipView = z.object({
  state: z.enum(['alive', 'suspect', 'dead', 'left']),
  sinceMs: z.number(),
  /** Names of nodes that had no answer from it. */
  suspectedBy: z.array(z.string()),
  /** Names of nodes that tried for themselves, and had none either. */
  confirmedBy: z.array(z.string()),
});
export type MembershipView = z.infer<typeof membershipView>;

export const nodeView = z.object({
  id: z.string(),
  name,
  dataCenter: z.string(),
  computer: z.string(),
  weight: z.number(),
  state: nodeState,
  sinceMs: z.number(),
  pid: z.number().nullable(),
  /** host:port for Redis clients; null while unknown. */
  client: z.string().nullable(),
  peer: z.string().nullable(),
  version: z.string(),
  restartCount: z.number(),
  restartAtMs: z.number().nullable(),
  /** Cause and next step in words, for down and failed nodes. */
  problem: z.string().nullable(),
  lastLogLines: z.array(z.string()),
  figures: nodeFigures.nullable(),
  /** Null while nobody has reported. */
  membership: membershipView.nullable(),
});
export type NodeView = z.infer<typeof nodeView>;

/** What a person has accepted at one node. */
export const acceptedLoss = z.object({
  losses: z.array(partitionsOfKeyspace),
  /** Nodes that it no longer waits for, with what they might have held. */
  notHeard: z.array(partitionsOfKeyspace.extend({ node: z.string() })),
});
export type AcceptedLoss = z.infer<typeof acceptedLoss>;

export const computerView = z.object({
  id: z.string(),
  name: z.string(),
  dataCenter: z.string(),
  self: z.boolean(),
});
export type ComputerView = z.infer<typeof computerView>;

/** What a keyspace survives: for one loss, whether reads and writes at its levels still work. */
export const survivalView = z.object({
  loss: z.enum(['node', 'computer', 'data-center']),
  readable: z.boolean(),
  writable: z.boolean(),
});
export type SurvivalView = z.infer<typeof survivalView>;

/** Whether a read sees the latest acknowledged write: wherever both happen, only in one data center, or not surely. */
export const readYourWrites = z.enum(['always', 'within-data-center', 'no']);
export type ReadYourWrites = z.infer<typeof readYourWrites>;

/** What a level asks for, in the data center that has least to spare where it counts each by itself. */
export const levelDemand = z.object({
  level,
  needed: z.number(),
  of: z.number(),
  scope: z.enum(['all', 'own-data-center', 'each-data-center']),
});
export type LevelDemand = z.infer<typeof levelDemand>;

/** What the settings of a keyspace come to in this cluster, of one that is there or of a draft. */
export const keyspaceConsequences = z.object({
  /** Replicas that really exist: the factor, bounded by the nodes of each data center. */
  replicaCount: z.number(),
  readYourWrites,
  /** The data centers within which it holds. */
  readYourWritesIn: z.array(z.string()),
  /** What the levels alone give; more than `readYourWrites` where a write may be with a stand-in that no read asks. */
  readYourWritesByLevels: readYourWrites,
  /** Reads and writes count the same replicas: needed for a read, for a write, and how many there are. Else null. */
  sum: z.object({ read: z.number(), write: z.number(), of: z.number() }).nullable(),
  reads: levelDemand,
  writes: levelDemand,
  /** There are nodes that could stand in for a replica, and the keyspace lets them. */
  standIns: z.boolean(),
  /** There are nodes that could stand in, allowed or not. */
  spareNodes: z.boolean(),
  survives: z.array(survivalView),
  /** Sentences that a person should know, such as a factor above the number of nodes. */
  warnings: z.array(z.string()),
});
export type KeyspaceConsequences = z.infer<typeof keyspaceConsequences>;

export const keyspaceView = keyspaceConsequences.extend({
  id: z.number(),
  name,
  database: z.number().nullable(),
  factors: z.record(z.string(), z.number()),
  readLevel: level,
  writeLevel: level,
  conflicts: conflictPolicy,
  sloppy: z.boolean(),
  durability,
  defaultTimeToLiveMs: z.number(),
  createdAtMs: z.number(),
  /** Partitions (of 1,024) whose replicas are not all up now. */
  underReplicated: z.number(),
  /** Partitions that cannot be read or written at the keyspace's levels now. */
  unavailable: z.number(),
  /** Partitions in which acknowledged writes may be gone for good, and the nodes that tell it; null: in none, or accepted. */
  possibleLoss: z.object({ partitions: z.number(), nodes: z.array(z.string()) }).nullable(),
});
export type KeyspaceView = z.infer<typeof keyspaceView>;

/** One ring per data center: owner of each of the 1,024 arcs as an index into `nodes`. */
export const ringView = z.object({
  dataCenter: z.string(),
  nodes: z.array(z.object({ id: z.string(), name, arcCount: z.number(), share: z.number() })),
  owners: z.array(z.number()),
});
export type RingView = z.infer<typeof ringView>;

export const activityKind = z.enum(['node', 'keyspace', 'data', 'cluster', 'membership', 'repair']);
export type ActivityKind = z.infer<typeof activityKind>;
export const activityEntry = z.object({
  id: z.string(),
  atMs: z.number(),
  kind: activityKind,
  severity: z.enum(['info', 'warning', 'error']),
  /** Node or keyspace concerned. */
  subject: z.string(),
  message: z.string(),
  /** 'person' for actions taken in the app or on the command line. */
  by: z.enum(['person', 'system']),
});
export type ActivityEntry = z.infer<typeof activityEntry>;

/** Something that needs a person, with where to go. */
export const advice = z.object({
  id: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  title: z.string(),
  detail: z.string(),
  /** Page to open: overview, ring, keyspaces, data, repair, activity. */
  page: z.string(),
  /** The node or keyspace to open there; empty: the page alone. */
  subject: z.string(),
  action: z.string(),
});
export type Advice = z.infer<typeof advice>;

export const clusterView = z.object({
  id: z.string(),
  name: z.string(),
  createdAtMs: z.number(),
  layoutVersion: z.number(),
  partitionCount: z.number(),
  version: z.string(),
  readOnly: z.boolean(),
});
export type ClusterView = z.infer<typeof clusterView>;

/** A user of the data. No character that a terminal, a log or an HTTP head would take for something else. */
export const userName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'Use letters, digits, dots, dashes and underscores, 63 at most, starting with a letter or digit.',
  );

export const accessView = z.object({
  /** False: every program of this computer may read and write without a login. */
  required: z.boolean(),
  users: z.array(z.object({ name: userName, createdAtMs: z.number() })),
});
export type AccessView = z.infer<typeof accessView>;

/** A password just made: it is shown this once. */
export const madePassword = z.object({ name: userName, password: z.string() });

export const snapshot = z.object({
  cluster: clusterView,
  dataCenters: z.array(z.string()),
  computers: z.array(computerView),
  nodes: z.array(nodeView),
  keyspaces: z.array(keyspaceView),
  rings: z.array(ringView),
  advice: z.array(advice),
  activity: z.array(activityEntry),
  repairs: repairsView,
});
export type Snapshot = z.infer<typeof snapshot>;

/** A browser that was logged in. */
export const sessionView = z.object({
  id: z.string(),
  /** What it calls itself, in known words. */
  browser: z.string(),
  createdAtMs: z.number(),
  lastSeenMs: z.number(),
  /** When it ends if it is not used again. */
  expiresAtMs: z.number(),
  openPages: z.number(),
  /** It is the caller's own. */
  own: z.boolean(),
});
export type SessionView = z.infer<typeof sessionView>;

/** A value as the interface shows it: text when it is valid UTF-8, base64 otherwise; cut at `valueBytesShown`. */
export const valueView = z.object({
  text: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  byteCount: z.number(),
  truncated: z.boolean(),
  expiresAtMs: z.number(),
  writtenAtMs: z.number(),
});
export type ValueView = z.infer<typeof valueView>;

export const replicaView = z.object({
  node: name,
  dataCenter: z.string(),
  state: z.enum(['holds', 'absent', 'unreachable']),
  /** Compared with everything that all replicas know together. */
  relation: z.enum(['equal', 'ancestor', 'descendant', 'sibling']),
  siblingCount: z.number(),
  tombstone: z.boolean(),
  context: z.string(),
});
export type ReplicaView = z.infer<typeof replicaView>;

export const keyView = z.object({
  keyspace: name,
  key: z.string(),
  slot: z.number(),
  partition: z.number(),
  /** Opaque; hand it back with a write. */
  context: z.string(),
  siblings: z.array(valueView),
  replicas: z.array(replicaView),
  /** Set when not all replicas answered. */
  partial: z.boolean(),
});
export type KeyView = z.infer<typeof keyView>;
