/**
 * Repair jobs and schedules as all computers of a cluster hold them: what is kept of each, and which of two copies is the later one.
 * Pure. No clock decides between copies, for that of one computer may be wrong by days: epochs and counts do.
 *
 * Within one epoch one computer writes a job, and its state only goes on (waiting or running, paused, ended). Whatever a person decides,
 * and every computer that takes the job over, begins the next epoch. So copies are in one order for everybody, in whatever order they
 * arrive, and also where two halves of a network went on by themselves.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  type RepairJob,
  type RepairSchedule,
  repairJob,
  repairSchedule,
  repairSegment,
} from '../../contract/repair-views.ts';

/** Segments of a job are at most as many as partitions; with the reasons of failed ones this is ample. */
export const recordBytesMax = 512 * 1024;
/** Reasons of failures beyond it would make a job larger than others take. */
export const reasonLengthMax = 300;
const countMax = 1e12;

const count = z.number().int().min(0).max(countMax);
const partition = z.number().int().min(0).max(1_023);
const id = z.string().min(1).max(64);
const words = z.string().max(300).nullable();
const computer = z.string().max(255);

export const jobMark = z.object({ epoch: count, version: count, runner: computer });
/** `writer`: the computer whose fire of the schedule was the last. */
export const scheduleMark = z.object({ version: count, writer: computer });

/** With what decides between its copies. */
export type SharedJob = RepairJob & { mark: z.infer<typeof jobMark> };
export type SharedSchedule = RepairSchedule & { readonly mark: z.infer<typeof scheduleMark> };

/** A schedule that was removed: a computer that was away must not bring it back. */
export const removal = z.object({ id, keyspace: z.string().max(63), removedAtMs: z.number() });
export type Removal = Readonly<z.infer<typeof removal>>;

const sharedJob = repairJob.extend({
  ...{ id, mark: jobMark, askedBy: words, askedOn: words, runsOn: words },
  dataCenters: z.array(z.string().max(63)).max(64),
  parallelism: z.number().int().min(1).max(8),
  scheduleId: id.nullable(),
  segments: z
    .array(
      repairSegment.extend({
        ...{ firstPartition: partition, lastPartition: partition },
        reason: z.string().max(4_096),
      }),
    )
    .min(1)
    .max(1_024),
});

const sharedSchedule = repairSchedule.extend({ id, mark: scheduleMark, askedBy: words, askedOn: words });

/** As it goes from one computer to another. A newer version may send formats that are not known here: they are left alone. */
const sharedRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('job'), format: z.literal(1), job: sharedJob }),
  z.object({ kind: z.literal('schedule'), format: z.literal(1), schedule: sharedSchedule }),
  z.object({ kind: z.literal('removal'), format: z.literal(1), removal }),
]);
export type SharedRecord = z.infer<typeof sharedRecord>;

/** Null: too large, nested too deep to be written down, or of no form that is known here. */
export function recordIn(value: unknown): SharedRecord | null {
  try {
    if (JSON.stringify(value).length > recordBytesMax) return null;
  } catch {
    // One such record must not keep the others, that came with it, from being learnt.
    return null;
  }
  return sharedRecord.safeParse(value).data ?? null;
}

/** The place of a copy in the order of all copies of one record. */
export const stamp = z.object({
  /** 1: it stays like this whatever comes later: done, cancelled, removed. */
  final: z.number().int().min(0).max(1),
  epoch: count,
  rank: z.number().int().min(0).max(2),
  writer: computer,
  version: count,
});
type Stamp = z.infer<typeof stamp>;

export function stampOf(record: SharedRecord): Stamp {
  switch (record.kind) {
    case 'job':
      return stampOfJob(record.job);
    case 'schedule': {
      const { version, writer } = record.schedule.mark;
      // Both sides of a network that was in two may have fired it: who did it oftener is ahead, and of equals either will do.
      return { final: 0, epoch: version, rank: 0, writer, version };
    }
    case 'removal':
      return { final: 1, epoch: 0, rank: 0, writer: '', version: 0 };
  }
}

export function stampOfJob({ state, mark: { epoch, version, runner } }: SharedJob): Stamp {
  const rank = state === 'waiting' || state === 'running' ? 0 : state === 'paused' ? 1 : 2;
  return { final: state === 'done' || state === 'cancelled' ? 1 : 0, epoch, rank, writer: runner, version };
}

/** Of two writers of one epoch the smaller id counts: any rule that all follow would do. */
export function isLater(one: Stamp, other: Stamp): boolean {
  if (one.final !== other.final) return one.final > other.final;
  if (one.epoch !== other.epoch) return one.epoch > other.epoch;
  if (one.rank !== other.rank) return one.rank > other.rank;
  if (one.writer !== other.writer) return one.writer < other.writer;
  return one.version > other.version;
}

/** Names a record among all of them. A removal takes the place of its schedule. */
export function nameOf(record: SharedRecord): string {
  if (record.kind === 'job') return `job ${record.job.id}`;
  return `schedule ${record.kind === 'schedule' ? record.schedule.id : record.removal.id}`;
}

/** The same for the same copies of the same records. */
export function digestOf(records: readonly SharedRecord[]): string {
  const lines = records.map((record) => `${nameOf(record)} ${JSON.stringify(stampOf(record))}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}

/** The job that a schedule's run at a moment is, at whichever computer it is begun: two that begin the same run make one job. */
export function jobIdOf(scheduleId: string, slotMs: number): string {
  const hex = createHash('sha256').update(`${scheduleId} ${slotMs}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
