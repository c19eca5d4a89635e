/** What every PeerNetwork does, seen from its nodes, as tests that run on each implementation, without faults. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerNetwork } from '../../core/ports/peer-network.ts';
import { bodyOf, encodeCall, requestIdOf } from '../../core/wire/peer/frames.ts';

export interface NetworkUnderTest {
  /** A node begins, and all that are there learn where the others are. */
  join(id: number): Promise<PeerNetwork>;
  /** A node ends. */
  leave(id: number): Promise<void>;
  /** Lets time pass until this holds. */
  until(condition: () => boolean): Promise<void>;
  dispose(): Promise<void>;
}

interface Change {
  readonly peer: number;
  readonly up: boolean;
}

let subject: NetworkUnderTest;

const frameOf = (requestId: number, payload: Buffer | string = '') =>
  encodeCall(requestId, 1, Buffer.from(payload as string));

/** Bytes in which no two places look alike, so that a frame put together wrongly is seen. */
function patterned(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index + 4 <= length; index += 4)
    bytes.writeUInt32BE(Math.imul(index, 2_654_435_761) >>> 0, index);
  return bytes;
}

function changesOf(network: PeerNetwork): Change[] {
  const changes: Change[] = [];
  network.onChange((peer, up) => {
    expect(network.isUp(peer)).toBe(up);
    changes.push({ peer, up });
  });
  return changes;
}

async function pair(): Promise<[PeerNetwork, PeerNetwork]> {
  const left = await subject.join(1);
  const right = await subject.join(2);
  await subject.until(() => left.isUp(2) && right.isUp(1));
  return [left, right];
}

