import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../core/contract/views.ts';
import { repairFact } from '../../../renderer/src/overview/replica-facts.ts';
import { bandOf, repairIsDue } from '../../../renderer/src/repair/coverage.ts';

const hourMs = 3_600_000;
const nowMs = 1_800_000_000_000;

/** Keyspaces with their age and how long ago their two ranges were compared, in hours; null: never. */
function snapshotOf(
  ...keyspaces: [name: string, ageHours: number, comparedHours: (number | null)[]][]
): Snapshot {
  return {
    keyspaces: keyspaces.map(([name, ageHours]) => ({
      name,
      replicaCount: 3,
      createdAtMs: nowMs - ageHours * hourMs,
    })),
    repairs: {
      coverage: keyspaces.map(([keyspace, , compared]) => ({
        keyspace,
        comparedAtMs: compared.map((hours) => (hours === null ? null : nowMs - hours * hourMs)),
      })),
    },
  } as unknown as Snapshot;
}

describe('a keyspace that no repair has run on', () => {
  it.each([
    ['a minute old', [['default', 1 / 60, [null, null]]], 'not yet', 'default', 'plain'],
    ['a day and an hour old', [['default', 25, [null, null]]], 'never', 'default', 'warn'],
    [
      'partly compared and young',
      [['default', 2, [1, null]]],
      'not yet',
      '1 of 2 ranges of default',
      'plain',
    ],
    ['partly compared and old', [['default', 99, [1, null]]], 'never', '1 of 2 ranges of default', 'warn'],
    [
      'young beside an old one that never was',
      [
        ['new', 1, [null, null]],
        ['old', 99, [null, 2]],
      ],
      'never',
      '1 of 2 ranges of old',
      'warn',
    ],
    [
      'young beside one compared too long ago',
      [
        ['new', 1, [null, null]],
        ['old', 2_000, [800, 900]],
      ],
      '37 d 12 h',
      'ago, in old',
      'warn',
    ],
    [
      'young beside one compared lately',
      [
        ['new', 1, [null, null]],
        ['old', 99, [1, 2]],
      ],
      'not yet',
      'new',
      'plain',
    ],
  ] as const)('%s', (_, keyspaces, value, detail, tone) => {
    expect(
      repairFact(snapshotOf(...(keyspaces as unknown as Parameters<typeof snapshotOf>)), nowMs),
    ).toMatchObject({ value, detail, tone });
  });

  it('is due for one a day after it was made', () => {
    expect(repairIsDue({ createdAtMs: nowMs - 23 * hourMs }, nowMs)).toBe(false);
    expect(repairIsDue({ createdAtMs: nowMs - 25 * hourMs }, nowMs)).toBe(true);
    expect(bandOf(null, { nowMs, isDue: false })).toBe('not-yet');
    expect(bandOf(null, { nowMs, isDue: true })).toBe('never');
  });
});
