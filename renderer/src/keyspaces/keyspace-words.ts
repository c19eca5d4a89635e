/**
 * What a keyspace's settings mean, in sentences, while they are being edited. The host's own verdict (`survives`,
 * `readYourWrites`) is what counts for a keyspace that exists; this arithmetic explains a draft before it is saved.
 */
import type { ConsistencyLevel } from '../../../core/contract/levels.ts';
import type { NodeView } from '../../../core/contract/views.ts';
import { listWords, plural } from '../components/format.ts';

export interface DataCenterSize {
  readonly name: string;
  readonly nodeCount: number;
  readonly computerCount: number;
}

export function dataCenterSizes(
  dataCenters: readonly string[],
  nodes: readonly NodeView[],
): DataCenterSize[] {
  return dataCenters.map((name) => {
    const inside = nodes.filter((node) => node.dataCenter === name);
    return {
      name,
      nodeCount: inside.length,
      computerCount: new Set(inside.map((node) => node.computer)).size,
    };
  });
}

export const levelWords: Readonly<Record<ConsistencyLevel, string>> = {
  ANY: 'any node, even one that only keeps it for later',
  ONE: 'one replica',
  TWO: 'two replicas',
  THREE: 'three replicas',
  QUORUM: 'a majority of all replicas',
  LOCAL_ONE: 'one replica in the data center of the client',
  LOCAL_QUORUM: 'a majority in the data center of the client',
  EACH_QUORUM: 'a majority in every data center',
  ALL: 'every replica',
};

/** Levels that a read can have: a hint cannot be read. */
export const readLevels: readonly ConsistencyLevel[] = [
  'ONE',
  'TWO',
  'THREE',
  'QUORUM',
  'LOCAL_ONE',
  'LOCAL_QUORUM',
  'EACH_QUORUM',
  'ALL',
];

const majority = (count: number) => Math.floor(count / 2) + 1;

export interface Asked {
  /** Replicas that must answer, of `of`. */
  readonly needed: number;
  readonly of: number;
  readonly where: string;
}

/** `replicas`: existing replicas in each data center, none left out. Local levels take the smallest data center. */
export function askedBy(level: ConsistencyLevel, replicas: readonly number[]): Asked {
  const all = replicas.reduce((sum, count) => sum + count, 0);
  const local = Math.min(...replicas.filter((count) => count > 0), all);
  const anywhere = (needed: number): Asked => ({ needed, of: all, where: '' });
  switch (level) {
    case 'ANY':
    case 'ONE':
      return anywhere(1);
    case 'TWO':
      return anywhere(2);
    case 'THREE':
      return anywhere(3);
    case 'QUORUM':
      return anywhere(majority(all));
    case 'ALL':
      return anywhere(all);
    case 'LOCAL_ONE':
      return { needed: 1, of: local, where: ' in the data center of the client' };
    case 'LOCAL_QUORUM':
      return { needed: majority(local), of: local, where: ' in the data center of the client' };
    case 'EACH_QUORUM':
      return { needed: majority(local), of: local, where: ' in each data center' };
  }
}

export function levelSentence(
  what: 'Reads' | 'Writes',
  level: ConsistencyLevel,
  replicas: readonly number[],
): string {
  const { needed, of, where } = askedBy(level, replicas);
  if (level === 'ANY')
    return 'Writes are acknowledged as soon as any node keeps them, even one that is no replica. A read may not see them yet.';
  const verb = what === 'Reads' ? 'ask' : 'wait for';
  if (needed > of)
    return `${what} ${verb} ${needed} replicas${where}, but only ${of} ${of === 1 ? 'exists' : 'exist'}: they would always be refused.`;
  const spare = of - needed;
  const away =
    spare === 0 ? 'all must be up' : `they work while ${spare === 1 ? 'one is' : `${spare} are`} away`;
  return `${what} ${verb} ${needed} of ${plural(of, 'replica')}${where}: ${away}.`;
}

export interface Draft {
  readonly factors: Readonly<Record<string, number>>;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly sloppy: boolean;
}

/** Replicas that would really exist in each data center that has some. */
export function existingReplicas(
  factors: Readonly<Record<string, number>>,
  sizes: readonly DataCenterSize[],
): number[] {
  return sizes.map((size) => Math.min(factors[size.name] ?? 0, size.nodeCount)).filter((count) => count > 0);
}

export interface OverlapVerdict {
  readonly holds: boolean;
  readonly sum: string;
  readonly sentence: string;
}