export function describePeerNetwork(name: string, open: () => NetworkUnderTest): void {
  describe(`a peer network ${name}`, () => {
    beforeEach(() => {
      subject = open();
    });
    afterEach(() => subject.dispose());

    it('takes no frame for a peer that was never up, or for the node itself', async () => {
      const [left] = await pair();
      for (const id of [1, 3]) {
        expect(left.isUp(id)).toBe(false);
        expect(left.send(id, frameOf(1))).toBe(false);
      }
    });

    it('tells every handler once that a peer is up, and then it is', async () => {
      const left = await subject.join(1);
      const first = changesOf(left);
      const second = changesOf(left);
      const right = await subject.join(2);
      const back = changesOf(right);
      await subject.until(() => left.isUp(2) && right.isUp(1));
      expect([first, second, back]).toEqual([
        [{ peer: 2, up: true }],
        [{ peer: 2, up: true }],
        [{ peer: 1, up: true }],
      ]);
    });

    it('brings frames of any size whole, with the id of their sender', async () => {
      const sizes = [0, 1, 100, 16_383, 16_384, 16_385, 65_536, 1024 * 1024, 16 * 1024 * 1024];
      const [left, right] = await pair();
      const found = new Map<number, { from: number; frame: Buffer }>();
      right.onFrame((from, frame) => found.set(requestIdOf(frame), { from, frame }));
      sizes.forEach((size, index) => {
        expect(left.send(2, frameOf(index, patterned(size)))).toBe(true);
      });
      await subject.until(() => found.size === sizes.length);
      sizes.forEach((size, index) => {
        const { from, frame } = found.get(index)!;
        expect(from).toBe(1);
        expect(frame.equals(frameOf(index, patterned(size)))).toBe(true);
      });
    });

    it('brings every frame of many, both ways, once', async () => {
      const networks = await pair();
      const numbers = Array.from({ length: 2_000 }, (_, index) => index);
      const seen: number[][] = [[], []];
      networks.forEach((network, index) => {
        network.onFrame((_, frame) => seen[index].push(requestIdOf(frame)));
      });
      for (const number of numbers) {
        const payload = Buffer.alloc(number % 300, number);
        expect(networks[0].send(2, frameOf(number, payload))).toBe(true);
        expect(networks[1].send(1, frameOf(number, payload))).toBe(true);
      }
      await subject.until(() => seen.every((list) => list.length >= numbers.length));
      for (const list of seen) expect(list.sort((a, b) => a - b)).toEqual(numbers);
    });

    it('keeps what nodes say to each other apart', async () => {
      const [left, right] = await pair();
      const third = await subject.join(3);
      await subject.until(() => third.isUp(1) && third.isUp(2) && left.isUp(3) && right.isUp(3));
      const seen: string[] = [];
      third.onFrame((from, frame) => seen.push(`${from}: ${bodyOf(frame).subarray(2)}`));
      right.onFrame((from) => seen.push(`${from}: astray`));
      left.send(3, frameOf(1, 'from left'));
      right.send(3, frameOf(1, 'from right'));
      await subject.until(() => seen.length === 2);
      expect(seen.sort()).toEqual(['1: from left', '2: from right']);
    });

    it('runs no handler while `send` runs', async () => {
      const [left, right] = await pair();
      let isSending = false;
      let count = 0;
      const receive = (back: PeerNetwork, to: number) => (_: number, frame: Buffer) => {
        expect(isSending).toBe(false);
        count++;
        if (count >= 10) return;
        isSending = true;
        back.send(to, frame);
        isSending = false;
      };
      left.onFrame(receive(left, 2));
      right.onFrame(receive(right, 1));
      left.send(2, frameOf(1));
      await subject.until(() => count === 10);
    });

    it('takes frames as soon as a peer is told to be up', async () => {
      const left = await subject.join(1);
      left.onChange((peer, up) => {
        if (up) expect(left.send(peer, frameOf(5))).toBe(true);
      });
      const right = await subject.join(2);
      const seen: number[] = [];
      right.onFrame((_, frame) => seen.push(requestIdOf(frame)));
      await subject.until(() => seen.length > 0);
      expect(seen).toEqual([5]);
    });

    it('hands frames to the handler that was given last', async () => {
      const [left, right] = await pair();
      const seen: string[] = [];
      right.onFrame(() => seen.push('first'));
      right.onFrame(() => seen.push('last'));
      left.send(2, frameOf(1));
      await subject.until(() => seen.length > 0);
      expect(seen).toEqual(['last']);
    });

    it('tells that a peer is down, takes nothing for it, and goes on when it is back', async () => {
      const left = await subject.join(1);
      const changes = changesOf(left);
      for (let round = 0; round < 3; round++) {
        const right = await subject.join(2);
        const seen: number[] = [];
        right.onFrame((_, frame) => seen.push(requestIdOf(frame)));
        await subject.until(() => left.isUp(2));
        expect(left.send(2, frameOf(round))).toBe(true);
        await subject.until(() => seen.length > 0);
        expect(seen).toEqual([round]);
        await subject.leave(2);
        await subject.until(() => !left.isUp(2));
        expect(left.send(2, frameOf(99))).toBe(false);
      }
      // Up and down by turns, and none told twice.
      expect(changes).toEqual(Array.from({ length: 6 }, (_, index) => ({ peer: 2, up: index % 2 === 0 })));
    });

    it('does nothing more for a node that has ended', async () => {
      const [left, right] = await pair();
      for (let count = 0; count < 50; count++) right.send(1, frameOf(count, Buffer.alloc(10_000)));
      await subject.leave(1);
      let calls = 0;
      left.onFrame(() => calls++);
      left.onChange(() => calls++);
      expect(left.isUp(2)).toBe(false);
      expect(left.send(2, frameOf(1))).toBe(false);
      await subject.until(() => !right.isUp(1));
      // The same name again: what the old one is asked for does not pass for the new one's.
      const again = await subject.join(1);
      await subject.until(() => again.isUp(2) && right.isUp(1));
      expect(left.isUp(2)).toBe(false);
      expect(left.send(2, frameOf(1))).toBe(false);
      expect(calls).toBe(0);
    });
  });
}
