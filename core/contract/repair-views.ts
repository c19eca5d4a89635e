/** What a person sees of repairs: jobs, schedules, and how long ago each range of a keyspace was compared. */
import { z } from 'zod';
import { intensities } from '../base/levels.ts';

const keyspaceName = z.string().min(1).max(63);

/** How much of the cluster's time a repair may take: a rest between two segments. */
export const repairIntensity = z.enum(intensities);
export type RepairIntensity = z.infer<typeof repairIntensity>;

export const repairState = z.enum(['waiting', 'running', 'paused', 'done', 'failed', 'cancelled']);
export type RepairState = z.infer<typeof repairState>;

export const repairSegmentState = z.enum(['open', 'running', 'done', 'failed']);

/** A run of neighbouring partitions, compared and repaired as one. */
export const repairSegment = z.object({
  firstPartition: z.number(),
  lastPartition: z.number(),
  state: repairSegmentState,
  /** Keys in which replicas differed. */
  differences: z.number(),
  attempts: z.number(),
  /** Why the last attempt failed; empty otherwise. */
  reason: z.string(),
});
export type RepairSegment = z.infer<typeof repairSegment>;

/** What a repair that has not ended waits for, as facts; in words: repair-words.ts. */
export const repairWait = z.discriminatedUnion('for', [
  /** The runner to come to it. */
  z.object({ for: z.literal('turn') }),
  /** Somebody to resume it. */
  z.object({ for: z.literal('person') }),
  /** The nodes of this computer to be ready. */
  z.object({ for: z.literal('nodes') }),
  /** A replica to come back. */
  z.object({ for: z.literal('node'), node: z.string() }),
  /** Another repair, at this replica, to end. */
  z.object({ for: z.literal('other-repair'), node: z.string() }),
  z.object({ for: z.literal('comparison'), firstPartition: z.number(), lastPartition: z.number() }),
  z.object({ for: z.literal('quiet-time'), untilMs: z.number() }),
  /** A short rest between two segments. */
  z.object({ for: z.literal('rest') }),
  /** A failed segment to be tried again. */
  z.object({ for: z.literal('retry') }),
]);
export type RepairWait = z.infer<typeof repairWait>;

export const repairJob = z.object({
  id: z.string(),
  keyspace: keyspaceName,
  /** Empty: all. */
  dataCenters: z.array(z.string()),
  /** Counts differences and changes nothing. */
  dryRun: z.boolean(),
  /** Segments at a time. */
  parallelism: z.number(),
  intensity: repairIntensity,
  by: z.enum(['person', 'schedule']),
  /** Whose quiet hours it keeps; null: asked for by a person. */
  scheduleId: z.string().nullable(),
  state: repairState,
  /** Null when the job has ended. A version before this one kept a sentence here, which is let go. */
  waitingFor: repairWait.nullable().catch(null),
  /** Who asked for it, in words; null: a schedule, or not known. */
  askedBy: z.string().nullable().default(null),
  /** The computers where it was asked for and where it runs, or ran, by name; null: not known. */
  askedOn: z.string().nullable().default(null),
  runsOn: z.string().nullable().default(null),
  createdAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  segments: z.array(repairSegment),
  /** Since it was started or resumed; null before the first segment is done. */
  segmentsPerMinute: z.number().nullable(),
  etaMs: z.number().nullable(),
  keysDiffering: z.number(),
  recordsSent: z.number(),
  valueBytes: z.number(),
  treeBytes: z.number(),
});
export type RepairJob = z.infer<typeof repairJob>;

const clockTime = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'A time like 02:30, please.');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const repairScheduleSettings = z.object({
  keyspace: keyspaceName,
  dataCenters: z.array(z.string().max(63)).max(64).default([]),
  /** Days between two runs. */
  everyDays: z.number().int().min(1).max(90).default(7),
  at: clockTime.default('02:00'),
  timeZone: z.string().refine(isTimeZone, 'A time zone like Europe/Berlin, please.').default('UTC'),
  /** Times of day in which no segment is started; `until` before `from` reaches over midnight. */
  blackouts: z
    .array(z.object({ from: clockTime, until: clockTime }))
    .max(12)
    .default([]),
  parallelism: z.number().int().min(1).max(8).default(1),
  intensity: repairIntensity.default('gentle'),
});
export type RepairScheduleSettings = z.infer<typeof repairScheduleSettings>;

export const repairSchedule = repairScheduleSettings.extend({
  id: z.string(),
  /** Who made it, in words, and at which computer, by name; null: not known. */
  askedBy: z.string().nullable().default(null),
  askedOn: z.string().nullable().default(null),
  createdAtMs: z.number(),
  nextAtMs: z.number(),
});
export type RepairSchedule = z.infer<typeof repairSchedule>;

export const repairRequest = z.object({
  keyspace: keyspaceName,
  dataCenters: z.array(z.string().max(63)).max(64).default([]),
  firstPartition: z.number().int().min(0).max(1023).default(0),
  lastPartition: z.number().int().min(0).max(1023).default(1023),
  dryRun: z.boolean().default(false),
  parallelism: z.number().int().min(1).max(8).default(1),
  intensity: repairIntensity.default('normal'),
});
export type RepairRequest = z.infer<typeof repairRequest>;

/** For the heat strip: when each of 64 equal ranges of a keyspace was last compared as a whole; null: never. */
export const repairCoverage = z.object({
  keyspace: keyspaceName,
  comparedAtMs: z.array(z.number().nullable()),
});
export type RepairCoverage = z.infer<typeof repairCoverage>;

export const repairsView = z.object({
  /** Newest first; those that have ended are kept as history, a hundred of them. */
  jobs: z.array(repairJob),
  schedules: z.array(repairSchedule),
  coverage: z.array(repairCoverage),
});
export type RepairsView = z.infer<typeof repairsView>;
