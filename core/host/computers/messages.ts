/** What computers of a cluster say to each other, as JSON over the computer port. Whoever reads it checks all of it. */
import { z } from 'zod';
import { joinRequest } from '../../contract/computer-views.ts';
import { nodeFigures, nodeState } from '../../contract/node-views.ts';
import { accessRules } from '../../security/access.ts';
import { epochMark, keyEpoch } from '../../security/key-epochs.ts';

const count = z.number().int().min(0);
const port = z.number().int().min(0).max(65_535);
const nodeId = z.number().int().min(0).max(0xffff_ffff);
const line = z.string().max(4_096);
const partition = z.number().int().min(0).max(1_023);

const status = z.object({
  state: nodeState,
  sinceMs: z.number(),
  pid: z.number().nullable(),
  clientPort: port.nullable(),
  peerPort: port.nullable(),
  networkPort: port.nullable(),
  restartCount: count,
  restartAtMs: z.number().nullable(),
  problem: line.nullable(),
  lastLogLines: z.array(line).max(50).readonly(),
  figures: nodeFigures.nullable(),
  peersDown: z.array(line).max(1_000).readonly(),
});

const member = z.object({
  id: nodeId,
  state: z.enum(['alive', 'suspect', 'dead', 'left']),
  incarnation: count,
  sinceMs: z.number(),
  suspectedBy: nodeId.nullable(),
  confirmedBy: z.array(nodeId).max(1_000).readonly(),
});

const layoutReport = z.object({
  version: count,
  live: z.array(count).max(64).readonly(),
  lacking: count,
  open: z.array(count).max(1_024).readonly(),
  receivedBytes: z.number(),
  moving: z
    .array(
      z.object({
        keyspace: count,
        partition,
        // Computers of before it was told say neither.
        direction: z.enum(['from', 'to']).default('from'),
        keys: count.default(0),
        peer: nodeId,
        share: z.number().min(0).max(1).nullable(),
        bytes: z.number().min(0),
        tookMs: z.number().min(0),
      }),
    )
    .max(64)
    .readonly()
    .default([])
    // What is told beside the rest must not keep computers from hearing each other.
    .catch([]),
});

/** Changes of nodes that are told: a computer that was away for a few of them hears of all. */
export const appliedMax = 4;
export const changesMax = 16;
export const changeLengthMax = 300;

/** Where a computer was reached last. */
export const knownPlace = z.object({
  computer: z.string().max(255),
  host: z.string().max(255),
  port,
});
export type KnownPlace = z.infer<typeof knownPlace>;

/** A computer of itself, about once a second. */
export const computerNews = z.object({
  /** The ids in the layout that it plays; the first is its own. */
  computers: z.array(z.string().max(255)).min(1).max(64).readonly(),
  version: z.string().max(64),
  /** Its computer port, and where it listens; null: at the address it calls from, and maybe others. */
  port,
  host: z.string().max(255).nullable(),
  /** Where programs find its nodes; absent: wherever it is reached itself. */
  clientHosts: z.array(z.string().max(255)).max(64).readonly().optional(),
  nodes: z
    .array(
      z.object({
        id: nodeId,
        status,
        members: z.array(member).max(1_000).readonly(),
        layouts: layoutReport.nullable(),
      }),
    )
    .max(1_000)
    .readonly(),
  /** Where it reaches the others. */
  places: z.array(knownPlace).max(1_000).readonly(),
  /** Of its newest layout. */
  layout: z.object({ version: count, digest: z.string().max(128) }),
  requests: z.array(joinRequest).max(64).readonly(),
  /** Who may use the data: the same at every computer. */
  access: accessRules,
  /** Of what the computers hold in common; absent from one that runs an earlier version. */
  keys: epochMark.default({ number: 0, digest: '' }),
  /** Of its repairs, and its clock, by which schedules go; absent: its version does not share them. */
  repairs: z.object({ digest: z.string().max(128), nowMs: z.number() }).optional(),
  /** The last changes of nodes that were applied there; `by`: who wanted it, in words. */
  applied: z
    .array(
      z.object({
        version: count,
        by: z.string().max(600),
        changes: z.array(z.string().max(changeLengthMax)).max(changesMax).readonly(),
      }),
    )
    .max(appliedMax)
    .readonly()
    .optional()
    // What is told beside the rest must not keep computers from hearing each other.
    .catch(undefined),
});
export type ComputerNews = z.infer<typeof computerNews>;

/** The answer to whoever is behind with what the computers hold in common (cluster-keys.ts). */
export const toldKeys = z.object({
  current: keyEpoch,
  knownTo: z.array(z.string().max(128)).max(10_000).readonly(),
  isUsed: z.boolean(),
});

/** A call of ClusterApi, or of a node of the computer that is called. */
export const remoteCall = z.object({
  method: z.string().max(100),
  input: z.unknown(),
  /** Who asked, in words. */
  by: z.string().max(300),
});

/** Some partitions that a node of the computer that is called compares with other replicas. */
export const remoteRepair = z.object({
  nodeId,
  work: z.object({
    keyspace: count,
    partitions: z.array(partition).max(1_024).readonly(),
    replicas: z.array(nodeId).max(64).readonly(),
    dryRun: z.boolean(),
  }),
});

export const repairFigures = z.object({
  keysDiffering: count,
  recordsSent: count,
  valueBytes: count,
  treeBytes: count,
});
