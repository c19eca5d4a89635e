/** A flood of forged datagrams is opened no further than it is worth, and costs members nothing. */
import { beforeEach, expect, it } from 'vitest';
import { PacketSources } from '../../../core/node/packet-sources.ts';

let sources: PacketSources;
beforeEach(() => {
  sources = new PacketSources();
});

/** How many of so many packets, which nobody sealed, are opened. */
function opened(count: number, source: (index: number) => string, nowMs: number): number {
  let openedCount = 0;
  for (let index = 0; index < count; index++) {
    if (!sources.mayOpen(source(index), nowMs)) continue;
    openedCount++;
    sources.bad(source(index), nowMs);
  }
  return openedCount;
}

it('opens a hundred a second of all strangers together, whatever addresses they use', () => {
  expect(opened(10_000, (index) => `10.0.0.1:${index}`, 0)).toBe(100);
  expect(opened(10_000, () => '10.0.0.1:5', 999)).toBe(0);
  expect(opened(10_000, () => '10.0.0.1:5', 1_000)).toBe(100);
});

it('opens those of a member during a flood, and those of a member at a new address after it', () => {
  sources.good('10.0.0.2:7', 0);
  opened(10_000, () => '10.0.0.1:5', 0);
  expect(sources.mayOpen('10.0.0.2:7', 0)).toBe(true);
  expect(sources.mayOpen('10.0.0.3:7', 0)).toBe(false);
  expect(sources.mayOpen('10.0.0.3:7', 1_000)).toBe(true);
  sources.good('10.0.0.3:7', 1_000);
  opened(10_000, () => '10.0.0.1:5', 1_000);
  expect(sources.mayOpen('10.0.0.3:7', 1_000)).toBe(true);
});

it('takes one whose address somebody else uses for a stranger, until it is heard again', () => {
  sources.good('10.0.0.2:7', 0);
  expect(opened(10_000, () => '10.0.0.2:7', 1)).toBe(501 + 100);
  expect(sources.mayOpen('10.0.0.2:7', 1)).toBe(false);
  expect(sources.mayOpen('10.0.0.2:7', 1_001)).toBe(true);
  sources.good('10.0.0.2:7', 1_001);
  expect(opened(100, () => '10.0.0.2:7', 1_001)).toBe(100);
});

it('forgets one that was silent for a minute', () => {
  sources.good('10.0.0.2:7', 0);
  opened(10_000, () => '10.0.0.1:5', 60_000);
  expect(sources.mayOpen('10.0.0.2:7', 60_000)).toBe(false);
});

it('remembers no more than so many', () => {
  for (let index = 0; index < 5_000; index++) sources.good(`10.0.0.1:${index}`, index);
  opened(200, () => '10.0.0.9:1', 5_000);
  const known = Array.from({ length: 5_000 }, (_, index) => sources.mayOpen(`10.0.0.1:${index}`, 5_000));
  expect(known.filter(Boolean)).toHaveLength(1_024);
  expect(known.lastIndexOf(true)).toBe(4_999);
});