const perDataCenter: readonly ConsistencyLevel[] = ['LOCAL_ONE', 'LOCAL_QUORUM', 'EACH_QUORUM'];

/** R + W > N for a draft. Levels that both count inside one data center are compared there, others over all replicas. */
export function overlapOf(
  { factors, readLevel, writeLevel, sloppy }: Draft,
  sizes: readonly DataCenterSize[],
): OverlapVerdict {
  const replicas = existingReplicas(factors, sizes);
  const inside = perDataCenter.includes(readLevel) && perDataCenter.includes(writeLevel);
  const total = inside ? Math.min(...replicas) : replicas.reduce((sum, count) => sum + count, 0);
  const needed = (level: ConsistencyLevel) =>
    level === 'EACH_QUORUM' && !inside
      ? replicas.reduce((sum, count) => sum + majority(count), 0)
      : askedBy(level, replicas).needed;
  const read = needed(readLevel);
  const write = needed(writeLevel);
  const possible = replicas.length > 0 && read <= total && write <= total && writeLevel !== 'ANY';
  const meets = inside
    ? replicas.every(
        (count) => askedBy(readLevel, [count]).needed + askedBy(writeLevel, [count]).needed > count,
      )
    : read + write > total;
  const standIns = sloppy && canStandIn(factors, sizes);
  const holds = possible && meets && !standIns;
  const shown = replicas.length === 0 ? 0 : total;
  return {
    holds,
    sum: `R ${read} + W ${write} ${read + write > shown ? '>' : '≤'} N ${shown}${inside && replicas.length > 1 ? ' in the smallest data center' : ''}`,
    sentence: verdictSentence(holds, possible && meets && standIns),
  };
}

/** Whether a data center has nodes beyond its replicas: only those can stand in. */
export function canStandIn(
  factors: Readonly<Record<string, number>>,
  sizes: readonly DataCenterSize[],
): boolean {
  return sizes.some(({ name, nodeCount }) => {
    const factor = factors[name] ?? 0;
    return factor > 0 && nodeCount > factor;
  });
}

/** `standIns`: the levels alone would do, but writes may be with a stand-in that no read asks. */
export function verdictSentence(holds: boolean, standIns: boolean): string {
  if (holds) return 'Every read sees the latest acknowledged write.';
  return standIns
    ? 'While all replicas can be reached, every read sees the latest acknowledged write. While some are away, stand-ins take writes, and a read may miss them until they are handed over.'
    : 'A read may miss the latest write: some read and write quorums share no replica.';
}

/** What the sloppy-quorum switch means here; `spare`: there are nodes that could stand in. */
export function sloppySentence(sloppy: boolean, spare: boolean): string {
  if (!sloppy) return 'While too few replicas can be reached, writes are refused.';
  return spare
    ? 'While a replica cannot be reached, a stand-in takes its writes and hands them over later.'
    : 'Every node is a replica of every key, so none is left to stand in for another.';
}

export function factorWarnings(
  factors: Readonly<Record<string, number>>,
  sizes: readonly DataCenterSize[],
): string[] {
  const warnings = sizes.flatMap(({ name, nodeCount, computerCount }) => {
    const factor = factors[name] ?? 0;
    if (factor > nodeCount)
      return [
        `${name} has ${plural(nodeCount, 'node')} for ${factor} replicas: add ${plural(factor - nodeCount, 'node')} to meet the factor.`,
      ];
    if (factor > computerCount)
      return [
        `${name} has ${plural(computerCount, 'computer')} for ${factor} replicas: some share one, and are lost together.`,
      ];
    return [];
  });
  if (sizes.every(({ name }) => (factors[name] ?? 0) === 0))
    warnings.push('No data center would hold a replica. Give at least one a factor of 1 or more.');
  const empty = sizes.filter(({ name }) => (factors[name] ?? 0) === 0).map(({ name }) => name);
  if (empty.length > 0 && empty.length < sizes.length)
    warnings.push(`${listWords(empty)} would hold no replica: local levels fail for clients there.`);
  return warnings;
}

export const conflictWords = {
  siblings: 'Writes that did not know of each other are all kept, as siblings, until someone resolves them.',
  'last-write-wins':
    'Of writes that did not know of each other the latest by clock stays; the others are lost.',
} as const;

export const durabilityWords = {
  always: 'A write is on disk before it is acknowledged.',
  interval: 'Writes reach the disk about once a second: a power cut can lose the last of them on that node.',
} as const;

export const lossWords = { node: 'a node', computer: 'a computer', 'data-center': 'a data center' } as const;
