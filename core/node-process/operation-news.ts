/**
 * Counts of operations on their way from a node to its host: one for each keyspace, kind and level, of which few change in a second. The
 * first to each host are all of them, later ones those that have changed; so what a host has is always whole.
 */
import type { NodeMeasures } from '../contract/node-measures.ts';
import type { NodeFigures } from '../contract/node-views.ts';

type Rows = NodeMeasures['operations'];
type Row = Rows[number];

export interface FiguresMessage {
  readonly type: 'figures';
  readonly figures: NodeFigures;
  /** False: of the counts of operations only those that have changed since the last message. Absent: a node of an earlier version. */
  readonly isWhole?: boolean;
}

const nameOf = ({ keyspace, kind, level }: Row): string => `${kind} ${level} ${keyspace}`;
const isSame = (a: Row, b: Row) => a.ok === b.ok && a.refused === b.refused && a.failed === b.failed;
const byName = (rows: Rows) => new Map(rows.map((row) => [nameOf(row), row]));

function withOperations(figures: NodeFigures, operations: Rows): NodeFigures {
  return { ...figures, measures: { ...figures.measures!, operations } };
}

/** A node's side. */
export class OperationNews {
  /** What the host has; null: nothing yet. */
  #told: ReadonlyMap<string, Row> | null = null;

  /** Another host listens from now on. */
  anew(): void {
    this.#told = null;
  }

  messageOf(figures: NodeFigures): FiguresMessage {
    const rows = figures.measures?.operations ?? [];
    const known = this.#told;
    const next = byName(rows);
    this.#told = next;
    // A keyspace that is gone takes its counts along: rare, and then all of them are told again.
    const isWhole = known === null || [...known.keys()].some((name) => !next.has(name));
    if (isWhole || figures.measures === undefined) return { type: 'figures', figures, isWhole: true };
    const changed = rows.filter((row) => {
      const before = known.get(nameOf(row));
      return before === undefined || !isSame(before, row);
    });
    return { type: 'figures', figures: withOperations(figures, changed), isWhole: false };
  }
}

/** A host's side: what the node measures, by the message and what was known before. */
export function figuresBy(known: NodeFigures | null, { figures, isWhole }: FiguresMessage): NodeFigures {
  if (isWhole !== false || figures.measures === undefined) return figures;
  const rows = byName(known?.measures?.operations ?? []);
  for (const row of figures.measures.operations) rows.set(nameOf(row), row);
  return withOperations(figures, [...rows.values()]);
}
