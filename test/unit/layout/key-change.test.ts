/** A computer's way to another key: from each state in which it may be interrupted, with what the disk and the layout hold then. */
import { describe, expect, it } from 'vitest';
import { admitsKey, keyRank } from '../../../core/layout/admission.ts';
import { takenBack } from '../../../core/layout/changes.ts';
import { type HeldOwnKeys, type KeyStep, keyStep, nameKeys } from '../../../core/layout/key-change.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { setRole } from '../../../core/layout/roles.ts';
import { layoutOf } from '../../support/layouts.ts';

const own = new Set(['computer-1']);

function layoutWith(keys: { key?: string; nextKey?: string }): Layout {
  const layout = layoutOf({ here: 2 });
  const computers = layout.computers.map((one) => ({
    ...one,
    ...(one.id === 'computer-1' ? keys : { key: 'key of another' }),
  }));
  return { ...layout, computers };
}

const stepOf = (
  keys: { key?: string; nextKey?: string },
  held: HeldOwnKeys,
  facts: { isHeard?: boolean; isMoved?: boolean } = {},
) => keyStep(layoutWith(keys), own, held, { isHeard: false, isMoved: false, ...facts });

describe('the way to another key', () => {
  const cases: [
    string,
    { key?: string; nextKey?: string },
    HeldOwnKeys,
    { isHeard?: boolean; isMoved?: boolean },
    KeyStep,
  ][] = [
    ['rests', { key: 'old' }, { present: 'old', next: null }, {}, 'rest'],
    ['begins on the disk', { key: 'old' }, { present: 'old', next: 'new' }, {}, 'announce'],
    [
      'is announced anew where another change won',
      { key: 'old' },
      { present: 'old', next: 'new' },
      { isHeard: true },
      'announce',
    ],
    ['waits for all', { key: 'old', nextKey: 'new' }, { present: 'old', next: 'new' }, {}, 'hear'],
    [
      'goes on once all have heard',
      { key: 'old', nextKey: 'new' },
      { present: 'old', next: 'new' },
      { isHeard: true },
      'go-by',
    ],
    ['lets connections move', { key: 'old', nextKey: 'new' }, { present: 'new', next: null }, {}, 'move'],
    [
      'ends the key of before',
      { key: 'old', nextKey: 'new' },
      { present: 'new', next: null },
      { isMoved: true },
      'settle',
    ],
    ['is over', { key: 'new' }, { present: 'new', next: null }, { isMoved: true }, 'rest'],
    [
      'takes back a key that the disk lost',
      { key: 'old', nextKey: 'new' },
      { present: 'old', next: null },
      { isHeard: true, isMoved: true },
      'withdraw',
    ],
    [
      'replaces one that the disk lost',
      { key: 'old', nextKey: 'lost' },
      { present: 'old', next: 'new' },
      { isHeard: true },
      'announce',
    ],
    ['goes on with a disk of a moment before', { key: 'new' }, { present: 'old', next: 'new' }, {}, 'go-by'],
    [
      'knows that it is not known',
      { key: 'new' },
      { present: 'old', next: null },
      { isHeard: true, isMoved: true },
      'stranger',
    ],
    ['has nothing to do before it takes others', {}, { present: 'old', next: null }, {}, 'rest'],
  ];
  for (const [name, keys, held, facts, step] of cases) {
    it(name, () => expect(stepOf(keys, held, facts)).toBe(step));
  }

  it('rests where the computer was taken out', () => {
    const elsewhere = keyStep(
      layoutWith({ key: 'x' }),
      new Set(['gone']),
      { present: 'old', next: 'new' },
      { isHeard: true, isMoved: true },
    );
    expect(elsewhere).toBe('rest');
  });

  /** Each step is taken, or the process ends before, between or after its writes: then only disk and layout are left. */
  it('comes to its end from every interruption, and shows at no time a key that somebody does not take', () => {
    for (let crashAt = 0; crashAt < 12; crashAt++) {
      for (const isLost of [false, true]) {
        let layout = layoutWith({ key: 'old' });
        let disk: HeldOwnKeys = { present: 'old', next: 'new' };
        let heard = layout;
        let shown = disk.present;
        let write = 0;
        const writes = (change: () => void) => {
          if (write++ !== crashAt) change();
        };
        for (let turn = 0; turn < 20; turn++) {
          const isHeard = heard === layout;
          const step = keyStep(layout, own, disk, { isHeard, isMoved: isHeard });
          // What others go by: the last that they heard of, and after a moment the newest.
          expect(admitsKey([heard], shown), `${step} at ${crashAt}`).toBe(true);
          expect(admitsKey([layout], shown), `${step} at ${crashAt}`).toBe(true);
          heard = layout;
          if (step === 'announce') {
            const before = layout;
            writes(() => {
              layout = nameKeys(layout, 'd', own, { key: disk.present, nextKey: disk.next! });
            });
            // Another computer decided at the same moment, and that stands.
            if (isLost && turn < 3) layout = setRole(before, 'd', 'computer-2', 'owner');
          } else if (step === 'go-by') {
            writes(() => {
              disk = { present: disk.next!, next: null };
            });
            // The process ends, and shows what it finds.
            writes(() => {
              shown = disk.present;
            });
            shown = disk.present;
          } else if (step === 'settle') {
            writes(() => {
              layout = nameKeys(layout, 'd', own, { key: disk.present });
            });
          }
        }
        expect(layout.computers.find(({ id }) => id === 'computer-1')).toMatchObject({ key: 'new' });
        expect([admitsKey([layout], 'old'), shown, disk]).toEqual([
          false,
          'new',
          { present: 'new', next: null },
        ]);
      }
    }
  });

  it('moves no data, and is not undone with the nodes', () => {
    const before = layoutWith({ key: 'old' });
    const announced = nameKeys(before, 'd', own, { key: 'old', nextKey: 'new' });
    expect([announced.placed, announced.rings]).toEqual([before.placed, before.rings]);
    const settled = nameKeys(announced, 'd', own, { key: 'new' });
    const [first] = takenBack(settled, 'd', before).computers;
    expect(first).toMatchObject({ id: 'computer-1', key: 'new' });
    const [midway] = takenBack(announced, 'd', before).computers;
    expect(midway).toMatchObject({ key: 'old', nextKey: 'new' });
  });

  it('lets both keys in meanwhile, the next one before the other, and each for its own nodes alone', () => {
    const layout = layoutWith({ key: 'old', nextKey: 'new' });
    const mine = layout.nodes.find(({ computer }) => computer === 'computer-1')!.id;
    const other = layout.nodes.find(({ computer }) => computer !== 'computer-1')!.id;
    expect(['old', 'new', 'key of another', 'x'].map((key) => keyRank([layout], mine, key))).toEqual([
      1, 2, 0, 0,
    ]);
    expect(keyRank([layout], other, 'new')).toBe(0);
  });
});
