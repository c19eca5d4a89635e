/** Repair jobs: order, waiting, pausing, failing, schedules and a restart, in virtual time with nodes that only pretend. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import type { RepairRequest } from '../../../core/contract/repair-views.ts';
import type { SegmentWork } from '../../../core/host/repairs/job-runner.ts';
import type { RepairStore, SavedRepairs } from '../../../core/host/repairs/repair-store.ts';
import { Repairs } from '../../../core/host/repairs/repairs.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';
import type { RepairFigures } from '../../../core/node-process/messages.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const layout: Layout = firstLayout({
  clusterId: 'c',
  clusterName: 'c',
  createdAtMs: 0,
  computers: [1, 2, 3].map((id) => ({ id: `c${id}`, name: `c${id}`, dataCenter: 'office' })),
  nodes: [1, 2, 3].map((id) => ({
    id,
    name: `n${id}`,
    computer: `c${id}`,
    dataCenter: 'office',
    weight: 1,
  })),
});

const whole: Required<RepairRequest> = {
  keyspace: 'default',
  dataCenters: [],
  firstPartition: 0,
  lastPartition: 1023,
  dryRun: false,
  parallelism: 1,
  intensity: 'fast',
};

let time: VirtualTime;
let down: Set<number>;
let saved: Map<string, { kind: string; document: unknown }>;
let notes: string[];
/** What each segment comes to: figures, or an error. */
let outcome: (work: SegmentWork) => RepairFigures | CoterieError;
let started: { node: number; work: SegmentWork }[];
let stopCount: number;
let saveCount: number;

const equal: RepairFigures = { keysDiffering: 0, recordsSent: 0, valueBytes: 0, treeBytes: 100 };
const nothing: SavedRepairs = { jobs: [], schedules: [], removals: [], coverage: [] };

function open(from: SavedRepairs = nothing): Repairs {
  const store: RepairStore = {
    save: (kind, id, document) => {
      saveCount++;
      saved.set(`${kind}:${id}`, { kind, document: structuredClone(document) });
    },
    remove: (kind, id) => saved.delete(`${kind}:${id}`),
  };
  const repairs = new Repairs(
    {
      clock: time,
      timers: time,
      store,
      layout: () => layout,
      isUp: (node) => !down.has(node),
      execute(node, work) {
        started.push({ node, work });
        const result = new Promise<RepairFigures>((resolve, reject) => {
          time.after(100, () => {
            const ended = outcome(work);
            if (ended instanceof CoterieError) reject(ended);
            else resolve(ended);
          });
        });
        return { result, stop: () => stopCount++ };
      },
      log: silentLog,
      self: () => ({ id: 'c1', name: 'c1' }),
      peers: () => [],
      changed() {},
      noted: (_, __, message) => notes.push(message),
    },
    from,
  );
  repairs.start();
  return repairs;
}

const savedOf = (kind: string) =>
  [...saved.values()].filter((entry) => entry.kind === kind).map((entry) => entry.document);

beforeEach(() => {
  time = new VirtualTime();
  down = new Set();
  saved = new Map();
  notes = [];
  started = [];
  stopCount = 0;
  saveCount = 0;
  outcome = () => equal;
});

