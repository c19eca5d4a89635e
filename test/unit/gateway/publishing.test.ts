/** Publish and subscribe without sockets: who hears what, what is told of changes, and what is bounded. */
import { describe, expect, it } from 'vitest';
import { checkNotifications } from '../../../core/base/notifications.ts';
import { addressOf } from '../../../core/base/token.ts';
import { ClientSubscriptions, type Kind } from '../../../core/gateway/resp/pubsub/client-subscriptions.ts';
import { type Alarm, ExpiryAlarms } from '../../../core/gateway/resp/pubsub/expiry-alarms.ts';
import { eventsOf } from '../../../core/gateway/resp/pubsub/notifications.ts';
import { Publishing } from '../../../core/gateway/resp/pubsub/publishing.ts';
import type { Messages } from '../../../core/ports/messages.ts';
import type { RespProtocol } from '../../../core/wire/resp/encoder.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const bytes = (text: string) => Buffer.from(text);

class Listener {
  readonly heard: string[] = [];
  heldBytes = 0;
  mayHear = true;
  readonly subscriptions = new ClientSubscriptions((more) => {
    this.heldBytes += more;
  });
  readonly protocol: RespProtocol;

  constructor(protocol: RespProtocol = 2) {
    this.protocol = protocol;
  }

  hear(message: Buffer): void {
    this.heard.push(message.toString().replaceAll('\r\n', ' ').trim());
  }
}

/** Two nodes: what one tells the other hears. What a turn has no room for waits in `steps`. */
function twoNodes(steps: (() => void)[] = []): [Publishing, Publishing] {
  const turns = { take: (step: () => void) => void steps.push(step) };
  const handlers: ((message: Buffer) => void)[] = [];
  const messagesOf = (other: number): Messages => ({
    tellOthers: (message) => handlers[other]?.(message),
    onTold: (handler) => handlers.push(handler),
    droppedCount: 0,
  });
  return [new Publishing(messagesOf(1), turns), new Publishing(messagesOf(0), turns)];
}

describe('a message', () => {
  it('reaches who listens to its channel or to a pattern, here and elsewhere, in their protocol', () => {
    const [here, there] = twoNodes();
    const [named, pattern, far, shard] = [new Listener(), new Listener(3), new Listener(), new Listener()];
    here.subscribe(named, 'channel', bytes('news'));
    here.subscribe(pattern, 'pattern', bytes('n*'));
    there.subscribe(far, 'channel', bytes('news'));
    here.subscribe(shard, 'shard', bytes('news'));
    expect(here.publish('channel', bytes('news'), bytes('x'))).toBe(2);
    expect(named.heard).toEqual(['*3 $7 message $4 news $1 x']);
    expect(pattern.heard).toEqual(['>4 $8 pmessage $2 n* $4 news $1 x']);
    expect(far.heard).toEqual(named.heard);
    expect(shard.heard).toEqual([]);
    expect(there.publish('shard', bytes('news'), bytes('y'))).toBe(0);
    expect(shard.heard).toEqual(['*3 $8 smessage $4 news $1 y']);
  });

  it('is kept from who may not hear it any more', () => {
    const [here] = twoNodes();
    const listener = new Listener();
    here.subscribe(listener, 'channel', bytes('news'));
    listener.mayHear = false;
    expect(here.publish('channel', bytes('news'), bytes('x'))).toBe(0);
    expect(listener.heard).toEqual([]);
  });

  it('reaches nobody who has left, and nothing is held for them', () => {
    const [here] = twoNodes();
    const listener = new Listener();
    for (const kind of ['channel', 'pattern', 'shard'] as Kind[]) {
      for (const name of ['a', 'b', 'a']) here.subscribe(listener, kind, bytes(name));
    }
    expect(listener.subscriptions.toldCount('channel')).toBe(4);
    expect(listener.heldBytes).toBeGreaterThan(0);
    here.unsubscribe(listener, 'channel', bytes('a'));
    expect(here.namesOf('channel').map(String)).toEqual(['b']);
    here.leave(listener);
    expect(listener.heldBytes).toBe(0);
    expect(['channel', 'pattern', 'shard'].flatMap((kind) => here.namesOf(kind as Kind))).toEqual([]);
    expect(here.publish('channel', bytes('b'), bytes('x'))).toBe(0);
  });
});

