/** What a keyspace's settings mean, in sentences. The verdicts are the host's, for a draft (`keyspaces.preview`) as well. */
import type { ConsistencyLevel } from '../../../core/contract/levels.ts';
import type { NodeView } from '../../../core/contract/node-views.ts';
import type { KeyspaceConsequences, LevelDemand } from '../../../core/contract/views.ts';
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

export function levelSentence(what: 'Reads' | 'Writes', { level, needed, of, scope }: LevelDemand): string {
  if (level === 'ANY')
    return 'Writes are acknowledged as soon as any node keeps them, even one that is no replica. A read may not see them yet.';
  const where = scopeWords[scope];
  const verb = what === 'Reads' ? 'ask' : 'wait for';
  if (needed > of)
    return `${what} ${verb} ${needed} replicas${where}, but only ${of} ${of === 1 ? 'exists' : 'exist'}: they would always be refused.`;
  const spare = of - needed;
  const away =
    spare === 0 ? 'all must be up' : `they work while ${spare === 1 ? 'one is' : `${spare} are`} away`;
  return `${what} ${verb} ${needed} of ${plural(of, 'replica')}${where}: ${away}.`;
}

const scopeWords: Readonly<Record<LevelDemand['scope'], string>> = {
  all: '',
  'own-data-center': ' in the data center of the client',
  'each-data-center': ' in each data center',
};

export interface PromiseWords {
  readonly holds: boolean;
  readonly title: string;
  /** "2 + 2 > 3"; null where reads and writes do not count the same replicas. */
  readonly formula: string | null;
  readonly sentence: string;
}

/** What readers may rely on. */
export function promiseWords(what: KeyspaceConsequences): PromiseWords {
  const { readYourWrites, sum } = what;
  const formula =
    sum === null ? null : `${sum.read} + ${sum.write} ${sum.read + sum.write > sum.of ? '>' : '≤'} ${sum.of}`;
  const words = (title: string, sentence: string) => ({
    holds: readYourWrites !== 'no',
    title,
    formula,
    sentence,
  });
  if (readYourWrites === 'always')
    return words('Reads always see the latest write', 'Wherever it was written.');
  if (readYourWrites === 'within-data-center') {
    const centers = what.readYourWritesIn;
    const where =
      centers.length === 1 ? `both in ${centers[0]}` : `in the same one: ${listWords(centers, 'or')}`;
    return words(
      'Reads see the latest write only within one data center',
      `It holds while reader and writer are ${where}. A reader elsewhere may miss the write for a while.`,
    );
  }
  if (what.readYourWritesByLevels !== 'no')
    return words(
      'Reads may miss a write that a stand-in holds',
      `While all replicas can be reached, reads see the latest write${what.readYourWritesByLevels === 'always' ? '' : ' within one data center'}. While some are away, stand-ins take writes, and a read may miss those until they are handed over.`,
    );
  return words(
    'Reads may miss the latest write',
    'Some reads ask only replicas that the write has not reached yet.',
  );
}

/** What the sloppy-quorum switch means here; `spare`: there are nodes that could stand in. */
export function sloppySentence(sloppy: boolean, spare: boolean): string {
  if (!sloppy) return 'While too few replicas can be reached, writes are refused.';
  return spare
    ? 'While a replica cannot be reached, a stand-in takes its writes and hands them over later.'
    : 'Every node is a replica of every key, so none is left to stand in for another.';
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
