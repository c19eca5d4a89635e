import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../core/base/token.ts';
import { contextSealOf } from '../../../core/security/context-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import { encodeBasis, parseBasis } from '../../../core/versions/context-codec.ts';
import { clockLeadMaxMs, HybridClock, wallTimeMs } from '../../../core/versions/hybrid-clock.ts';
import {
  decodeRecord,
  encodeRecord,
  equalHeaders,
  headerLength,
  mergeRecords,
} from '../../../core/versions/record-codec.ts';
import {
  actorOf,
  type Basis,
  basisAfter,
  blindBasis,
  compareContexts,
  covers,
  emptySet,
  epochMax,
  epochOf,
  keepNewest,
  merge,
  nodeIdOf,
  type VersionSet,
  write,
} from '../../../core/versions/version-set.ts';
import { check } from '../../support/seeds.ts';

/** One step of a small cluster: a replica coordinates a write with some basis, or copies another's state. */
type Step =
  | {
      kind: 'write';
      replica: number;
      basis: 'held' | 'blind' | 'read';
      reader: number;
      tombstone: boolean;
      expiresAtMs: number;
    }
  | { kind: 'sync'; from: number; to: number };

const replicaCount = 4;
const replica = fc.integer({ min: 0, max: replicaCount - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    replica,
    basis: fc.constantFrom('held' as const, 'blind' as const, 'read' as const),
    reader: replica,
    tombstone: fc.boolean(),
    expiresAtMs: fc.constantFrom(0, 5, 6, 7, 8),
  }),
  fc.record({ kind: fc.constant('sync' as const), from: replica, to: replica }),
);

/** States that real histories produce: only these must obey the laws. */
function run(steps: readonly Step[]): VersionSet[] {
  const states: VersionSet[] = Array.from({ length: replicaCount }, () => emptySet);
  let time = 0;
  for (const s of steps) {
    if (s.kind === 'sync') {
      states[s.to] = merge(states[s.to], states[s.from]);
      continue;
    }
    const read = s.basis === 'held' ? states[s.replica].context : states[s.reader].context;
    const basis: Basis = s.basis === 'blind' ? blindBasis : { context: read, dots: [] };
    time++;
    states[s.replica] = write(states[s.replica], basis, actorOf(s.replica + 1, 0), {
      timestamp: time,
      expiresAtMs: s.tombstone ? 0 : s.expiresAtMs,
      tombstone: s.tombstone,
      value: Buffer.from(`v${time}`),
    });
  }
  return states;
}

const histories = fc.array(step, { maxLength: 40 }).map(run);
const put = (value: string, timestamp = 1) => ({
  timestamp,
  expiresAtMs: 0,
  tombstone: false,
  value: Buffer.from(value),
});
const valuesOf = (set: VersionSet) => set.versions.map((version) => version.value.toString());

describe('merging version sets', () => {
  it('is commutative, associative and idempotent', () => {
    check(
      fc.property(histories, ([a, b, c]) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, a)).toEqual(a);
      }),
    );
  });

  it('keeps every version covered by its context and never shrinks a context', () => {
    check(
      fc.property(histories, ([a, b]) => {
        const merged = merge(a, b);
        for (const version of merged.versions) expect(covers(merged.context, version)).toBe(true);
        expect(['equal', 'descendant']).toContain(compareContexts(merged.context, a.context));
      }),
    );
  });

  it('brings replicas that exchange everything to the same bytes', () => {
    check(
      fc.property(histories, (states) => {
        const forward = states.reduce(merge);
        const backward = [...states].reverse().reduce(merge);
        expect(encodeRecord(forward).equals(encodeRecord(backward))).toBe(true);
      }),
    );
  });
});

describe('writing', () => {
  it('with the context it read leaves no sibling of what was read', () => {
    check(
      fc.property(histories, replica, replica, (states, writer, reader) => {
        const read = states[reader];
        const after = write(
          merge(states[writer], read),
          { context: read.context, dots: [] },
          actorOf(writer + 1, 0),
          put('new', 999),
        );
        for (const old of read.versions) {
          expect(after.versions.some((v) => v.actor === old.actor && v.counter === old.counter)).toBe(false);
        }
        expect(valuesOf(after)).toContain('new');
      }),
    );
  });

  it('without a context leaves everything else as a sibling', () => {
    const actor = actorOf(7, 0);
    const one = write(emptySet, blindBasis, actor, put('a'));
    expect(valuesOf(write(one, blindBasis, actor, put('b')))).toEqual(['a', 'b']);
  });

  it('by two clients that interleave 99 writes with their own last contexts ends in exactly two siblings', () => {
    const actor = actorOf(3, 1);
    let state = emptySet;
    const bases: Basis[] = [blindBasis, blindBasis];
    for (let index = 0; index < 99; index++) {
      const client = index % 2;
      state = write(state, bases[client], actor, put(`client-${client}-${index}`, index));
      const own = state.versions.find((v) => v.value.toString() === `client-${client}-${index}`)!;
      bases[client] = basisAfter(bases[client], own);
      expect(state.versions.length).toBe(Math.min(index + 1, 2));
    }
    expect(state.versions.length).toBe(2);
  });

  it('under last-write-wins keeps one version and the whole context', () => {
    check(
      fc.property(histories, ([a, b]) => {
        const merged = merge(a, b);
        const kept = keepNewest(merged);
        expect(kept.versions.length).toBe(Math.min(1, merged.versions.length));
        expect(kept.context).toEqual(merged.context);
      }),
    );
  });
});

