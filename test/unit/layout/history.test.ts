/** Which layouts are live, and who may be read, as nodes with different views of it see it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addNodes } from '../../../core/layout/changes.ts';
import {
  historyOf,
  type LayoutHistory,
  type LiveLayout,
  merge,
  newestOf,
  nodesWaitedFor,
  reachedByAll,
  readingOf,
  type TrackerField,
  withLayout,
  withTracker,
} from '../../../core/layout/history.ts';
import {
  alterKeyspace,
  createKeyspace,
  defaultKeyspace,
  type Layout,
  placedOf,
} from '../../../core/layout/layout.ts';
import { layoutOf } from '../../support/layouts.ts';
import { check } from '../../support/seeds.ts';

const lived = (layout: Layout, digest = `d${layout.version}`): LiveLayout => ({ layout, digest });
const first = layoutOf({ here: 3 });
const withOneMore = (layout: Layout, id: number) =>
  addNodes(layout, `d${layout.version}`, [
    { id, name: `n${id}`, computer: 'c', dataCenter: 'here', weight: 1 },
  ]);
const second = withOneMore(first, 4);
const versions = ({ live }: LayoutHistory) => live.map(({ layout }) => layout.version);

/** Every node of `ids` has come as far as this with `layout`. */
function reached(
  history: LayoutHistory,
  ids: readonly number[],
  layout: Layout,
  fields: Partial<Record<TrackerField, number>>,
): LayoutHistory {
  return ids.reduce((before, id) => {
    const known = before.trackers.get(id);
    const tracker = {
      turn: (known?.turn ?? 0) + 1,
      key: layout.placedKey ?? '',
      heard: 1,
      ack: 1,
      sync: 1,
      syncAck: 1,
      ...known,
    };
    return withTracker(before, id, {
      ...tracker,
      ...fields,
      turn: (known?.turn ?? 0) + 1,
      key: layout.placedKey ?? '',
    });
  }, history);
}

describe('a change that moves data', () => {
  const history = withLayout(historyOf([lived(first)]), lived(second));

  it('leaves the layout before it live, and reads go on by that one', () => {
    expect(versions(history)).toEqual([1, 2]);
    expect(readingOf(history).layout).toBe(first);
    expect(nodesWaitedFor(history).sort()).toEqual([1, 2, 3, 4]);
  });

  it('is read by once every node has its share, and the old one goes when every node knows it', () => {
    const acked = reached(history, [1, 2, 3, 4], second, { heard: 2, ack: 2 });
    expect(reachedByAll(acked, 'ack')).toBe(2);
    const some = reached(acked, [1, 2, 3], second, { sync: 2 });
    expect(readingOf(some).layout).toBe(first);
    const all = reached(some, [4], second, { sync: 2 });
    expect(readingOf(all).layout).toBe(second);
    expect(versions(all)).toEqual([1, 2]);
    expect(versions(reached(all, [1, 2, 3, 4], second, { syncAck: 2 }))).toEqual([2]);
  });

  it('does not wait for a node that people gave up', () => {
    const without = {
      ...second,
      version: 3,
      placed: 3,
      placedKey: 'x',
      gone: [3],
      nodes: second.nodes.filter(({ id }) => id !== 3),
    };
    const given = withLayout(history, lived(without));
    expect(nodesWaitedFor(given).sort()).toEqual([1, 2, 4]);
    expect(versions(reached(given, [1, 2, 4], without, { heard: 3, ack: 3, sync: 3, syncAck: 3 }))).toEqual([
      3,
    ]);
  });
});

it('a change that moves nothing takes the place of the layout before it', () => {
  const { name: _, ...settings } = { ...defaultKeyspace, name: '', factors: { here: 3 } };
  const more = createKeyspace(first, 'd1', { ...settings, name: 'more' });
  expect(placedOf(more)).toBe(placedOf(first));
  expect(versions(withLayout(historyOf([lived(first)]), lived(more)))).toEqual([2]);
  expect(placedOf(alterKeyspace(first, 'd1', 'default', { factors: { here: 2 } }))).toBe(2);
});

describe('two changes that were made apart from one layout', () => {
  const other = withOneMore(first, 5);
  const left = withLayout(historyOf([lived(first)]), lived(second, 'b'));
  const right = withLayout(historyOf([lived(first)]), lived(other, 'a'));

  it('end as the same one for everybody, whoever hears of the other first', () => {
    expect(newestOf(merge(left, right)).digest).toBe('a');
    expect(newestOf(merge(right, left)).digest).toBe('a');
    expect(versions(merge(left, right))).toEqual([1, 2]);
  });

  it('do not take what a node said of the loser for a word about the winner', () => {
    const acked = reached(left, [1, 2, 3, 4], second, { heard: 2, ack: 2, sync: 2 });
    const merged = merge(acked, reached(right, [5], other, { heard: 2, ack: 2, sync: 2 }));
    expect(reachedByAll(merged, 'ack')).toBe(1);
    expect(readingOf(merged).layout).toBe(first);
  });
});

it('views come together in whatever order they are heard', () => {
  const third = withOneMore(second, 6);
  const fields = fc.record({
    node: fc.integer({ min: 1, max: 6 }),
    turn: fc.integer({ min: 1, max: 9 }),
  });
  const views = fc.array(fc.tuple(fc.constantFrom(1, 2, 3), fc.array(fields, { maxLength: 4 })), {
    minLength: 2,
    maxLength: 5,
  });
  const all = [first, second, third];
  const viewOf = ([count, said]: [number, { node: number; turn: number }[]]): LayoutHistory => ({
    ...historyOf(all.slice(0, count).map((layout) => lived(layout))),
    trackers: new Map(
      said.map(({ node, turn }) => {
        // A node says one thing in one turn, whoever passes it on, and never takes back what it has reached.
        const ack = Math.min(3, 1 + Math.floor((turn + node) / 4));
        return [node, { turn, key: all[ack - 1].placedKey ?? '', heard: ack, ack, sync: ack, syncAck: ack }];
      }),
    ),
  });
  check(
    fc.property(views, (drawn) => {
      const shown = (history: LayoutHistory) => ({
        live: versions(history),
        trackers: [...history.trackers].sort(([a], [b]) => a - b),
      });
      const histories = drawn.map(viewOf);
      const forwards = histories.reduce(merge);
      const backwards = [...histories].reverse().reduce(merge);
      expect(shown(forwards)).toEqual(shown(backwards));
      expect(shown(merge(forwards, forwards))).toEqual(shown(forwards));
    }),
    300,
  );
});
