/**
 * One simulation run: clients write and read while a nemesis crashes machines and cuts the network, never more than the
 * keyspace tolerates at once; then everything heals and every acknowledged write is looked for.
 *
 * Two workloads. `register`: one client per key writes growing numbers, plainly; a read must show the last acknowledged
 * number or a later one. `set`: blind writes, which nothing supersedes; a read must show every acknowledged one.
 */
import type { ConflictPolicy, ConsistencyLevel } from '../../../core/base/levels.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedCluster } from './cluster.ts';
import { type FaultKind, Nemesis } from './nemesis.ts';

export interface RunOptions {
  readonly workload: 'register' | 'set';
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  /** Stand-ins count: what is acknowledged is there in the end, though a read meanwhile may miss it. */
  readonly sloppy: boolean;
  readonly nodeCount: number;
  readonly keyCount: number;
  readonly writesPerKey: number;
  readonly faults: readonly FaultKind[];
  readonly lossShare: number;
  readonly clockSkewMaxMs: number;
}

export const safeOptions: RunOptions = {
  workload: 'register',
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  conflicts: 'siblings',
  sloppy: false,
  nodeCount: 3,
  keyCount: 4,
  writesPerKey: 25,
  faults: ['crash', 'isolate'],
  lossShare: 0.03,
  clockSkewMaxMs: 200,
};

export interface RunOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly acknowledgedCount: number;
  readonly refusedCount: number;
  readonly readCount: number;
  readonly faultCounts: Readonly<Partial<Record<FaultKind, number>>>;
  readonly virtualMs: number;
  readonly transcript: readonly string[];
}

const clientPatienceMs = 1_500;

export async function simulate(seed: number, options: RunOptions): Promise<RunOutcome> {
  const cluster = new SimulatedCluster(seed, {
    nodeCount: options.nodeCount,
    readLevel: options.readLevel,
    writeLevel: options.writeLevel,
    conflicts: options.conflicts,
    sloppy: options.sloppy,
    network: {
      lossShare: options.lossShare,
      repeatShare: 0.03,
      delayMinMs: 0.2,
      delayMaxMs: 15,
      noticeMs: 300,
    },
    clockSkewMaxMs: options.clockSkewMaxMs,
    diskDelayMaxMs: 4,
  });
  const { time } = cluster;
  // The nemesis draws from its own source, so that a change of the workload does not move the faults.
  const fate = new SeededRandom(seed ^ 0x5eed);
  const violations: string[] = [];
  let acknowledgedCount = 0;
  let refusedCount = 0;
  let readCount = 0;
  await cluster.startAll();

  const pause = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
  const acknowledged = new Map<string, Set<number>>();

  const check = (key: string, expected: ReadonlySet<number>, found: readonly string[], when: string) => {
    const numbers = found.map(Number);
    const lost =
      options.workload === 'set'
        ? [...expected].filter((number) => !numbers.includes(number))
        : [...expected].slice(-1).filter((number) => Math.max(-1, ...numbers) < number);
    if (lost.length === 0) return;
    violations.push(`${when}: ${key} lacks acknowledged ${lost.join(', ')}; it shows [${found.join(', ')}]`);
    cluster.note(violations[violations.length - 1]);
  };

  const client = async (key: string): Promise<void> => {
    const mine = new Set<number>();
    acknowledged.set(key, mine);
    for (let number = 1; number <= options.writesPerKey; number++) {
      const running = cluster.running();
      if (running.length > 0) {
        const member = cluster.random.pick(running);
        try {
          const basis = options.workload === 'set' ? { context: '' } : ('held' as const);
          const write = cluster.write(member, key, String(number), basis);
          await cluster.within(write, clientPatienceMs);
          mine.add(number);
          acknowledgedCount++;
          cluster.note(`${key} = ${number} acknowledged by n${member.id}`);
        } catch (error) {
          refusedCount++;
          cluster.note(`${key} = ${number} refused by n${member.id}: ${(error as Error).message}`);
        }
      }
      await pause(cluster.random.next() * 40);
      const reader = cluster.running();
      if (reader.length > 0 && cluster.random.chance(0.5)) {
        const expected = new Set(mine);
        const member = cluster.random.pick(reader);
        try {
          const found = await cluster.within(cluster.read(member, key), clientPatienceMs);
          readCount++;
          if (!options.sloppy) check(key, expected, found, `read at n${member.id}`);
        } catch {
          // Refused reads are no violation: too few replicas could be reached.
        }
      }
    }
  };

  const nemesis = new Nemesis(cluster, fate, options.faults);
  const faults = nemesis.run();
  const keys = Array.from({ length: options.keyCount }, (_, index) => `key-${index}`);
  await time.until(Promise.all(keys.map(client)));
  nemesis.stop();
  await time.until(faults);
  cluster.network.heal();
  cluster.network.faults.lossShare = 0;
  // Time enough for what is owed to be delivered.
  await time.advance(options.sloppy ? 15_000 : 3_000);

  for (const [key, expected] of acknowledged) {
    for (const member of cluster.members) {
      try {
        const found = await time.until(cluster.within(cluster.read(member, key), 5_000));
        readCount++;
        check(key, expected, found, `after healing, read at n${member.id}`);
      } catch (error) {
        violations.push(`after healing, n${member.id} cannot read ${key}: ${(error as Error).message}`);
      }
    }
  }
  return {
    seed,
    violations,
    acknowledgedCount,
    refusedCount,
    readCount,
    faultCounts: nemesis.counts,
    virtualMs: time.monotonicMs(),
    transcript: cluster.transcript,
  };
}