describe('a repair job', () => {
  it('runs every partition once, one segment at a time, and is then done', async () => {
    const jobs = open();
    const job = jobs.run(whole, 'anna');
    await time.advance(60_000);
    expect(job.state).toBe('done');
    const partitions = started.flatMap(({ work }) => work.partitions);
    expect(partitions.sort((a, b) => a - b)).toEqual(Array.from({ length: 1024 }, (_, index) => index));
    expect(jobs.view().coverage[0].comparedAtMs).not.toContain(null);
    jobs.close();
  });

  it('sums what its segments found, and tells when it will end', async () => {
    const jobs = open();
    outcome = () => ({ keysDiffering: 2, recordsSent: 3, valueBytes: 50, treeBytes: 10 });
    const job = jobs.run(whole, 'anna');
    await time.advance(5_000);
    expect(job.state).toBe('running');
    const done = job.segments.filter(({ state }) => state === 'done').length;
    expect(job).toMatchObject({ keysDiffering: done * 2, recordsSent: done * 3, valueBytes: done * 50 });
    expect(job.etaMs).toBeGreaterThan(1_000);
    jobs.close();
  });

  it('leaves a range as never compared when it only counted differences and found some', async () => {
    const jobs = open();
    outcome = () => ({ ...equal, keysDiffering: 1 });
    jobs.run({ ...whole, dryRun: true }, 'anna');
    await time.advance(60_000);
    expect(started.every(({ work }) => work.dryRun)).toBe(true);
    expect(jobs.view().coverage[0].comparedAtMs).not.toContain(0);
    expect(jobs.view().coverage[0].comparedAtMs[0]).toBeNull();
    jobs.close();
  });

  it('names the node that it waits for, and goes on when that is back', async () => {
    const jobs = open();
    down.add(2);
    const job = jobs.run(whole, 'anna');
    await time.advance(10_000);
    expect(started).toEqual([]);
    expect(job.waitingFor).toEqual({ for: 'node', node: 'n2' });
    down.clear();
    await time.advance(60_000);
    expect(job.state).toBe('done');
    jobs.close();
  });

  it('waits while another repair uses one of its replicas', async () => {
    const jobs = open();
    jobs.run(whole, 'anna');
    const second = jobs.run({ ...whole, firstPartition: 0, lastPartition: 5 }, 'anna');
    expect(started.length).toBe(1);
    expect(second.waitingFor).toEqual({ for: 'other-repair', node: expect.stringMatching(/^n[123]$/) });
    await time.advance(120_000);
    expect(second.state).toBe('done');
    jobs.close();
  });

  it('pauses at once, and resumes with the segment that was under way', async () => {
    const jobs = open();
    const job = jobs.run(whole, 'anna');
    await time.advance(50);
    jobs.pause(job.id, 'anna');
    expect(stopCount).toBe(1);
    const before = started.length;
    await time.advance(30_000);
    expect(started.length).toBe(before);
    expect(job.waitingFor).toEqual({ for: 'person' });
    jobs.resume(job.id, 'anna');
    await time.advance(60_000);
    expect(job.state).toBe('done');
    expect(job.segments.every(({ state }) => state === 'done')).toBe(true);
    jobs.close();
  });

  it('tries a failed segment five times, says why, and again when told to', async () => {
    const jobs = open();
    outcome = ({ partitions }) =>
      partitions.includes(0) ? new CoterieError('unavailable', 'n3 did not answer.') : equal;
    const job = jobs.run({ ...whole, lastPartition: 20 }, 'anna');
    await time.advance(120_000);
    expect(job.state).toBe('failed');
    expect(job.segments[0]).toMatchObject({ state: 'failed', attempts: 5, reason: 'n3 did not answer.' });
    outcome = () => equal;
    jobs.retry(job.id, 'anna');
    await time.advance(10_000);
    expect(job.state).toBe('done');
    jobs.close();
  });

  it('is cancelled for good', async () => {
    const jobs = open();
    const job = jobs.run(whole, 'anna');
    await time.advance(1_000);
    jobs.cancel(job.id, 'anna');
    const before = started.length;
    await time.advance(10_000);
    expect(started.length).toBe(before);
    expect(job.state).toBe('cancelled');
    expect(() => jobs.resume(job.id, 'anna')).toThrow('has ended');
    jobs.close();
  });

  it('goes on after a restart of its host, without repeating what was done', async () => {
    const first = open();
    const { id } = first.run(whole, 'anna');
    await time.advance(5_000);
    first.close();
    const before = started.length;
    const second = open({
      jobs: savedOf('job') as never,
      schedules: [],
      removals: [],
      coverage: savedOf('coverage') as never,
    });
    await time.advance(60_000);
    const job = second.view().jobs.find((candidate) => candidate.id === id)!;
    expect(job.state).toBe('done');
    // The one under way at the stop is the only one done twice.
    expect(started.length).toBeLessThanOrEqual(job.segments.length + 1);
    expect(started.length).toBeGreaterThan(before);
    second.close();
  });

  it('is written down at each change of its state, and every few seconds in between', async () => {
    const jobs = open();
    const job = jobs.run({ ...whole, intensity: 'normal' }, 'anna');
    await time.advance(30_000);
    expect(job.segments.filter(({ state }) => state === 'done').length).toBeGreaterThan(40);
    expect(saveCount).toBeLessThan(20);
    const states = () => (savedOf('job') as { state: string }[]).map(({ state }) => state);
    expect(states()).toEqual(['running']);
    jobs.pause(job.id, 'anna');
    expect(states()).toEqual(['paused']);
    jobs.resume(job.id, 'anna');
    await time.advance(600_000);
    expect(states()).toEqual(['done']);
    jobs.close();
  });

  it('refuses what cannot be repaired, in words', () => {
    const jobs = open();
    expect(() => jobs.run({ ...whole, keyspace: 'none' }, 'anna')).toThrow('There is no keyspace "none"');
    expect(() => jobs.run({ ...whole, dataCenters: ['moon'] }, 'anna')).toThrow('Data centers: office');
    expect(() => jobs.run({ ...whole, firstPartition: 9, lastPartition: 3 }, 'anna')).toThrow(
      'before the first',
    );
    jobs.close();
  });
});

describe('a schedule', () => {
  const settings = {
    keyspace: 'default',
    dataCenters: [],
    everyDays: 1,
    at: '02:00',
    timeZone: 'Europe/Berlin',
    blackouts: [],
    parallelism: 1,
    intensity: 'fast' as const,
  };

  it('starts a repair at its time, day after day', async () => {
    const jobs = open();
    jobs.schedule(settings, 'anna');
    await time.advance(3 * 86_400_000);
    const mine = jobs.view().jobs;
    expect(mine.map(({ state, by }) => ({ state, by }))).toEqual([
      { state: 'done', by: 'schedule' },
      { state: 'done', by: 'schedule' },
      { state: 'done', by: 'schedule' },
    ]);
    for (const job of mine) {
      const hour = new Date(job.createdAtMs).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' });
      expect(hour.slice(0, 5)).toBe('02:00');
    }
    jobs.close();
  });

  it('rests in its quiet time, and says until when', async () => {
    const jobs = open();
    jobs.schedule({ ...settings, blackouts: [{ from: '01:30', until: '04:00' }] }, 'anna');
    await time.advance(86_400_000);
    const [job] = jobs.view().jobs;
    const begun = new Date(job.startedAtMs!).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' });
    expect(begun.slice(0, 5)).toBe('04:00');
    jobs.close();
  });

  it('ends when it is removed', async () => {
    const jobs = open();
    const { id } = jobs.schedule(settings, 'anna');
    jobs.unschedule(id, 'anna');
    await time.advance(2 * 86_400_000);
    expect(jobs.view().jobs).toEqual([]);
    expect(() => jobs.unschedule(id, 'anna')).toThrow('not there any more');
    jobs.close();
  });
});
