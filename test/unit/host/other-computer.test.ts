import { describe, expect, it } from 'vitest';
import type { ComputerNews } from '../../../core/host/computers/messages.ts';
import { OtherComputer } from '../../../core/host/computers/other-computer.ts';

const news = { nodes: [] as ComputerNews['nodes'] } as ComputerNews;
const at = (host: string) => ({ host, port: 7430 });

describe('where another computer is reached', () => {
  it('is where it answered, also when it calls from another of its addresses', () => {
    const other = new OtherComputer('key', 0);
    other.heard(at('wired'), 'answered', news, { nowMs: 0, wallMs: 0 });
    other.heard(at('wireless'), 'called', news, { nowMs: 1_000, wallMs: 0 });
    expect(other.place).toEqual(at('wired'));
  });

  it('is where it calls from once it does not answer at the old place: it has another address now', () => {
    const other = new OtherComputer('key', 0);
    other.heard(at('old'), 'answered', news, { nowMs: 0, wallMs: 0 });
    other.failed(at('old'), 1_000);
    expect(other.place).toEqual(at('old'));
    other.heard(at('new'), 'called', news, { nowMs: 6_000, wallMs: 0 });
    expect(other.place).toEqual(at('new'));
  });

  it('is tried in turn while nobody answers', () => {
    const other = new OtherComputer('key', 0);
    for (const host of ['a', 'b', 'c']) other.found(at(host));
    const tried = [0, 1, 2, 3].map(() => {
      const place = other.place!;
      other.failed(place, 60_000);
      return place.host;
    });
    expect(tried).toEqual(['a', 'b', 'c', 'a']);
  });

  it('is not lost to many places that others invent', () => {
    const other = new OtherComputer('key', 0);
    other.heard(at('right'), 'answered', news, { nowMs: 0, wallMs: 0 });
    for (let number = 0; number < 1_000; number++) other.found(at(`wrong-${number}`));
    expect(other.place).toEqual(at('right'));
    const places = new Set<string>();
    for (let turn = 0; turn < 50; turn++) {
      places.add(other.place!.host);
      other.failed(other.place!, 60_000);
    }
    expect(places.size).toBe(8);
    expect(places).toContain('right');
  });

  it('counts as reached for five seconds after it was heard', () => {
    const other = new OtherComputer('key', 0);
    expect(other.isReached(0)).toBe(false);
    other.heard(at('a'), 'called', news, { nowMs: 1_000, wallMs: 0 });
    expect([other.isReached(5_999), other.isReached(6_000)]).toEqual([true, false]);
  });
});
