/** Who may stay connected: progress of commands and replies, and places when all are taken. */
import { describe, expect, test } from 'vitest';
import { UnfinishedCommandWatch, UnreadOutputWatch } from '../../../core/gateway/resp/deadlines.ts';
import { Places, probationCountMax } from '../../../core/gateway/resp/places.ts';
import { clientsWithin, openFileLimit } from '../../../core/platform/open-file-limit.ts';

const settings = {
  unfinishedCommandTimeMsMax: 45_000,
  unfinishedCommandRateMin: 32_768,
  unreadOutputTimeMsMax: 60_000,
};

/** Seconds until the watch speaks, with so many bytes each second; null within ten minutes. */
function secondsOf(bytesEach: number, isMidCommand = (_second: number) => true): number | null {
  const watch = new UnfinishedCommandWatch(settings);
  for (let second = 0; second < 600; second++) {
    const facts = { isMidCommand: isMidCommand(second), commandCount: 1, receivedBytes: second * bytesEach };
    if (watch.look(second * 1_000, facts) !== null) return second;
  }
  return null;
}

describe('an unfinished command', () => {
  test('is given up when nothing more comes, and when it comes in a trickle', () => {
    expect(secondsOf(0)).toBe(45);
    expect(secondsOf(1)).toBe(46);
    expect(secondsOf(16_384)).toBe(90);
  });

  test('goes on as long as it comes at a fair rate, or is another each time', () => {
    expect(secondsOf(32_768)).toBeNull();
    expect(secondsOf(1, (second) => second % 30 > 0)).toBeNull();
    const watch = new UnfinishedCommandWatch(settings);
    for (let second = 0; second < 600; second++) {
      const facts = { isMidCommand: true, commandCount: second, receivedBytes: second };
      expect(watch.look(second * 1_000, facts)).toBeNull();
    }
  });
});

describe('unread replies', () => {
  const secondsUntil = (takenEach: number, unreadBytes: number): number | null => {
    const watch = new UnreadOutputWatch(settings);
    for (let second = 0; second < 600; second++) {
      if (watch.look(second * 1_000, { unreadBytes, takenBytes: second * takenEach })) return second;
    }
    return null;
  };

  test('wait for a minute, also for one who takes a byte now and then', () => {
    expect(secondsUntil(0, 1)).toBe(60);
    expect(secondsUntil(1, 1_000_000)).toBe(60);
    expect(secondsUntil(0, 0)).toBeNull();
  });

  test('are no reproach to one who reads slowly', () => {
    expect(secondsUntil(2_000, 1_000_000)).toBeNull();
    expect(secondsUntil(10, 500)).toBeNull();
  });
});

class Guest {
  idle = 0;
  idleMs(): number {
    return this.idle;
  }
}

const guest = (idle: number): Guest => Object.assign(new Guest(), { idle });

describe('places', () => {
  const full = (count: number, make: (index: number) => Guest, speaks = true) => {
    const places = new Places<Guest>(count);
    const guests = Array.from({ length: count }, (_, index) => make(index));
    for (const each of guests) {
      places.enter(each);
      if (speaks) places.spoke(each);
    }
    return { places, guests };
  };

  test('are given while there are some', () => {
    const { places } = full(2, () => guest(0));
    expect(places.askFor(0)).toEqual({ isThere: false, displaced: null });
    const wider = new Places<Guest>(3);
    expect(wider.askFor(0)).toEqual({ isThere: true, displaced: null });
  });

  test('go from those that never ran a command first, the oldest of them, then from the longest idle', () => {
    const { places, guests } = full(3, (index) => guest(20_000 + index));
    const silent = [guest(1_000), guest(500)];
    places.leave(guests[0]);
    places.leave(guests[1]);
    for (const each of silent) places.enter(each);
    expect(places.askFor(0).displaced).toBe(silent[0]);
    // The other one has only just come: it may be about to speak.
    places.enter(guests[0]);
    places.spoke(guests[0]);
    expect(places.askFor(0).displaced).toBe(guests[2]);
    expect(places.count).toBe(2);
  });

  test('stay with whoever has gone on since', () => {
    const { places, guests } = full(3, (index) => guest(20_000 + index));
    expect(places.askFor(0).displaced).toBe(guests[2]);
    places.enter(guest(0));
    guests[1].idle = 0;
    places.leave(guests[0]);
    places.enter(guest(0));
    expect(places.askFor(10)).toEqual({ isThere: false, displaced: null });
  });

  test('do not count the host', () => {
    const { places, guests } = full(2, () => guest(0));
    places.leave(guests[0]);
    expect(places.askFor(0).isThere).toBe(true);
  });

  test('on probation make room for later ones', () => {
    const { places } = full(1, () => guest(0));
    const waiting = Array.from({ length: probationCountMax }, () => guest(0));
    expect(waiting.map((each) => places.enterOnProbation(each)).every((each) => each === null)).toBe(true);
    expect(places.enterOnProbation(guest(0))).toBe(waiting[0]);
    places.leave(waiting[1]);
    expect(places.enterOnProbation(guest(0))).toBeNull();
  });
});

describe('the limit of open files', () => {
  test('is read where the system tells it', () => {
    const text =
      'Limit    Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n';
    expect(openFileLimit(() => text)).toBe(1_024);
    expect(openFileLimit(() => text.replace('1024', 'unlimited'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(openFileLimit(() => 'nothing')).toBe(10_240);
    expect(
      openFileLimit(() => {
        throw new Error('no such file');
      }),
    ).toBe(10_240);
  });

  test('leaves the node its own files', () => {
    expect(clientsWithin(1_048_576, 10_000, 1_024)).toBe(10_000);
    expect(clientsWithin(10_240, 10_000, 1_024)).toBe(6_656);
    expect(clientsWithin(1_024, 10_000, 256)).toBe(512);
    expect(clientsWithin(256, 10_000, 1_024)).toBe(16);
  });
});
