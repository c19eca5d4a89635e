/** A change of the cluster as the ring shows it: who gets copies of which partitions, and who lets them go. Pure. */
import type { LayoutPreview, NodeMoves, NodeProgress } from '../../../core/contract/layout-views.ts';
import type { RingView } from '../../../core/contract/views.ts';
import { plural } from '../components/format.ts';
import { nodeColor, strengthOf } from './ring-geometry.ts';

export interface Moves extends NodeMoves {
  readonly color: string;
  /** Of what it gets, what it does not have yet; nothing while a change is only staged. */
  readonly open: readonly number[];
}

export interface RingChange {
  /** lacking: nothing changes, but nodes lost copies and get them back. */
  readonly state: 'staged' | 'under-way' | 'lacking';
  readonly moves: readonly Moves[];
}

interface Basis {
  readonly preview: LayoutPreview | null;
  readonly isStaged: boolean;
  readonly rings: readonly RingView[];
  readonly progress: readonly NodeProgress[];
}

/** What is staged comes before what is under way: it still waits for somebody. Null: nothing moves. */
export function ringChangeOf({ preview, isStaged, rings, progress }: Basis): RingChange | null {
  if (preview === null) return null;
  const of = (
    state: RingChange['state'],
    rows: readonly NodeMoves[],
    open: ReadonlyMap<string, readonly number[]>,
  ) => {
    const moves = colored(rows, rings).map((node) => {
      const gained = new Set(node.gains);
      return { ...node, open: (open.get(node.name) ?? []).filter((partition) => gained.has(partition)) };
    });
    return moves.length === 0 ? null : { state, moves };
  };
  if (isStaged && preview.changes.length > 0) return of('staged', preview.nodes, new Map());
  const open = new Map(progress.map((node) => [node.name, node.open]));
  if (preview.underWay.length > 0) return of('under-way', preview.underWay, open);
  const lacking = rings.flatMap(({ dataCenter, nodes }) =>
    nodes.map(({ name }) => ({ name, dataCenter, gains: [...(open.get(name) ?? [])], releases: [] })),
  );
  return of('lacking', lacking, open);
}

/** Nodes without arcs have no color of a data center: shades of ink tell them apart. */
function colored(rows: readonly NodeMoves[], rings: readonly RingView[]): (NodeMoves & { color: string })[] {
  const colors = new Map(
    rings.flatMap((ring, ringIndex) =>
      ring.nodes.map(({ name }, index) => [name, nodeColor(ringIndex, index, ring.nodes.length)] as const),
    ),
  );
  const moving = rows.filter(({ gains, releases }) => gains.length + releases.length > 0);
  const others = moving.filter(({ name }) => !colors.has(name)).map(({ name }) => name);
  return moving.map((node) => {
    const strength = strengthOf(others.indexOf(node.name), others.length);
    return {
      ...node,
      color: colors.get(node.name) ?? `color-mix(in oklab, var(--ink) ${strength}%, var(--panel))`,
    };
  });
}

export const changeLegends = {
  staged:
    'Outer rim: partitions of which a node gets a copy. Inner rim: those it lets go. Faded: nothing moves.',
  'under-way':
    'Outer rim: partitions of which a node gets a copy, pale until it has it. Inner rim: those it lets go. Faded: nothing moves.',
  lacking:
    'Outer rim, pale: partitions of which a node lost its copy and gets it back. Faded: all are there.',
} as const;

export const changeTitles = {
  staged: 'Staged: what would move',
  'under-way': 'Under way: what moves',
  lacking: 'Copies that are missing, and come back',
} as const;

/** Named one by one beside the ring; the table has them all. */
export const movesShownMax = 8;

/** Of many those with most to move: the others follow from them. */
export function mostMoved(moves: readonly Moves[]): readonly Moves[] {
  if (moves.length <= movesShownMax) return moves;
  const countOf = ({ gains, releases }: Moves) => gains.length + releases.length;
  return [...moves].sort((a, b) => countOf(b) - countOf(a)).slice(0, movesShownMax);
}

/** For who does not see the rims. */
export function changeInWords({ state, moves }: RingChange): string {
  const more = moves.length - movesShownMax;
  const rows = mostMoved(moves).map(({ name, gains, releases, open }) => {
    if (state === 'lacking') return `${name} lacks ${plural(open.length, 'partition')}`;
    const parts = [
      gains.length === 0 ? null : `gets copies of ${plural(gains.length, 'partition')}`,
      releases.length === 0 ? null : `lets ${plural(releases.length, 'partition')} go`,
    ];
    return `${name} ${parts.filter((part) => part !== null).join(' and ')}`;
  });
  const others = more > 0 ? ` And ${plural(more, 'more node')}.` : '';
  return `${changeTitles[state]}. ${rows.join('. ')}.${others}`;
}

const rangesMax = 4;

/** "0–11, 40, 52–60 and 3 more ranges"; partitions are in ascending order. */
export function rangesInWords(partitions: readonly number[]): string {
  const ranges: [from: number, to: number][] = [];
  for (const partition of partitions) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === partition - 1) last[1] = partition;
    else ranges.push([partition, partition]);
  }
  const shown = ranges.slice(0, rangesMax).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  const more = ranges.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${plural(more, 'more range')}`;
}