describe('patterns', () => {
  it('are counted with the memory that they take, and all of it is given back', () => {
    const [here] = twoNodes();
    const listener = new Listener();
    // A mask of a kilobyte for each piece.
    here.subscribe(listener, 'pattern', bytes('?a*'.repeat(340)));
    expect(listener.heldBytes).toBeGreaterThan(340 * 1_024);
    here.subscribe(listener, 'pattern', bytes('__key*@0__:*'));
    here.leave(listener);
    expect(listener.heldBytes).toBe(0);
  });

  it('do not let a flood from another node hold up this one: it waits for turns, in order, and is bounded', () => {
    const steps: (() => void)[] = [];
    const [here, there] = twoNodes(steps);
    const listener = new Listener();
    there.subscribe(listener, 'channel', bytes('flood'));
    for (let index = 0; index < 150; index++) {
      there.subscribe(listener, 'pattern', bytes(`${'?a'.repeat(500)}${index}`));
    }
    const channel = bytes('x'.repeat(1_024));
    for (let index = 0; index < 100; index++) here.publish('channel', channel, bytes('x'));
    here.publish('channel', bytes('flood'), bytes('last'));
    expect(listener.heard).toEqual([]);
    let turns = 0;
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
      step();
      turns += 1;
    }
    expect(listener.heard).toEqual(['*3 $7 message $5 flood $4 last']);
    expect(turns).toBeGreaterThan(90);
    expect(here.publish('channel', bytes('flood'), bytes('at once'))).toBe(0);
    expect(listener.heard).toHaveLength(2);
    for (let index = 0; index < 40; index++) here.publish('channel', channel, Buffer.alloc(1_000_000));
    expect(there.droppedCount).toBeGreaterThan(20);
    expect(here.droppedCount).toBe(0);
  });

  it('are refused once all together would hold up the node with each message, however many clients share them', () => {
    const [here] = twoNodes();
    const listeners = Array.from({ length: 10 }, () => new Listener());
    const dear = (index: number) => bytes(`${'?a'.repeat(500)}${index}*`);
    const take = (from: number, to: number) => {
      for (let index = from; index < to; index++)
        here.subscribe(listeners[index % 10], 'pattern', dear(index));
    };
    expect(() => take(0, 2_000)).toThrow(/too many or too long patterns/);
    const count = here.namesOf('pattern').length;
    expect(count).toBeGreaterThan(500);
    expect(() => here.subscribe(listeners[9], 'pattern', dear(0))).not.toThrow();
    expect(() => here.subscribe(listeners[0], 'channel', bytes('news'))).not.toThrow();
    for (const listener of listeners) here.leave(listener);
    take(0, count);
    for (const listener of listeners) here.leave(listener);
    for (let index = 0; index < 10_000; index++)
      here.subscribe(listeners[0], 'pattern', bytes(`user:${index}:*`));
  });
});

