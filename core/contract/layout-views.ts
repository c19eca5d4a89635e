/** Changes of the cluster as people stage, preview, apply and follow them. */
import { z } from 'zod';
import { intensities } from '../base/levels.ts';
import { name } from './names.ts';
import { survivalChange } from './survival.ts';

const weight = z.number().positive().max(100);

/** One change, as a person asks for it. */
export const layoutChange = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('add-nodes'),
    count: z.number().int().min(1).max(32).default(1),
    /** One that does not exist yet is made; absent: that of this computer. */
    dataCenter: name.optional(),
    /** By its name; absent: the one that is asked. */
    computer: z.string().max(200).optional(),
    weight: weight.default(1),
  }),
  /** `dead`: nobody waits for the node, and what only it held is lost. */
  z.object({ kind: z.literal('remove-node'), node: name, dead: z.boolean().default(false) }),
  /** A new node of this computer takes the place of one that is dead. */
  z.object({ kind: z.literal('replace-node'), node: name }),
  z.object({ kind: z.literal('weigh-node'), node: name, weight }),
  z.object({ kind: z.literal('move-node'), node: name, dataCenter: name }),
  z.object({ kind: z.literal('remove-data-center'), dataCenter: name }),
  z.object({ kind: z.literal('rename-data-center'), dataCenter: name, to: name }),
]);
export type LayoutChange = z.infer<typeof layoutChange>;

/** Where on the ring a node gets copies, and where it lets some go: partitions in ascending order, over all keyspaces. */
const nodeMoves = z.object({
  name,
  dataCenter: z.string(),
  gains: z.array(z.number()),
  releases: z.array(z.number()),
});
export type NodeMoves = z.infer<typeof nodeMoves>;

export const layoutPreview = z.object({
  /** In words, in the order in which they were staged. */
  changes: z.array(z.string()),
  moves: z.object({
    /** Of 1,024. */
    partitions: z.number(),
    copies: z.number(),
    bytes: z.number(),
    minimumBytes: z.number(),
  }),
  nodes: z.array(
    nodeMoves.extend({
      copiesBefore: z.number(),
      copiesAfter: z.number(),
      gained: z.number(),
      released: z.number(),
      bytesBefore: z.number(),
      bytesAfter: z.number(),
    }),
  ),
  /** Of the change that was applied and is not finished; empty: none is under way. */
  underWay: z.array(nodeMoves),
  /** About how long, at the pace of the last transfer; null: nobody knows yet. */
  durationMs: z.number().nullable(),
  survival: z.array(survivalChange),
  /** What would be lost with nodes that are given up. */
  losses: z.array(z.string()),
  /** Reasons against it; it cannot be applied while there are any. */
  blocked: z.array(z.string()),
});
export type LayoutPreview = z.infer<typeof layoutPreview>;

/** What staging did. */
export const layoutStaged = layoutPreview.extend({
  /** The layout as which it was applied at once, because nodes join by themselves; null: it waits for a person. */
  appliedAs: z.number().nullable(),
});
export type LayoutStaged = z.infer<typeof layoutStaged>;

/** One partition that a node gets just now. */
export const partitionProgress = z.object({
  /** Its name. */
  keyspace: z.string(),
  partition: z.number(),
  /** The node that it comes from. */
  from: z.string(),
  /** Of what that one holds, 0 to 1; null: both are compared, and only what differs is brought. */
  share: z.number().nullable(),
  bytesMoved: z.number(),
  /** Null: nothing has come yet. */
  bytesPerSecond: z.number().nullable(),
  /** Null: unknown. */
  remainingMs: z.number().nullable(),
});
export type PartitionProgress = z.infer<typeof partitionProgress>;

/** One partition that a node gives just now to one that has it from now on: what it still holds, and that one lacks. */
export const partitionGiven = z.object({
  /** Who gives. */
  node: z.string(),
  keyspace: z.string(),
  partition: z.number(),
  to: z.string(),
  keysGiven: z.number(),
  bytesGiven: z.number(),
  /** Null: nothing has been given yet. */
  bytesPerSecond: z.number().nullable(),
});
export type PartitionGiven = z.infer<typeof partitionGiven>;

/** How far one node is in a change. */
export const nodeProgress = z.object({
  name,
  /** Copies that it has got, and gets. */
  partitionsDone: z.number(),
  partitionsTotal: z.number(),
  bytesMoved: z.number(),
  remainingMs: z.number().nullable(),
  /** Partitions that it does not have yet, in ascending order, over all keyspaces. */
  open: z.array(z.number()),
  /** Those that it gets just now, in ascending order; most take less than a moment. */
  moving: z.array(partitionProgress),
});
export type NodeProgress = z.infer<typeof nodeProgress>;

export const layoutView = z.object({
  version: z.number(),
  state: z.enum(['settled', 'changing']),
  /** Changes that are staged. */
  staged: z.number(),
  changes: z.array(z.string()),
  progress: z.object({
    /** Copies that nodes have got and still get, in this change. */
    partitionsDone: z.number(),
    partitionsTotal: z.number(),
    bytesMoved: z.number(),
    /** Since it began; null: nothing moves. */
    bytesPerSecond: z.number().nullable(),
    /** When it will be done at the present pace; null: unknown, or done. */
    remainingMs: z.number().nullable(),
    /** Those that get copies by the change; while there is none, those that get back what they lost. */
    nodes: z.array(nodeProgress),
    /** By node, keyspace and partition; also after the change, until former replicas hold nothing any more. */
    given: z.array(partitionGiven),
  }),
  /** What it still waits for, each a sentence. */
  waitsFor: z.array(z.string()),
  /** New nodes take their share without anybody applying it. */
  joinsByItself: z.boolean(),
  /** How much of a computer the moving of data may take while clients are served. */
  transfer: z.enum(intensities),
});
export type LayoutView = z.infer<typeof layoutView>;

export const layoutSettings = layoutView.pick({ joinsByItself: true, transfer: true }).partial();
export type LayoutSettings = z.infer<typeof layoutSettings>;

export const layoutEntry = z.object({
  version: z.number(),
  atMs: z.number(),
  /** Who applied it, in words, such as "anna (command line)" or "Firefox on Linux"; '': not known any more. */
  by: z.string(),
  changes: z.array(z.string()),
  /** It changed nodes; the newest such change can be taken back. */
  ofNodes: z.boolean(),
});
export type LayoutEntry = z.infer<typeof layoutEntry>;
