/**
 * Keyspace notifications: what commands change, published as Redis does it, for keyspaces whose settings ask for it. Told by the node that
 * coordinated the write, to listeners at every node; where it is gone when a value expires, by another (expiry-standby.ts).
 */
import { type EventClass, tellsOf } from '../../../base/notifications.ts';
import type { Clock, Timers } from '../../../ports/clock.ts';
import type { KeyspaceView, KeyValueStore, Mutation } from '../../../ports/key-value-store.ts';
import type { Request } from '../request.ts';
import { type Alarm, ExpiryAlarms } from './expiry-alarms.ts';
import { ExpiryStandby } from './expiry-standby.ts';
import { channelBytesMax, type Publishing } from './publishing.ts';

/** Of a value that is put, by the command that puts it; all others tell `set`. */
const putEvents: Readonly<Record<string, string>> = {
  append: 'append',
  incr: 'incrby',
  incrby: 'incrby',
  decr: 'incrby',
  decrby: 'incrby',
  incrbyfloat: 'incrbyfloat',
  setrange: 'setrange',
  setbit: 'setbit',
  bitfield: 'setbit',
  expire: 'expire',
  pexpire: 'expire',
  expireat: 'expire',
  pexpireat: 'expire',
  persist: 'persist',
  'ct.store': 'copy_to',
};
const generic = new Set(['expire', 'persist', 'copy_to']);
const keepsTime = new Set(['append', 'incrby', 'incrbyfloat', 'setrange', 'setbit']);

interface Event {
  readonly name: string;
  readonly eventClass: EventClass;
}

/** A value whose time had passed when it came: Redis keeps it until somebody looks, and we never. */
const setPast: Event[] = [
  { name: 'set', eventClass: '$' },
  { name: 'expire', eventClass: 'g' },
  { name: 'expired', eventClass: 'x' },
];
const sets = new Set(['set', 'setex', 'psetex', 'ct.put']);

/** What is told of one write. `keepsExpiry`: what it replaces had the same. */
export function eventsOf(command: string, mutation: Mutation, keepsExpiry: boolean): readonly Event[] {
  // Of a new name the old one's node tells (`renamed`), in Redis' order.
  if (mutation.kind === 'none' || command === 'ct.rename') return [];
  if (mutation.kind === 'delete') {
    if (sets.has(command)) return setPast;
    return [{ name: command === 'ct.renamed' ? 'rename_from' : 'del', eventClass: 'g' }];
  }
  if (command === 'getex') {
    return [{ name: mutation.expiresAtMs === 0 ? 'persist' : 'expire', eventClass: 'g' }];
  }
  const name = putEvents[command] ?? 'set';
  const events: Event[] = [{ name, eventClass: generic.has(name) ? 'g' : '$' }];
  if (mutation.expiresAtMs !== 0 && !keepsExpiry && !keepsTime.has(name) && !generic.has(name)) {
    events.push({ name: 'expire', eventClass: 'g' });
  }
  return events;
}

interface Components {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly publishing: Publishing;
}

export class Notifications {
  private readonly store: KeyValueStore;
  private readonly publishing: Publishing;
  private readonly alarms: ExpiryAlarms;
  private readonly standby: ExpiryStandby;

  constructor({ store, clock, timers, publishing }: Components) {
    this.store = store;
    this.publishing = publishing;
    const tell = (alarm: Alarm): void => this.expired(alarm);
    this.alarms = new ExpiryAlarms({ clock, timers }, tell);
    this.standby = new ExpiryStandby({ store, clock, timers, publishing, own: this.alarms, tell });
  }

  /** A command has written; within a transaction it is told once that is done. */
  wrote(request: Request, mutation: Mutation, keepsExpiry: boolean): void {
    const { keyspace } = request.session;
    const letters = keyspace.notifications ?? '';
    if (letters === '' || request.isSilent) return;
    this.whenDone(request, () => this.told(request, keyspace, letters, { mutation, keepsExpiry }));
  }

  /** A key is under another name: told behind what was told of the old one. */
  renamed(request: Request, to: Buffer): void {
    const { keyspace } = request.session;
    const letters = keyspace.notifications ?? '';
    if (!tellsOf(letters, 'g')) return;
    this.whenDone(request, () => this.publish(keyspace, letters, 'rename_to', to));
  }

  private whenDone({ session: { afterwards } }: Request, tell: () => void): void {
    if (afterwards === null) tell();
    else afterwards.push(tell);
  }

  private told(
    request: Request,
    keyspace: KeyspaceView,
    letters: string,
    { mutation, keepsExpiry }: { mutation: Mutation; keepsExpiry: boolean },
  ): void {
    const address = request.address!;
    for (const { name, eventClass } of eventsOf(request.command!.name, mutation, keepsExpiry)) {
      if (tellsOf(letters, eventClass)) this.publish(keyspace, letters, name, address.key);
    }
    // The node that took the write that brought the expiry has its alarm; the other replicas, a copy of it.
    if (keepsExpiry || !tellsOf(letters, 'x')) return;
    if (mutation.kind === 'put' && mutation.expiresAtMs !== 0) {
      const alarm = {
        address: { ...address, key: Buffer.from(address.key) },
        expiresAtMs: mutation.expiresAtMs,
      };
      this.alarms.set(alarm);
      this.standby.announce(alarm);
    } else this.alarms.cancel(address);
  }

  /** Its time has come: told if it went by that time, and was neither replaced nor deleted before. */
  private expired(alarm: Alarm): void {
    const { address, expiresAtMs } = alarm;
    const keyspace = this.store.keyspaces().find(({ id }) => id === address.keyspace);
    const letters = keyspace?.notifications ?? '';
    if (keyspace === undefined || !tellsOf(letters, 'x')) return;
    this.store.read(address, { level: 'ONE' }, (error, result) => {
      if (error !== null || result!.siblings.length > 0 || result!.expiredAtMs() !== expiresAtMs) return;
      this.publish(keyspace, letters, 'expired', address.key);
      this.standby.told(alarm);
    });
  }

  private publish(keyspace: KeyspaceView, letters: string, event: string, key: Buffer): void {
    const database = keyspace.database ?? keyspace.name;
    const channel = Buffer.concat([Buffer.from(`__keyspace@${database}__:`), key]);
    // Each is held against every pattern: keys longer than names of channels are told of by event alone.
    if (letters.includes('K') && channel.length <= channelBytesMax) {
      this.publishing.publish('channel', channel, Buffer.from(event));
    }
    if (letters.includes('E')) {
      this.publishing.publish('channel', Buffer.from(`__keyevent@${database}__:${event}`), key);
    }
  }
}
