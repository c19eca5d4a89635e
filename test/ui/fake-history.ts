/** What the fake clusters have behind them: repairs, hints, suspicion and activity of the last days, per variant. */

import type { MembershipView, NodeFigures } from '../../core/contract/node-views.ts';
import type { RepairJob } from '../../core/contract/repair-views.ts';
import type { ActivityEntry, SessionView } from '../../core/contract/views.ts';
import type { Variant } from './fake-layouts.ts';
import type { FakeRepairs } from './fake-repairs.ts';

const hourMs = 3_600_000;

/** The first so many segments done, the rest open. */
function doneUntil(job: RepairJob, count: number): void {
  for (const segment of job.segments.slice(0, count)) segment.state = 'done';
  job.treeBytes = count * 18_400;
}

export function prepareRepairs(variant: Variant, repairs: FakeRepairs): void {
  const now = Date.now();
  if (variant === 'two-centers') {
    repairs.setCoverage('default', (range) => 0.4 + (range % 7) / 20);
    repairs.setCoverage('sessions', (range) => 2 + (range % 5) / 10);
    return;
  }
  if (variant !== 'three-centers') return;
  // shop-2 is down: one repair cannot go on, one has failed.
  repairs.setCoverage('default', (range) =>
    range < 20 ? 0.2 : range < 41 ? 4.5 : range < 52 ? 17 : range < 58 ? 47 : null,
  );
  repairs.setCoverage('sessions', (range) => (range === 22 || range === 23 || range === 51 ? null : 0.1));
  repairs.blocked.add('default');
  const old = repairs.put(
    { keyspace: 'default' },
    {
      state: 'done',
      waitingFor: null,
      createdAtMs: now - 109 * hourMs,
      startedAtMs: now - 109 * hourMs,
      endedAtMs: now - 108 * hourMs,
      by: 'schedule',
      keysDiffering: 412,
      recordsSent: 431,
      valueBytes: 1_204_000,
    },
  );
  doneUntil(old, 64);
  old.segments[12].differences = 400;
  old.segments[40].differences = 12;
  const dropped = repairs.put(
    { keyspace: 'sessions', dryRun: true, lastPartition: 511 },
    {
      state: 'cancelled',
      waitingFor: null,
      createdAtMs: now - 30 * hourMs,
      startedAtMs: now - 30 * hourMs,
      endedAtMs: now - 30 * hourMs + 90_000,
      keysDiffering: 7,
    },
  );
  doneUntil(dropped, 9);
  const failed = repairs.put(
    { keyspace: 'sessions', intensity: 'fast', parallelism: 2 },
    {
      state: 'failed',
      waitingFor: null,
      createdAtMs: now - 3 * hourMs,
      startedAtMs: now - 3 * hourMs,
      endedAtMs: now - 2 * hourMs,
      keysDiffering: 31,
      recordsSent: 44,
      valueBytes: 88_100,
    },
  );
  doneUntil(failed, 64);
  failed.segments[7].differences = 31;
  for (const index of [22, 23, 51])
    Object.assign(failed.segments[index], {
      state: 'failed',
      attempts: 5,
      reason: 'shop-2 did not answer within 30 s.',
    });
  const active = repairs.put(
    { keyspace: 'default', intensity: 'gentle' },
    {
      state: 'running',
      waitingFor: { for: 'node', node: 'shop-2' },
      createdAtMs: now - 260_000,
      startedAtMs: now - 250_000,
    },
  );
  active.segments[0].state = 'open';
  repairs.schedule({
    keyspace: 'default',
    dataCenters: [],
    everyDays: 7,
    at: '02:30',
    timeZone: 'Europe/Berlin',
    blackouts: [{ from: '06:00', until: '20:00' }],
    parallelism: 1,
    intensity: 'gentle',
  });
}

/** In three data centers shop-2 is dead, and warehouse-2 is suspected. */
export function membershipIn(variant: Variant, name: string, state: string): MembershipView | null {
  if (variant !== 'three-centers') return null;
  const sinceMs = Date.now() - 21_000;
  if (name === 'shop-2' && state !== 'up')
    return { state: 'dead', sinceMs, suspectedBy: ['shop-1'], confirmedBy: ['office-1'] };
  if (name === 'warehouse-2')
    return { state: 'suspect', sinceMs: Date.now() - 3000, suspectedBy: ['shop-1'], confirmedBy: [] };
  return { state: 'alive', sinceMs, suspectedBy: [], confirmedBy: [] };
}

/** Among the losses home-2 and home-3 lost their data at once; home-2 has it behind it, home-3 waits for home-1, which is stopped. */
export function lossesIn(variant: Variant, name: string): Partial<NodeFigures> {
  if (variant !== 'losses' || name === 'home-1') return {};
  if (name === 'home-2')
    return {
      possibleLoss: [
        { keyspace: 'default', partitions: 1024 },
        { keyspace: 'sessions', partitions: 683 },
      ],
    };
  return {
    possibleLoss: [{ keyspace: 'default', partitions: 1024 }],
    waitsFor: ['home-1'],
    rebuildingPartitions: 1024,
    lostPartitions: 1024,
  };
}

export function hintsIn(variant: Variant, name: string): Partial<NodeFigures> {
  if (variant !== 'three-centers' || (name !== 'shop-1' && name !== 'shop-3')) return {};
  const owed = name === 'shop-1' ? 1204 : 318;
  return {
    redirected: owed + 40,
    collected: 61,
    hints: [
      { node: 'shop-2', owed, owedBytes: owed * 412, sent: 0, expired: 0, skipped: 0 },
      { node: 'office-1', owed: 0, owedBytes: 0, sent: 40, expired: 2, skipped: 1 },
    ],
  };
}

/** Older than what the snapshot holds, newest first. */
export function olderActivity(variant: Variant): ActivityEntry[] {
  if (variant === 'one' || variant === 'empty') return [];
  const now = Date.now();
  return Array.from({ length: 260 }, (_, index) => ({
    id: `old-${index}`,
    atMs: now - 26 * hourMs - index * 40 * 60_000,
    kind: (['node', 'repair', 'data'] as const)[index % 3],
    severity: index % 17 === 0 ? ('warning' as const) : ('info' as const),
    subject: 'default',
    message: `Something that happened earlier, number ${index + 1}.`,
    by: index % 3 === 2 ? ('person' as const) : ('system' as const),
    who: null,
  }));
}

/** Two browsers that are logged in, this one first. */
export const fakeSessions: readonly SessionView[] = [
  { id: '0a1b2c3d', browser: 'Chromium or Chrome on Linux', openPages: 1, own: true, ageMs: hourMs },
  { id: '4e5f6071', browser: 'Firefox on Windows', openPages: 0, own: false, ageMs: 50 * hourMs },
].map(({ ageMs, ...session }) => ({
  ...session,
  createdAtMs: Date.now() - ageMs,
  lastSeenMs: Date.now() - ageMs / 2,
  expiresAtMs: Date.now() + 100 * hourMs,
}));
