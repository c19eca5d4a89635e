/**
 * How evenly the ring spreads load, and what moves when nodes come and go. `npm run bench -- ring`. Strategies as in "Dynamo", section 6.2:
 * 1, random tokens which also cut the ring; 2, random tokens over equal partitions; ours, equal partitions given out by the allocator (its
 * strategy 3). Factor 3, every key as likely as any other. Efficiency: mean load over the largest, of load per weight; "off": nodes
 * more than 15 % away from the mean, as in figure 8.
 */
import { partitionCount } from '../../core/base/token.ts';
import { allocate } from '../../core/ring/allocator.ts';
import { preferenceList, type RingNode } from '../../core/ring/ring.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const factor = 3;
const tokensPerNode = 16;
const random = new SeededRandom(20261127);

const nodesOf = (count: number, weightOf: (index: number) => number = () => 1): RingNode[] =>
  Array.from({ length: count }, (_, index) => ({
    id: index,
    computer: `c${index}`,
    dataCenter: 'here',
    weight: weightOf(index),
  }));

function judged(load: readonly number[], nodes: readonly RingNode[]): string {
  const shares = load.map((one, index) => one / nodes[index].weight);
  const mean = load.reduce((sum, one) => sum + one, 0) / nodes.reduce((sum, { weight }) => sum + weight, 0);
  const off = shares.filter((share) => Math.abs(share - mean) > 0.15 * mean).length / nodes.length;
  return `${(mean / Math.max(...shares)).toFixed(3)} · ${(off * 100).toFixed(0).padStart(3)} %`;
}

/** Strategy 1 or 2: each arc of the ring goes to the next `factor` distinct nodes clockwise. */
function randomTokens(nodes: readonly RingNode[], equalParts: boolean): number[] {
  const tokens = nodes
    .flatMap(({ id, weight }) =>
      Array.from({ length: Math.round(tokensPerNode * weight) }, () => ({ id, at: random.next() })),
    )
    .sort((a, b) => a.at - b.at);
  const load = nodes.map(() => 0);
  const give = (first: number, width: number) => {
    const met = new Set<number>();
    for (let step = 0; step < tokens.length && met.size < Math.min(factor, nodes.length); step++) {
      const { id } = tokens[(first + step) % tokens.length];
      if (!met.has(id)) load[id] += width;
      met.add(id);
    }
  };
  if (equalParts) {
    for (let partition = 0, first = 0; partition < partitionCount; partition++) {
      const end = (partition + 1) / partitionCount;
      while (first < tokens.length && tokens[first].at < end) first++;
      give(first, 1 / partitionCount);
    }
  } else {
    for (const [index, { at }] of tokens.entries()) {
      const before = index === 0 ? tokens[tokens.length - 1].at - 1 : tokens[index - 1].at;
      give(index, at - before);
    }
  }
  return load;
}

function replicasOf(owners: readonly number[], nodes: readonly RingNode[]): number[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return owners.map((_, partition) =>
    preferenceList({ dataCenter: 'here', owners }, byId, partition, factor),
  );
}

function allocated(nodes: readonly RingNode[]): number[] {
  const load = nodes.map(() => 0);
  for (const list of replicasOf(allocate(null, nodes, partitionCount), nodes))
    for (const id of list) load[id] += 1 / partitionCount;
  return load;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

for (const [what, weightOf] of [
  ['equal weights', () => 1],
  ['weights 1:2:4', (index: number) => [1, 2, 4][index % 3]],
] as const) {
  print(`${what}: efficiency · nodes off, for strategy 1, strategy 2, ours`);
  for (const count of [3, 5, 10, 30, 100, 300, 1_000]) {
    const nodes = nodesOf(count, weightOf);
    const rows = [randomTokens(nodes, false), randomTokens(nodes, true), allocated(nodes)];
    print(`  ${String(count).padStart(5)} nodes   ${rows.map((load) => judged(load, nodes)).join('   ')}`);
  }
}

print('copies that move, over the least possible: a node joins · a node leaves; time of the allocator');
for (const count of [3, 5, 10, 30, 100, 300, 999]) {
  const before = nodesOf(count);
  const owners = allocate(null, before, partitionCount);
  const joined = nodesOf(count + 1);
  const startedMs = performance.now();
  const afterJoin = allocate(owners, joined, partitionCount);
  const tookMs = performance.now() - startedMs;
  const left = before.filter(({ id }) => id !== 1);
  const afterLeave = allocate(owners, left, partitionCount);
  const ratio = (from: readonly RingNode[], then: readonly number[], to: readonly RingNode[]) => {
    const had = replicasOf(owners, from);
    const has = replicasOf(then, to);
    let moved = 0;
    const balance = new Map<number, number>();
    has.forEach((list, partition) => {
      for (const id of list) {
        balance.set(id, (balance.get(id) ?? 0) + 1);
        if (!had[partition].includes(id)) moved++;
      }
      for (const id of had[partition]) balance.set(id, (balance.get(id) ?? 0) - 1);
    });
    const least = [...balance.values()].reduce((sum, more) => sum + Math.max(0, more), 0);
    return least === 0 ? '  –  ' : (moved / least).toFixed(3);
  };
  print(
    `  ${String(count).padStart(5)} nodes   ${ratio(before, afterJoin, joined)} · ${count > 3 ? ratio(before, afterLeave, left) : '  –  '}   ${tookMs.toFixed(0)} ms`,
  );
}
