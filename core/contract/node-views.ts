/** What people see of one node: its state, its figures, its work, and what the others hold of it. */
import { z } from 'zod';
import { workerNames, workerStates } from '../base/background.ts';
import { name } from './names.ts';
import { nodeMeasures } from './node-measures.ts';

/**
 * starting: its process runs but does not take clients yet. up: takes clients. paused: stopped by signal, keeps its memory.
 * down: its process ended and will be restarted at `restartAtMs`. stopped: a person stopped it. draining: it finishes what
 * it has. failed: it ended too often or cannot start; see `problem`. unheard: it runs, and the
 * other nodes have established that they do not hear it, as when it is frozen. away: its computer has not been heard of since `sinceMs`.
 */
export const nodeState = z.enum([
  'starting',
  'up',
  'paused',
  'down',
  'draining',
  'stopped',
  'failed',
  'unheard',
  'away',
]);
export type NodeState = z.infer<typeof nodeState>;

/** Some partitions of one keyspace, counted. */
export const partitionsOfKeyspace = z.object({ keyspace: z.string(), partitions: z.number() });
export type PartitionsOfKeyspace = z.infer<typeof partitionsOfKeyspace>;

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

/** Bounds of the latencies that are counted, in milliseconds. */
export const latencyBoundsMs = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

const operationFigures = z.object({
  kind: z.enum(['read', 'write']),
  count: z.number(),
  /** Of `count`: whose level was not met. */
  refused: z.number(),
  /** How many took at most as long as each of `latencyBoundsMs`, all of them, and how long they took together. */
  latency: z.object({ counts: z.array(z.number()), count: z.number(), sumMs: z.number() }),
});

/** Measured by the node itself, at `measuredAtMs`; null where it has not reported since it started. */
export const nodeFigures = z.object({
  measuredAtMs: z.number(),
  keyCount: z.number(),
  diskBytes: z.number(),
  coldDiskBytes: z.number(),
  coldRawBytes: z.number(),
  /** Of `diskBytes`: what no key refers to any more. */
  deadBytes: z.number(),
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
  /** Coordinated by this node since it started. */
  operations: z.array(operationFigures).default([]),
  refused: z.number(),
  /** Names of peers that this node has no working link to. */
  peersDown: z.array(z.string()),
  /** How late this node's own timers are, 99th percentile: what its load adds to every probe. Absent before the first. */
  probeLatenessP99Ms: z.number().nullable().optional(),
  /** Partitions in which this node lost data and has not been compared with every other replica since. */
  rebuildingPartitions: z.number(),
  /** Those of them in which it does not answer reads that come to it: all but what a change has yet to bring. */
  lostPartitions: z.number(),
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
  /** Absent from a node of an earlier version. What is told beside the rest must not keep computers from hearing each other. */
  measures: nodeMeasures.optional().catch(undefined),
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
  /** It hands over what it has, and then ends. */
  leaving: z.boolean(),
  state: nodeState,
  sinceMs: z.number(),
  pid: z.number().nullable(),
  /** host:port for Redis clients; null while unknown. */
  client: z.string().nullable(),
  /** host:port for clients on other computers, over TLS; null: they cannot connect, or it is unknown. */
  network: z.string().nullable(),
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
