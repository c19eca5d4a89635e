/**
 * Whether a session cache stays flat: values with a time to live, written all day, of which nobody deletes any. Three real
 * storage nodes over a simulated network and disks in virtual time. Three runs:
 *
 * - a day of a few writes a second, all nodes on;
 * - a day of the same, one node off from the 2nd to the 18th hour, as a laptop is at night;
 * - some minutes of 1,000 writes a second, all nodes on.
 *
 * A whole day of 1,000 a second would take a day; so the slow days show that nothing adds up with time, and the fast minutes that
 * forgetting keeps up with the rate. Half of the writes are new keys, the other half renew a recent one. About ten minutes.
 *
 *   npm run bench -- ttl [writes a second of the slow days] [their hours] [minutes of the fast run]
 */
import { addressOf } from '../../core/base/token.ts';
import { defaultExpirySettings } from '../../core/replication/replica/expiry-turns.ts';
import { defaultCollectorSettings } from '../../core/replication/replica/tombstone-collector.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { type Member, SimulatedCluster } from '../support/simulation/cluster.ts';

const timeToLiveMs = 60_000;
const value = Buffer.alloc(100, 'session ');
const network = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 500 };
const hourMs = 3_600_000;

interface Run {
  readonly title: string;
  readonly perSecond: number;
  readonly durationMs: number;
  /** A line of the table. */
  readonly stepMs: number;
  readonly segmentBytesMax: number;
  /** When the third node is off. */
  readonly off?: readonly [fromMs: number, untilMs: number];
}

interface Figures {
  /** Of the fullest node: records of people's keys, hints apart. */
  readonly records: number;
  readonly hints: number;
  readonly indexBytes: number;
  readonly diskBytes: number;
}

function figuresOf(members: readonly Member[]): Figures {
  const each = members.map(({ node, disk }) => {
    const { recordCount, indexBytes } = node!.engine.statistics();
    const hints = node!.parts.hints.ledger().reduce((sum, { owed }) => sum + owed, 0);
    return { records: recordCount - hints, hints, indexBytes, diskBytes: disk.usedBytes };
  });
  const most = (pick: (figures: Figures) => number) => Math.max(...each.map(pick));
  return {
    records: most(({ records }) => records),
    hints: most(({ hints }) => hints),
    indexBytes: most(({ indexBytes }) => indexBytes),
    diskBytes: most(({ diskBytes }) => diskBytes),
  };
}

/** Writes at a steady rate until told to stop; an answer is not waited for before the next write. */
class Writers {
  readonly #cluster: SimulatedCluster;
  readonly #random = new SeededRandom(11);
  #newest = 0;
  acknowledgedCount = 0;
  refusedCount = 0;

  constructor(cluster: SimulatedCluster, perSecond: number) {
    this.#cluster = cluster;
    const next = () => {
      this.#write();
      cluster.time.after(1_000 / perSecond, next);
    };
    next();
  }

  #write(): void {
    const member = this.#random.pick(this.#cluster.running());
    const isNew = this.#newest === 0 || this.#random.chance(0.5);
    // Renewed are recent ones: of older ones most have expired.
    const number = isNew ? ++this.#newest : Math.max(1, this.#newest - this.#random.below(100));
    const address = addressOf(0, Buffer.from(`session:${number}`));
    const expiresAtMs = this.#cluster.time.nowMs() + timeToLiveMs;
    member.node!.store.write(
      address,
      { basis: 'held' },
      () => ({ kind: 'put', value, expiresAtMs }),
      (error) => {
        if (error === null) this.acknowledgedCount++;
        else this.refusedCount++;
      },
    );
  }
}

const columns = ['time', 'nodes', 'records', 'hints', 'index MB', 'disk MB'];
const row = (cells: readonly string[]) => `${cells.map((cell) => cell.padStart(9)).join(' ')}\n`;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(2);

function clockOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

async function measure(run: Run): Promise<void> {
  const cluster = new SimulatedCluster(5, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: false,
    nodeCount: 3,
    network: { ...network },
    clockSkewMaxMs: 50,
    diskDelayMaxMs: 1,
    collector: defaultCollectorSettings,
    antiEntropyTickMs: 15_000,
    segmentBytesMax: run.segmentBytesMax,
  });
  const { time, members } = cluster;
  const startedMs = performance.now();
  await cluster.startAll();
  process.stdout.write(`\n${run.title}\n${row(columns)}`);
  const writers = new Writers(cluster, run.perSecond);
  const lines: (Figures & { readonly atMs: number })[] = [];
  for (let atMs = 0; atMs < run.durationMs; ) {
    const [fromMs, untilMs] = run.off ?? [];
    if (atMs === fromMs) cluster.crash(members[2]);
    if (atMs === untilMs) await time.until(cluster.start(members[2]));
    await time.advance(run.stepMs);
    atMs += run.stepMs;
    const figures = figuresOf(cluster.running());
    lines.push({ atMs, ...figures });
    const { records, hints, indexBytes, diskBytes } = figures;
    const cells = [clockOf(atMs), cluster.running().length, records, hints];
    process.stdout.write(row([...cells.map(String), megabytes(indexBytes), megabytes(diskBytes)]));
  }
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const forgotten = cluster.running().map(({ node }) => node!.collectedCount);
  process.stdout.write(
    `${writers.acknowledgedCount} writes acknowledged, ${writers.refusedCount} not; forgotten by the nodes that are up since they ` +
      `started: ${forgotten.join(', ')}; ${seconds} s\n${verdict(run, lines)}\n`,
  );
  for (const member of cluster.running()) cluster.crash(member);
}

/** Flat: no later line is above what the rate explains, and disk and index are where they were. */
function verdict(run: Run, lines: readonly Figures[]): string {
  const { cycleMs, marginMs } = defaultExpirySettings;
  // Half of the writes are new keys; each is held for its life, some renewals, the margin and a cycle.
  const explained = ((2 * timeToLiveMs + marginMs + cycleMs) / 1_000) * run.perSecond;
  const half = Math.ceil(lines.length / 2);
  const most = (some: readonly Figures[], pick: (figures: Figures) => number) => Math.max(...some.map(pick));
  const isBounded = most(lines, ({ records }) => records) <= explained;
  const grows = (pick: (figures: Figures) => number) =>
    most(lines.slice(half), pick) > 1.3 * most(lines.slice(0, half), pick);
  const rising = [
    ...(isBounded ? [] : ['records']),
    ...(grows(({ indexBytes }) => indexBytes) ? ['index'] : []),
    ...(grows(({ diskBytes }) => diskBytes) ? ['disk'] : []),
  ];
  return rising.length === 0 ? 'flat' : `not flat: ${rising.join(', ')}`;
}

const [perSecond = 2, hours = 24, minutes = 5] = process.argv.slice(2).map(Number);
const slow = { perSecond, durationMs: hours * hourMs, stepMs: hourMs, segmentBytesMax: 32_000 };
await measure({ ...slow, title: `${perSecond} writes a second for ${hours} h, all nodes on` });
await measure({
  ...slow,
  title: `${perSecond} writes a second for ${hours} h, one node off from 2:00 to ${Math.min(18, hours - 1)}:00`,
  off: [2 * hourMs, Math.min(18, hours - 1) * hourMs],
});
await measure({
  title: `1,000 writes a second for ${minutes} min, all nodes on`,
  perSecond: 1_000,
  durationMs: minutes * 60_000,
  stepMs: 60_000,
  segmentBytesMax: 256_000,
});
process.exit(0);