describe('what is told of a write', () => {
  const put = (expiresAtMs = 0) => ({ kind: 'put', value: bytes(''), expiresAtMs }) as const;
  const names = (command: string, mutation: Parameters<typeof eventsOf>[1], keepsExpiry: boolean) =>
    eventsOf(command, mutation, keepsExpiry)
      .map(({ name, eventClass }) => `${eventClass} ${name}`)
      .join(', ');

  // As Redis 7.0.15 tells it with notify-keyspace-events KEA.
  it.each([
    ['set', put(), '$ set'],
    ['setex', put(5), '$ set, g expire'],
    ['ct.put', put(), '$ set'],
    ['append', put(5), '$ append'],
    ['decr', put(), '$ incrby'],
    ['decrby', put(), '$ incrby'],
    ['expire', put(5), 'g expire'],
    ['expire', { kind: 'delete' } as const, 'g del'],
    ['persist', put(), 'g persist'],
    ['getex', put(), 'g persist'],
    ['getex', put(5), 'g expire'],
    ['getdel', { kind: 'delete' } as const, 'g del'],
    ['ct.store', put(5), 'g copy_to'],
    ['ct.rename', put(), ''],
    ['ct.renamed', { kind: 'delete' } as const, 'g rename_from'],
    ['del', { kind: 'delete' } as const, 'g del'],
    ['set', { kind: 'delete' } as const, '$ set, g expire, x expired'],
    ['psetex', { kind: 'delete' } as const, '$ set, g expire, x expired'],
    ['set', { kind: 'none' } as const, ''],
  ])('%s', (command, mutation, expected) => {
    expect(names(command, mutation, false)).toBe(expected);
  });

  it('has no expiry that was there before', () => {
    expect(names('set', put(5), true)).toBe('$ set');
    expect(names('expire', put(5), true)).toBe('g expire');
  });

  it('is asked for in letters that say something', () => {
    for (const letters of ['', 'KEA', 'Kx', 'E$g', 'AKE'])
      expect(() => checkNotifications(letters)).not.toThrow();
    for (const letters of ['K', 'A', 'gx', 'KEl', 'kea', 'KEA '.repeat(9)]) {
      expect(() => checkNotifications(letters), letters).toThrow(/such as KEA/);
    }
  });
});

describe('alarms of keys that expire', () => {
  const alarmAt = (expiresAtMs: number, key = 'k'): Alarm => ({
    address: addressOf(0, bytes(key)),
    expiresAtMs,
  });

  it('ring once their time has passed, each once, a bounded number at a time, and none beyond the bound', async () => {
    const time = new VirtualTime();
    const rung: number[] = [];
    const alarms = new ExpiryAlarms({ clock: time, timers: time }, ({ expiresAtMs }) =>
      rung.push(expiresAtMs),
    );
    const startMs = time.nowMs();
    alarms.set(alarmAt(startMs + 1_000));
    alarms.set(alarmAt(startMs + 250, 'other'));
    await time.advance(240);
    expect(rung).toEqual([]);
    await time.advance(300);
    expect(rung).toEqual([startMs + 250]);
    await time.advance(2_000);
    expect(rung).toEqual([startMs + 250, startMs + 1_000]);
    for (let index = 0; index < 100_500; index++) {
      alarms.set(alarmAt(time.nowMs() + 500, `key${index}`));
    }
    await time.advance(700);
    expect(rung.length).toBeLessThan(5_000);
    await time.advance(60_000);
    expect(rung.length).toBe(100_002);
  });

  it('are one for each key, whatever becomes of its expiry, so that one key does not take the room of others', async () => {
    const time = new VirtualTime();
    const rung: string[] = [];
    const alarms = new ExpiryAlarms({ clock: time, timers: time }, ({ address, expiresAtMs }) =>
      rung.push(`${address.key} ${expiresAtMs - startMs}`),
    );
    const startMs = time.nowMs();
    for (let index = 0; index < 100_500; index++) alarms.set(alarmAt(startMs + 86_400_000 + index));
    for (let index = 0; index < 1_000; index++) {
      alarms.set(alarmAt(startMs + 86_400_000, `deleted${index}`));
      alarms.cancel(alarmAt(0, `deleted${index}`).address);
    }
    alarms.set(alarmAt(startMs + 300, 'other'));
    alarms.set(alarmAt(startMs + 300));
    alarms.set(alarmAt(startMs + 300));
    await time.advance(1_000);
    expect(rung).toEqual(['other 300', 'k 300']);
    await time.advance(90_000_000);
    expect(rung).toHaveLength(2);
  });

  it('hold a bounded number of bytes of keys', async () => {
    const time = new VirtualTime();
    let rung = 0;
    const alarms = new ExpiryAlarms({ clock: time, timers: time }, () => rung++);
    const { address, expiresAtMs } = alarmAt(time.nowMs() + 100);
    for (let index = 0; index < 1_000; index++) {
      alarms.set({ address: { ...address, key: Buffer.alloc(60_000, `${index} `) }, expiresAtMs });
    }
    await time.advance(10_000);
    expect(rung).toBeGreaterThan(500);
    expect(rung).toBeLessThan(600);
  });
});
