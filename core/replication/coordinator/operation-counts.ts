/**
 * What became of reads and writes, by keyspace and level, since the node started. Counting one is one addition in an array that was
 * made with its keyspace, because it happens for every operation. Bounded by keyspaces × levels × outcomes.
 */
import type { CoterieError, ErrorCode } from '../../base/errors.ts';
import { type ConsistencyLevel, consistencyLevels } from '../../base/levels.ts';

type OperationKind = 'read' | 'write';

/** Operations of one kind in one keyspace at one level. `failed`: what was asked for could not be, whoever is there. */
interface LevelCount {
  readonly keyspace: string;
  readonly kind: OperationKind;
  readonly level: ConsistencyLevel;
  readonly ok: number;
  /** Too few replicas took or answered it: the same may be met later. */
  readonly refused: number;
  readonly failed: number;
}

const kinds = ['read', 'write'] as const;
const outcomeCount = 3;
const kindStart: Readonly<Record<OperationKind, number>> = {
  read: 0,
  write: consistencyLevels.length * outcomeCount,
};
const levelStart = Object.fromEntries(
  consistencyLevels.map((level, index) => [level, index * outcomeCount]),
) as Readonly<Record<ConsistencyLevel, number>>;

const refusals: ReadonlySet<ErrorCode> = new Set([
  'quorum-not-met',
  'unavailable',
  'not-ready',
  'moved',
  'busy',
  'disk-full',
  'disk-failed',
]);

const outcomeOf = (error: CoterieError | null) => (error === null ? 0 : refusals.has(error.code) ? 1 : 2);

/** Of one keyspace. */
class KeyspaceCounts {
  readonly #counts = new Float64Array(kinds.length * consistencyLevels.length * outcomeCount);

  add(kind: OperationKind, level: ConsistencyLevel, error: CoterieError | null): void {
    this.#counts[kindStart[kind] + levelStart[level] + outcomeOf(error)]++;
  }

  /** Adds those that there were any of. Once a second for every keyspace: nothing is made for the others. */
  addTo(list: LevelCount[], keyspace: string): void {
    const counts = this.#counts;
    for (const kind of kinds) {
      for (const level of consistencyLevels) {
        const at = kindStart[kind] + levelStart[level];
        const ok = counts[at];
        const refused = counts[at + 1];
        const failed = counts[at + 2];
        if (ok + refused + failed > 0) list.push({ keyspace, kind, level, ok, refused, failed });
      }
    }
  }
}

export class OperationCounts {
  /** By the keyspace's number: one that is dropped and made anew under the same name begins at zero. */
  readonly #keyspaces = new Map<number, { name: string; readonly counts: KeyspaceCounts }>();

  /** Those that are there from now on: what was counted of others is forgotten. */
  follow(keyspaces: readonly { readonly id: number; readonly name: string }[]): void {
    const present = new Set(keyspaces.map(({ id }) => id));
    for (const id of this.#keyspaces.keys()) if (!present.has(id)) this.#keyspaces.delete(id);
    for (const { id, name } of keyspaces) {
      const known = this.#keyspaces.get(id);
      if (known === undefined) this.#keyspaces.set(id, { name, counts: new KeyspaceCounts() });
      else known.name = name;
    }
  }

  /** Undefined: there is no such keyspace. Whoever began before it was dropped may still add, to nobody's knowledge. */
  of(keyspace: number): KeyspaceCounts | undefined {
    return this.#keyspaces.get(keyspace)?.counts;
  }

  list(): LevelCount[] {
    const list: LevelCount[] = [];
    for (const { name, counts } of this.#keyspaces.values()) counts.addTo(list, name);
    return list;
  }
}