describe('the answer to a write', () => {
  it('covers that write and what its writer had read, not what others wrote at the same replica', () => {
    const actor = actorOf(7, 0);
    const one = write(emptySet, blindBasis, actor, put('theirs'));
    const two = write(one, blindBasis, actor, put('mine'));
    const mine = two.versions.find((version) => version.value.toString() === 'mine')!;
    expect(valuesOf(write(two, basisAfter(blindBasis, mine), actor, put('mine again')))).toEqual([
      'theirs',
      'mine again',
    ]);
  });
});

describe('actors', () => {
  it('hold a node id and an epoch exactly', () => {
    check(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 0, max: epochMax }),
        (id, epoch) => {
          const actor = actorOf(id, epoch);
          expect([nodeIdOf(actor), epochOf(actor)]).toEqual([id, epoch]);
        },
      ),
    );
  });
});

describe('comparing histories', () => {
  it('has four outcomes', () => {
    const a = { actor: 1, counter: 1 };
    const a2 = { actor: 1, counter: 2 };
    const b = { actor: 2, counter: 1 };
    expect(compareContexts([a], [a])).toBe('equal');
    expect(compareContexts([a], [a2])).toBe('ancestor');
    expect(compareContexts([a, b], [a])).toBe('descendant');
    expect(compareContexts([a2], [a, b])).toBe('sibling');
  });
});

describe('the record codec', () => {
  it('returns what was encoded', () => {
    check(
      fc.property(histories, (states) => {
        for (const state of states) expect(decodeRecord(encodeRecord(state))).toEqual(state);
      }),
    );
  });

  it('merges bytes as it merges sets, and answers the argument that already holds everything', () => {
    check(
      fc.property(histories, ([a, b]) => {
        const left = encodeRecord(a);
        const right = encodeRecord(b);
        const merged = mergeRecords(left, right, false);
        expect(merged.equals(encodeRecord(merge(a, b)))).toBe(true);
        const both = encodeRecord(merge(a, b));
        expect(mergeRecords(both, left, false)).toBe(both);
      }),
    );
  });

  it('has equal headers exactly for equal sets', () => {
    check(
      fc.property(histories, ([a, b]) => {
        const same = encodeRecord(a).equals(encodeRecord(b));
        expect(equalHeaders(encodeRecord(a), encodeRecord(b))).toBe(same);
      }),
    );
  });

  it('refuses damaged bytes with a typed error, never with a crash or a silent half', () => {
    check(
      fc.property(histories, fc.nat(), fc.integer({ min: 0, max: 255 }), ([a], at, byte) => {
        const bytes = encodeRecord(a);
        for (let cut = 0; cut < bytes.length; cut++) {
          expect(() => decodeRecord(bytes.subarray(0, cut))).toThrow(/record/i);
        }
        const changed = Buffer.from(bytes);
        changed[at % headerLength(bytes)] = byte;
        try {
          decodeRecord(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' });
        }
      }),
    );
  });
});

describe('the context codec', () => {
  const address = addressOf(0, Buffer.from('a key'));
  const seal = contextSealOf(Secrets.of(Buffer.from('a secret')));

  it('refuses a context that another cluster sealed, or nobody', () => {
    const forged = { context: [{ actor: actorOf(1, 0), counter: 2 ** 48 - 2 }], dots: [] };
    for (const other of [
      contextSealOf(Secrets.of(Buffer.from('another'))),
      { of: () => Buffer.alloc(16), holds: () => true },
    ]) {
      expect(() => parseBasis(encodeBasis(forged, address, other), address, seal)).toThrow(/damaged/);
    }
  });

  it('returns what was encoded', () => {
    check(
      fc.property(histories, ([a]) => {
        expect(
          parseBasis(encodeBasis({ context: a.context, dots: [] }, address, seal), address, seal).context,
        ).toEqual(a.context);
        const dotted = { context: [], dots: a.context };
        expect(parseBasis(encodeBasis(dotted, address, seal), address, seal)).toEqual(dotted);
      }),
    );
  });

  it('refuses a context of another key, and a changed one', () => {
    const text = encodeBasis({ context: [{ actor: actorOf(1, 0), counter: 3 }], dots: [] }, address, seal);
    expect(() => parseBasis(text, addressOf(0, Buffer.from('another')), seal)).toThrow(/another key/);
    for (let index = 0; index < text.length; index++) {
      const changed = `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`;
      expect(() => parseBasis(changed, address, seal)).toThrow(/context/i);
    }
    expect(() => parseBasis('not a context', address, seal)).toThrow(/damaged/);
  });
});

describe('the hybrid clock', () => {
  it('never repeats or goes back, even when wall time does', () => {
    const clock = new HybridClock();
    let last = 0;
    for (const now of [1.8e12, 1.8e12, 1.7e12, 1.8e12 + 1, 1.6e12]) {
      const timestamp = clock.tick(now);
      expect(timestamp).toBeGreaterThan(last);
      last = timestamp;
    }
  });

  it('exceeds what it observed, but does not follow a clock that is years ahead', () => {
    const now = 1.8e12;
    const ahead = new HybridClock().tick(now + clockLeadMaxMs / 2);
    const clock = new HybridClock();
    clock.observe(ahead, now);
    expect(clock.tick(now)).toBeGreaterThan(ahead);
    const absurd = new HybridClock().tick(now + 10 * clockLeadMaxMs);
    clock.observe(absurd, now);
    expect(wallTimeMs(clock.tick(now))).toBeLessThan(now + clockLeadMaxMs);
  });
});
