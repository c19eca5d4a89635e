/**
 * What the user interface, the command line and other computers see of a cluster: plain data, described once as schemas
 * that check it and name its type. No class, no function, nothing that does not survive JSON.
 */
import { z } from 'zod';
import { conflictPolicies, consistencyLevels, durabilities } from '../base/levels.ts';
import { accessLevels } from '../base/rights.ts';
import { computerView } from './computer-views.ts';
import { layoutView } from './layout-views.ts';
import { name } from './names.ts';
import { nodeView } from './node-views.ts';
import { repairsView } from './repair-views.ts';
import { survivalView } from './survival.ts';

export const level = z.enum(consistencyLevels);
export const conflictPolicy = z.enum(conflictPolicies);
export const durability = z.enum(durabilities);

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
  notifications: z.string().default(''),
  createdAtMs: z.number(),
  /** Partitions (of 1,024) whose replicas are not all up now. */
  underReplicated: z.number(),
  /** Partitions that cannot be read or written at the keyspace's levels now. */
  unavailable: z.number(),
  /** Those that cannot be read, and those that cannot be written. */
  unreadable: z.number().default(0),
  unwritable: z.number().default(0),
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
  /** Who that was, in words, and at which computer if it was another one; null: the system, or not known. */
  who: z.string().nullable().default(null),
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

/** What a person can let a user do. */
export const userAccess = z.enum(['read', 'write', 'admin']);
export type UserAccess = z.infer<typeof userAccess>;

/** By name, those that are there no more among them; null: all, also those that are made later. */
export const userKeyspaces = z
  .array(name)
  .max(32, 'Name 32 keyspaces at most, or let it use all.')
  .nullable();

export const accessView = z.object({
  /** False: every program of this computer may read and write without a login. */
  required: z.boolean(),
  users: z.array(
    z.object({
      name: userName,
      createdAtMs: z.number(),
      access: z.enum(accessLevels),
      keyspaces: z.array(z.string()).nullable(),
    }),
  ),
});
export type AccessView = z.infer<typeof accessView>;

/** A password just made: it is shown this once. */
export const madePassword = z.object({ name: userName, password: z.string() });

/** What a program of a user shows over HTTP instead of the password. */
export const tokenView = z.object({
  id: z.string(),
  user: userName,
  name: z.string(),
  createdAtMs: z.number(),
  /** Null: until it is revoked. */
  expiresAtMs: z.number().nullable(),
  expired: z.boolean(),
  /** At the computer that answers, since it was started; null: not. */
  usedAtMs: z.number().nullable(),
});
export type TokenView = z.infer<typeof tokenView>;

/** What a person calls it; for instance after the program that has it. */
export const tokenName = z
  .string()
  .trim()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{0,63}$/u, 'Use at most 63 characters on one line.');

/** A token just made: it is shown this once. */
export const madeToken = z.object({ id: z.string(), user: userName, token: z.string() });

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
  layout: layoutView,
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
  /** That it was written with over HTTP; '': it says nothing beyond bytes. */
  contentType: z.string().default(''),
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
