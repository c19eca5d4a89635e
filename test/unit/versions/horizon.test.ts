/**
 * The horizon, against full bookkeeping of small random histories: it never passes before something that an old copy of the
 * key could bring back to a reader. Then: forgetting by it changes no answer.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, summarise } from '../../../core/versions/record-codec.ts';
import {
  actorOf,
  type Basis,
  blindBasis,
  covers,
  emptySet,
  keepNewest,
  merge,
  neverMs,
  type Version,
  type VersionSet,
  write,
} from '../../../core/versions/version-set.ts';
import { check } from '../../support/seeds.ts';

const replicaCount = 3;
const replica = fc.integer({ min: 0, max: replicaCount - 1 });

type Step =
  | {
      kind: 'write';
      at: number;
      basis: 'held' | 'blind' | 'read elsewhere';
      reader: number;
      tombstone: boolean;
      expiresAtMs: number;
    }
  | { kind: 'sync'; from: number; to: number }
  | { kind: 'forget'; at: number };

const step = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    at: replica,
    basis: fc.constantFrom('held' as const, 'blind' as const, 'read elsewhere' as const),
    reader: replica,
    tombstone: fc.boolean(),
    // Time is the number of the step.
    expiresAtMs: fc.constantFrom(0, 5, 10, 15, 20, 25, 30),
  }),
  fc.record({ kind: fc.constant('sync' as const), from: replica, to: replica }),
  fc.record({ kind: fc.constant('forget' as const), at: replica }),
);

const steps = fc.array(step, { maxLength: 40 });
const policies = fc.constantFrom('siblings' as const, 'last-write-wins' as const);

interface Place {
  set: VersionSet;
  /** As the node's: the highest event number forgotten here. */
  counterMax: number;
}

const isOver = (expiresAtMs: number, nowMs: number) => expiresAtMs > 0 && expiresAtMs <= nowMs;
const isLive = (version: Version, nowMs: number) => !version.tombstone && !isOver(version.expiresAtMs, nowMs);
const isHeld = (set: VersionSet, dot: Version) =>
  set.versions.some(({ actor, counter }) => actor === dot.actor && counter === dot.counter);

/** Runs a history; `look` sees every state with all versions that were ever written and not forgotten by all. */
function run(
  history: readonly Step[],
  policy: 'siblings' | 'last-write-wins',
  mayForget: (set: VersionSet, nowMs: number) => boolean,
  look: (set: VersionSet, everything: readonly Version[], nowMs: number) => void,
): void {
  const places: Place[] = Array.from({ length: replicaCount }, () => ({ set: emptySet, counterMax: 0 }));
  const everything: Version[] = [];
  const settle = (set: VersionSet) => (policy === 'siblings' ? set : keepNewest(set));
  history.forEach((s, nowMs) => {
    if (s.kind === 'sync') places[s.to].set = settle(merge(places[s.to].set, places[s.from].set));
    else if (s.kind === 'forget') {
      const place = places[s.at];
      if (place.set.context.length > 0 && mayForget(place.set, nowMs)) {
        const own = place.set.context.find(({ actor }) => actor === actorOf(s.at + 1, 0));
        place.counterMax = Math.max(place.counterMax, own?.counter ?? 0);
        place.set = emptySet;
      }
    } else {
      const place = places[s.at];
      const read = s.basis === 'held' ? place.set : places[s.reader].set;
      const basis: Basis = s.basis === 'blind' ? blindBasis : { context: read.context, dots: [] };
      const actor = actorOf(s.at + 1, 0);
      const added = {
        timestamp: nowMs,
        expiresAtMs: s.tombstone ? 0 : s.expiresAtMs,
        tombstone: s.tombstone,
        value: Buffer.from(String(nowMs)),
      };
      const before = place.set;
      const after = write(before, basis, actor, added, place.counterMax);
      everything.push(...after.versions.filter((v) => v.actor === actor && v.timestamp === nowMs));
      place.set = settle(after);
    }
    for (const { set } of places) look(set, everything, nowMs);
  });
}

describe('the horizon of a version set', () => {
  it('is no earlier than the expiry of anything that the history covers and the set lacks', () => {
    check(
      fc.property(steps, policies, (history, policy) => {
        run(
          history,
          policy,
          () => false,
          (set, everything) => {
            for (const version of everything) {
              if (!covers(set.context, version) || isHeld(set, version) || version.tombstone) continue;
              const expiry = version.expiresAtMs === 0 ? neverMs : version.expiresAtMs;
              expect(set.horizonMs).toBeGreaterThanOrEqual(expiry);
            }
          },
        );
      }),
    );
  });

  it('survives the record codec', () => {
    check(
      fc.property(steps, policies, (history, policy) => {
        run(
          history,
          policy,
          () => false,
          (set) => expect(decodeRecord(encodeRecord(set))).toEqual(set),
        );
      }),
    );
  });
});

type MayForget = (set: VersionSet, nowMs: number) => boolean;

/** What readers see of the key once all replicas have exchanged everything. */
function seenInTheEnd(history: readonly Step[], mayForget: MayForget): string[] {
  let last: VersionSet[] = [];
  let seen: VersionSet[] = [];
  run(history, 'siblings', mayForget, (set) => {
    seen.push(set);
    if (seen.length < replicaCount) return;
    last = seen;
    seen = [];
  });
  const all = last.reduce(merge, emptySet);
  return all.versions
    .filter((version) => isLive(version, history.length))
    .map(({ value }) => value.toString())
    .sort();
}

const never: MayForget = () => false;
const byTheRule: MayForget = (set, nowMs) => {
  const { forgettableAtMs } = summarise(encodeRecord(set));
  return forgettableAtMs > 0 && forgettableAtMs <= nowMs;
};
const onceExpired: MayForget = ({ versions }, nowMs) => versions.every((version) => !isLive(version, nowMs));

describe('forgetting a set whose versions and horizon have passed', () => {
  it('changes nothing that readers see in the end, whoever forgets and when', () => {
    check(
      fc.property(steps, (history) => {
        expect(seenInTheEnd(history, byTheRule)).toEqual(seenInTheEnd(history, never));
      }),
    );
  });

  const put = { kind: 'write' as const, at: 0, reader: 0, tombstone: false };
  const history: Step[] = [
    { ...put, basis: 'blind', expiresAtMs: 0 },
    { kind: 'sync', from: 0, to: 1 },
    { ...put, basis: 'held', expiresAtMs: 5 },
    ...Array.from({ length: 4 }, (): Step => ({ kind: 'sync', from: 0, to: 0 })),
    { kind: 'forget', at: 0 },
    { kind: 'sync', from: 1, to: 0 },
  ];

  it('spares a value that superseded one for ever, which would be seen again', () => {
    expect(seenInTheEnd(history, byTheRule)).toEqual([]);
    expect(seenInTheEnd(history, onceExpired)).toEqual(['0']);
  });
});
