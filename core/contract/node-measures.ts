/** What a node measures for those who watch it with other tools (core/gateway/http/metrics.ts); the app shows little of it. */
import { z } from 'zod';
import { consistencyLevels } from '../base/levels.ts';

/** Reads or writes of one keyspace at one level, since the node started. */
export const levelOperations = z.object({
  keyspace: z.string(),
  kind: z.enum(['read', 'write']),
  level: z.enum(consistencyLevels),
  ok: z.number(),
  /** Too few replicas took or answered it. */
  refused: z.number(),
  /** What was asked for could not be, whoever is there. */
  failed: z.number(),
});

export const nodeMeasures = z.object({
  operations: z.array(levelOperations),
  /** Of the file system in which the node's folder lies; null while it has not been asked, or does not say. `freeBytes`: for this account. */
  fileSystem: z.object({ totalBytes: z.number(), usedBytes: z.number(), freeBytes: z.number() }).nullable(),
  /** What waits, or is under way, at this moment. */
  queues: z.object({
    /** Questions to other nodes. */
    requests: z.number(),
    /** Commands of clients that are not answered yet. */
    commands: z.number(),
    /** Of them: those that wait for one before them on the same connection. */
    commandsWaiting: z.number(),
    /** Large ones that wait for memory. */
    largeWaiting: z.number(),
    /** What clients make the node hold: unfinished input, commands under way, replies that nobody has read. */
    clientBytes: z.number(),
    /** Changes on their way to the disk. */
    storageBytes: z.number(),
  }),
  /** Deleted and expired values that are kept for now, so that no replica brings them back. */
  deadRecords: z.number(),
  /** Since the node started: reads that found several versions beside each other, and writes that left some. */
  siblings: z.object({ reads: z.number(), writes: z.number() }),
  /** Segments that are set aside, and records that were found damaged since the node started. */
  damage: z.object({ segments: z.number(), records: z.number() }),
  /** What was compared in the background, led by this node, since it started. */
  repair: z.object({
    exchanges: z.number(),
    failures: z.number(),
    partitionsCompared: z.number(),
    partitionsDiffering: z.number(),
    keysDiffering: z.number(),
    recordsSent: z.number(),
    recordsReceived: z.number(),
    valueBytes: z.number(),
    treeBytes: z.number(),
    /** Keys that differ and could not be settled yet. */
    unsettledKeys: z.number(),
    /** Milliseconds since 1970, of what has waited longest; 0: some of it never yet; null: nothing is shared with anybody. */
    oldestComparisonMs: z.number().nullable(),
  }),
  /** What came of partitions that were missing here, since it started. */
  rebuild: z.object({ recordsReceived: z.number(), valueBytes: z.number() }),
  /** Reads that asked a further replica because one was slow, and commands that were sent on to another node, since it started. */
  speculativeRetries: z.number(),
  forwarded: z.number(),
});
export type NodeMeasures = z.infer<typeof nodeMeasures>;
