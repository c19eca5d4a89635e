/** What all Datagrams do while the network loses nothing, as tests that run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Datagrams } from '../../core/ports/datagrams.ts';

export interface DatagramsUnderTest {
  /** A node begins, and all that are there learn where the others are. */
  join(id: number): Promise<Datagrams>;
  leave(id: number): Promise<void>;
  /** Lets time pass until this holds, doing `meanwhile` again and again: a packet may be lost. */
  until(condition: () => boolean, meanwhile?: () => void): Promise<void>;
  dispose(): Promise<void>;
}

let subject: DatagramsUnderTest;

/** What a membership packet may be, and less. */
const sizes = [0, 1, 100, 1_400];
const packet = (number: number, size: number) => Buffer.alloc(size, number + 1);

function received(node: Datagrams): Buffer[] {
  const packets: Buffer[] = [];
  node.onDatagram((bytes) => packets.push(Buffer.from(bytes)));
  return packets;
}

export function describeDatagrams(name: string, open: () => DatagramsUnderTest): void {
  describe(`datagrams ${name}`, () => {
    beforeEach(() => {
      subject = open();
    });
    afterEach(() => subject.dispose());

    it('arrive whole at the node that they were sent to, and at no other', async () => {
      const sender = await subject.join(1);
      const packets = received(await subject.join(2));
      const astray = received(await subject.join(3));
      const sent = sizes.map((size, number) => packet(number, size));
      const has = (wanted: Buffer) => packets.some((found) => found.equals(wanted));
      await subject.until(
        () => sent.every(has),
        () => {
          for (const bytes of sent) sender.send(2, bytes);
        },
      );
      for (const found of packets) expect(sent.some((bytes) => bytes.equals(found))).toBe(true);
      expect(astray).toEqual([]);
    });

    it('reach every handler', async () => {
      const sender = await subject.join(1);
      const receiver = await subject.join(2);
      const seen = [received(receiver), received(receiver)];
      await subject.until(
        () => seen.every((packets) => packets.length > 0),
        () => sender.send(2, packet(1, 10)),
      );
    });

    it('are handled in a later turn than that which sends them', async () => {
      const node = await subject.join(1);
      const other = await subject.join(2);
      let isSending = false;
      let count = 0;
      other.onDatagram(() => {
        expect(isSending).toBe(false);
        count++;
      });
      await subject.until(
        () => count > 0,
        () => {
          isSending = true;
          node.send(2, packet(1, 10));
          isSending = false;
        },
      );
    });

    it('are dropped in silence for nodes that are unknown or gone, or when too large for any network', async () => {
      const sender = await subject.join(1);
      const packets = received(await subject.join(2));
      await subject.join(3);
      await subject.leave(3);
      await subject.until(
        () => packets.length > 3,
        () => {
          for (const id of [3, 4]) sender.send(id, packet(7, 100));
          sender.send(2, packet(8, 70_000));
          sender.send(2, packet(1, 10));
        },
      );
      expect(packets.every((bytes) => bytes.equals(packet(1, 10)))).toBe(true);
    });

    it('neither leave nor reach a node that has ended, and it may be ended twice', async () => {
      const sender = await subject.join(1);
      const receiver = await subject.join(2);
      const packets = received(receiver);
      for (let count = 0; count < 20; count++) sender.send(2, packet(1, 100));
      await subject.leave(2);
      await subject.leave(2);
      const countBefore = packets.length;
      receiver.send(1, packet(1, 100));
      const again = received(await subject.join(2));
      await subject.until(
        () => again.length > 0,
        () => sender.send(2, packet(2, 10)),
      );
      expect(packets.length).toBe(countBefore);
    });
  });
}
