/**
 * The worlds that a promise must hold in, drawn from a seed: data centers, nodes, factors, levels, durability, sizes of values,
 * clients and what goes wrong. A world leaves out only what would break more than was promised, and says why.
 */
import { SeededRandom } from '../seeded-random.ts';
import { dataFaults } from './data-faults.ts';
import { diskFaults } from './disk-faults.ts';
import { layoutFaults } from './layout-faults.ts';
import { type FaultKind, faultKinds } from './nemesis.ts';
import { leastCopies, mustMeet, type OracleReplica, possibleLevels } from './oracle.ts';
import { type RunOptions, safeOptions } from './run.ts';
import { type WorkloadName, workloadNames } from './workloads.ts';

const centerNames = ['office', 'shop', 'home'];
const replicasMax = 8;
const faultsAtMost = 5;

export function worldOf(seed: number): RunOptions {
  const draw = new SeededRandom(seed ^ 0x77_0714d);
  const dataCenters: Record<string, number> = {};
  const factors: Record<string, number> = {};
  const centers = draw.pick([1, 1, 1, 2, 2, 3]);
  for (const name of centerNames.slice(0, centers)) {
    const factor = centers === 1 ? draw.pick([1, 2, 3, 3, 3, 5]) : draw.pick([1, 2, 3]);
    const nodesMax = Math.floor(replicasMax / centers);
    factors[name] = Math.min(factor, nodesMax);
    dataCenters[name] = factors[name] + draw.below(nodesMax - factors[name] + 1);
  }
  const nodeCount = Object.values(dataCenters).reduce((sum, count) => sum + count, 0);
  const replicas: OracleReplica[] = Object.entries(factors).flatMap(([dataCenter, factor]) =>
    Array.from({ length: factor }, () => ({ dataCenter })),
  );
  const usual = draw.chance(0.5);
  const sloppy = draw.chance(0.25);
  const levels = possibleLevels(replicas);
  const readLevel = usual ? 'QUORUM' : draw.pick(levels.filter((level) => level !== 'ANY'));
  const writeLevel = usual ? 'QUORUM' : draw.pick(levels.filter((level) => sloppy || level !== 'ANY'));
  const durability = draw.chance(0.15) ? 'interval' : 'always';
  const conflicts = draw.chance(0.15) ? 'last-write-wins' : 'siblings';
  const large = draw.chance(0.08);
  const base: RunOptions = {
    ...safeOptions,
    workload: 'register',
    readLevel,
    writeLevel,
    conflicts,
    sloppy,
    durability,
    nodeCount,
    dataCenters,
    factors,
    keyCount: large ? 2 : 3,
    writesPerKey: large ? 6 : 15,
    valueBytes: large ? draw.pick([100_000, 1_000_000]) : draw.pick([0, 0, 300]),
    lossShare: draw.pick([0, 0.03]),
    farMs: centers > 1 ? draw.pick([0, 20, 60]) : 0,
    // Slow for good, as a laptop's or a card's; beside faults of disks that would be too slow for any client.
    diskMs: durability === 'interval' ? draw.pick([4, 90]) : 4,
    healing: true,
    clockSkewMaxMs: draw.pick([0, 200]),
  };
  // Elements need their own checker at the end only: as a set of siblings the same worlds are drawn already. Transactions go through
  // the worlds of registers (worlds.test.ts): drawn here they would make other worlds of all seeds that found something.
  const workload = draw.pick(workloadNames.filter((name) => name !== 'elements' && name !== 'transactions'));
  // Nothing may fail where a command that reads and writes must not be lost: that is all that is promised of them.
  if (workload === 'counter' || workload === 'once') {
    return {
      ...base,
      workload,
      faults: [],
      lossShare: 0,
      sloppy: false,
      conflicts: 'siblings',
      valueBytes: 0,
    };
  }
  if (workload === 'flood') {
    // Enough on each side to be more together than one replica takes.
    const apart = { readLevel: 'ONE', writeLevel: 'ONE', sloppy: false, conflicts: 'siblings' } as const;
    return { ...base, ...apart, workload, keyCount: 1, writesPerKey: 120, valueBytes: 0, faults: ['apart'] };
  }
  const possible = faultsFor(base, replicas, workload);
  const faults = new Set<FaultKind>();
  for (let count = 0; count < faultsAtMost; count++) faults.add(draw.pick(possible));
  // With `interval` a second crash within two seconds of the first could take the only other copy.
  const restMs = durability === 'interval' ? 2_500 : 300;
  return { ...base, workload, faults: [...faults], restMs };
}

function faultsFor(
  world: RunOptions,
  replicas: readonly OracleReplica[],
  workload: WorkloadName,
): FaultKind[] {
  const { readLevel, writeLevel, factors = {}, durability } = world;
  const centers = Object.keys(factors);
  const everyPair = (holds: (reader: string, writer: string) => boolean) =>
    centers.every((reader) => centers.every((writer) => holds(reader, writer)));
  const isStrict = everyPair((reader, writer) =>
    mustMeet(replicas, { level: readLevel, from: reader }, { level: writeLevel, from: writer }),
  );
  const copies = Math.min(
    ...centers.map((writer) => leastCopies(replicas, { level: writeLevel, from: writer })),
  );
  const isIn = (kinds: readonly FaultKind[], kind: FaultKind) => kinds.includes(kind);
  return faultKinds.filter((kind) => {
    // One replica's data may go where another has it.
    if (isIn(dataFaults, kind)) return copies >= 2 && durability === 'always' && !world.sloppy;
    // A promise that the levels do not make cannot be kept over a change of them; stand-ins hold what no replica has.
    if (isIn(layoutFaults, kind)) return isStrict && !world.sloppy && durability === 'always';
    // A slow or failing disk makes the second of `interval` longer than anybody can wait for here.
    if (isIn(diskFaults, kind)) return durability === 'always';
    // Nobody can say when a time is over, once clocks jump by an hour.
    if (kind === 'clock') return workload !== 'expiring';
    if (kind === 'pause') return durability === 'always';
    // A crash takes the last second of `interval` from one replica: somebody else must have it.
    if (kind === 'crash') return durability === 'always' || copies >= 2;
    return true;
  });
}
