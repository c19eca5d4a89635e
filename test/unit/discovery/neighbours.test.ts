import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../../core/discovery/beacon.ts';
import { Neighbours } from '../../../core/discovery/neighbours.ts';
import { beaconOf, keyOf } from '../../support/beacons.ts';

const self = { computerId: 'self', publicKey: keyOf(999), run: 9, startedMs: 1_000 };
const names = (neighbours: Neighbours) =>
  neighbours
    .listed()
    .map(({ beacon }) => beacon.computerId)
    .sort();

/** Hears and takes a beacon as the driver does; what is heard is signed well. */
function say(neighbours: Neighbours, beacon: Beacon, from: string, nowMs: number) {
  const hearing = neighbours.hear(beacon, from, self, nowMs);
  if (hearing === 'fresh') neighbours.add(beacon, from, self, nowMs);
  return hearing;
}

function confirmAll(neighbours: Neighbours, nowMs: number) {
  const targets = neighbours.takeProbes(1_000, nowMs);
  for (const target of targets) neighbours.confirm(target);
  return targets.map(({ address }) => address);
}

describe('the table of neighbours', () => {
  it('lists a computer only once a probe has found it', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1'), '10.0.0.1', 0);
    const [target] = neighbours.takeProbes(10, 0);
    expect(neighbours.takeProbes(10, 0)).toEqual([]);
    expect(names(neighbours)).toEqual([]);
    neighbours.refuse(target);
    expect(neighbours.takeProbes(10, 4_999)).toEqual([]);
    expect(confirmAll(neighbours, 5_000)).toEqual(['10.0.0.1']);
    expect(names(neighbours)).toEqual(['c1']);
  });

  it('forgets a computer that has been silent for 90 seconds', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1'), '10.0.0.1', 0);
    confirmAll(neighbours, 0);
    neighbours.expire(89_999);
    expect(names(neighbours)).toEqual(['c1']);
    neighbours.expire(90_000);
    expect(names(neighbours)).toEqual([]);
  });

  it('drops what is played again, also after a farewell', () => {
    const neighbours = new Neighbours();
    const old = beaconOf('c1', { timeMs: 1_000 });
    say(neighbours, old, '10.0.0.1', 0);
    confirmAll(neighbours, 0);
    expect(say(neighbours, old, '10.0.0.1', 10)).toBe('repeated');
    say(neighbours, beaconOf('c1', { timeMs: 1_001, kind: 'farewell' }), '10.0.0.1', 20);
    expect(names(neighbours)).toEqual([]);
    expect(say(neighbours, old, '10.0.0.1', 30)).toBe('repeated');
    neighbours.expire(90_010);
    expect(names(neighbours)).toEqual([]);
  });

  it('has a computer that comes back after its farewell probed again', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1', { timeMs: 1 }), '10.0.0.1', 0);
    confirmAll(neighbours, 0);
    say(neighbours, beaconOf('c1', { timeMs: 2, kind: 'farewell' }), '10.0.0.1', 1);
    const back = beaconOf('c1', { timeMs: 3, run: 2 });
    expect(neighbours.hear(back, '10.0.0.1', self, 2)).toBe('fresh');
    expect(neighbours.add(back, '10.0.0.1', self, 2)).toBe(true);
    expect(names(neighbours)).toEqual([]);
    confirmAll(neighbours, 2);
    expect(names(neighbours)).toEqual(['c1']);
  });

  it('probes again when another port is announced, and takes no late answer for the earlier one', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1', { timeMs: 1 }), '10.0.0.1', 0);
    const [late] = neighbours.takeProbes(10, 0);
    say(neighbours, beaconOf('c1', { timeMs: 2, port: 9_000 }), '10.0.0.1', 1);
    neighbours.confirm(late);
    expect(names(neighbours)).toEqual([]);
    expect(neighbours.takeProbes(10, 1)).toMatchObject([{ port: 9_000 }]);
  });

  it('keeps the place that was confirmed while it is heard, and moves when only another one is', () => {
    const neighbours = new Neighbours();
    const at = () => neighbours.listed().map(({ listedAt }) => listedAt);
    say(neighbours, beaconOf('c1', { timeMs: 1 }), '10.0.0.1', 0);
    confirmAll(neighbours, 0);
    for (const nowMs of [30_000, 60_000]) {
      // By another interface first, then the same one by the confirmed.
      say(neighbours, beaconOf('c1', { timeMs: nowMs }), '10.1.0.1', nowMs);
      say(neighbours, beaconOf('c1', { timeMs: nowMs }), '10.0.0.1', nowMs + 5);
      expect(confirmAll(neighbours, nowMs + 10)).toEqual([]);
    }
    say(neighbours, beaconOf('c1', { timeMs: 90_000 }), '10.1.0.1', 90_000);
    expect(confirmAll(neighbours, 90_000)).toEqual([]);
    say(neighbours, beaconOf('c1', { timeMs: 120_000 }), '10.1.0.1', 120_000);
    expect(at()).toEqual(['10.0.0.1']);
    expect(confirmAll(neighbours, 120_000)).toEqual(['10.1.0.1']);
    expect(at()).toEqual(['10.1.0.1']);
  });

  it('tries every place of a computer in turn until one answers', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1'), '10.0.0.1', 0);
    say(neighbours, beaconOf('c1'), '10.1.0.1', 0);
    const tried = [0, 5_000, 15_000].map((nowMs) => {
      const [target] = neighbours.takeProbes(10, nowMs);
      neighbours.refuse(target);
      return target.address;
    });
    expect(tried).toEqual(['10.0.0.1', '10.1.0.1', '10.0.0.1']);
  });

  it('holds eight computers of one address and 256 in all, and keeps those that are listed', () => {
    const neighbours = new Neighbours();
    for (let index = 0; index < 8; index++) {
      say(neighbours, beaconOf(`a${index}`, { publicKey: keyOf(index) }), '10.0.0.1', index);
    }
    confirmAll(neighbours, 10);
    say(neighbours, beaconOf('a8', { publicKey: keyOf(8) }), '10.0.0.1', 20);
    confirmAll(neighbours, 20);
    expect(names(neighbours)).toHaveLength(8);
    expect(names(neighbours)).not.toContain('a8');
    for (let index = 0; index < 390; index++) {
      const publicKey = keyOf(10_000 + index);
      say(neighbours, beaconOf(`b${index}`, { publicKey }), `10.1.${index % 250}.${index % 3}`, 30);
    }
    confirmAll(neighbours, 40);
    const listed = names(neighbours);
    expect(listed).toHaveLength(256);
    expect(listed.filter((name) => name.startsWith('a'))).toHaveLength(8);
  });

  it('looks at 20 beacons in 10 seconds from one address, and at those of listed ones in a flood from elsewhere', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1', { publicKey: keyOf(1), timeMs: 1 }), '10.0.0.1', 0);
    confirmAll(neighbours, 0);
    const flood = (from: (index: number) => string, count: number) => {
      let fresh = 0;
      for (let index = 0; index < count; index++) {
        const beacon = beaconOf('f', { publicKey: keyOf(50), timeMs: 1_000 + index });
        if (neighbours.hear(beacon, from(index), self, 100) === 'fresh') fresh++;
      }
      return fresh;
    };
    expect(flood(() => '10.0.0.66', 1_000)).toBe(20);
    expect(flood((index) => `10.7.${index >> 8}.${index % 256}`, 5_000)).toBeLessThan(400);
    expect(flood(() => '10.0.0.2', 1)).toBe(0);
    expect(say(neighbours, beaconOf('c1', { timeMs: 2 }), '10.0.0.1', 101)).toBe('fresh');
    expect(neighbours.hear(beaconOf('n', { publicKey: keyOf(60) }), '10.0.0.2', self, 10_100)).toBe('fresh');
  });

  it('names two keys that claim one computer, its own id too, until one of them has gone', () => {
    const neighbours = new Neighbours();
    say(neighbours, beaconOf('c1', { publicKey: keyOf(1) }), '10.0.0.1', 0);
    expect(neighbours.conflicts(self)).toEqual([]);
    say(neighbours, beaconOf('c1', { publicKey: keyOf(2) }), '10.0.0.2', 0);
    say(neighbours, beaconOf('self', { publicKey: keyOf(3) }), '10.0.0.3', 0);
    expect(neighbours.conflicts(self)).toMatchObject([
      { kind: 'identity', computerId: 'c1', isOwn: false, addresses: ['10.0.0.1', '10.0.0.2'] },
      { kind: 'identity', computerId: 'self', isOwn: true, addresses: ['10.0.0.3'] },
    ]);
    say(neighbours, beaconOf('c1', { publicKey: keyOf(1), kind: 'farewell', timeMs: 2_000 }), '10.0.0.1', 1);
    neighbours.expire(89_000);
    expect(neighbours.conflicts(self).map(({ computerId }) => computerId)).toEqual(['self']);
  });

  it('names a cloned computer, and neither one that restarts and moves nor one with two interfaces', () => {
    const neighbours = new Neighbours();
    const hear = (timeMs: number, run: number, from: string) =>
      say(neighbours, beaconOf('c1', { timeMs, run }), from, timeMs);
    hear(1, 1, '10.0.0.1');
    hear(1, 1, '10.1.0.1');
    hear(2, 1, '10.1.0.1');
    hear(3, 2, '10.0.0.2');
    hear(4, 3, '10.0.0.1');
    expect(neighbours.conflicts(self)).toEqual([]);
    hear(5, 2, '10.0.0.2');
    expect(neighbours.conflicts(self)).toMatchObject([
      { kind: 'cloned', computerId: 'c1', isOwn: false, addresses: ['10.0.0.1', '10.0.0.2'] },
    ]);
  });

  it('ignores its own beacons and those of its earlier runs, but names a computer that goes on with its key', () => {
    const neighbours = new Neighbours();
    const own = (changes: Partial<Beacon>) =>
      say(neighbours, beaconOf('self', { publicKey: self.publicKey, ...changes }), '10.0.0.9', 0);
    expect(own({ run: self.run, timeMs: 5_000 })).toBe('own');
    expect(own({ run: 3, timeMs: self.startedMs - 1 })).toBe('own');
    expect(neighbours.conflicts(self)).toEqual([]);
    expect(own({ run: 3, timeMs: self.startedMs + 1 })).toBe('fresh');
    expect(neighbours.conflicts(self)).toMatchObject([
      { kind: 'cloned', isOwn: true, addresses: ['10.0.0.9'] },
    ]);
    expect(neighbours.takeProbes(10, 0)).toEqual([]);
  });
});
