/**
 * Who tells of a key that expires when the node that took its write is gone by then: that node tells the others of its alarm, each replica
 * of the key keeps a copy, and is told again once the expiry has been told. Where that does not come, the first replica that can be
 * reached tells of it two seconds after the time, the next one two seconds later, and so on. So each is told once; twice only if
 * the word of it takes longer than that, and not at all if all that have the alarm are gone, or have too many others.
 */
import { addressOf, type KeyAddress, slotOf } from '../../../base/token.ts';
import type { Clock, Timers } from '../../../ports/clock.ts';
import type { KeyValueStore, SlotRange } from '../../../ports/key-value-store.ts';
import { type Alarm, ExpiryAlarms } from './expiry-alarms.ts';
import type { Publishing } from './publishing.ts';

/** From one replica's turn to the next one's. Longer than a lost node is taken for one that is there. */
const turnMs = 2_000;
/** Who replicates what is looked up this often at most: it is long. */
const rangesMsMax = 1_000;

interface Components {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly publishing: Publishing;
  /** The alarms of this node's own clients. */
  readonly own: ExpiryAlarms;
  /** Its time has come: tells of it, if it is so. */
  readonly tell: (alarm: Alarm) => void;
}

export class ExpiryStandby {
  readonly #parts: Components;
  readonly #copies: ExpiryAlarms;
  #known: { keyspace: number; untilMs: number; ranges: readonly SlotRange[] } | null = null;

  constructor(components: Components) {
    this.#parts = components;
    this.#copies = new ExpiryAlarms(components, (alarm) => this.#due(alarm));
    components.publishing.onNote((kind, key, facts) => {
      const [keyspace, expiresAtMs] = facts.toString('latin1').split(' ').map(Number);
      if (!Number.isSafeInteger(keyspace) || !Number.isSafeInteger(expiresAtMs)) return;
      const alarm = { address: addressOf(keyspace, Buffer.from(key)), expiresAtMs };
      if (kind === 'expired') this.#forget(alarm);
      else this.#keep(alarm);
    });
  }

  /** This node has an alarm. */
  announce(alarm: Alarm): void {
    this.#note('expires', alarm);
  }

  /** This node has told of an expiry. */
  told(alarm: Alarm): void {
    this.#forget(alarm);
    this.#note('expired', alarm);
  }

  #note(kind: 'expires' | 'expired', { address, expiresAtMs }: Alarm): void {
    this.#parts.publishing.note(kind, address.key, Buffer.from(`${address.keyspace} ${expiresAtMs}`));
  }

  #keep(alarm: Alarm): void {
    if (!this.#isReplicaOf(alarm.address)) return;
    // Whoever wrote last has the alarm; ours, of a write before, would find that it is not so.
    this.#copies.set({ ...alarm, ringsAtMs: alarm.expiresAtMs + turnMs });
  }

  #forget(alarm: Alarm): void {
    this.#copies.cancel(alarm.address, alarm.expiresAtMs);
    this.#parts.own.cancel(alarm.address, alarm.expiresAtMs);
  }

  #due(alarm: Alarm): void {
    const { address, expiresAtMs, ringsAtMs } = alarm;
    const turn = this.#turnOf(address);
    if (turn < 0) return;
    const ownMs = expiresAtMs + (turn + 1) * turnMs;
    if (ringsAtMs! >= ownMs) this.#parts.tell(alarm);
    else this.#copies.set({ ...alarm, ringsAtMs: ownMs });
  }

  #isReplicaOf(address: KeyAddress): boolean {
    try {
      return this.#parts.store.coordinatorOf(address, 'read') === null;
    } catch {
      // A keyspace that is not there, or no more.
      return false;
    }
  }

  /** Replicas before this one that can be reached; negative: this is none. */
  #turnOf({ keyspace, key }: KeyAddress): number {
    const { store, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#known?.keyspace !== keyspace || this.#known.untilMs <= nowMs) {
      const isThere = store.keyspaces().some(({ id }) => id === keyspace);
      const ranges = isThere ? store.slots(keyspace) : [];
      this.#known = { keyspace, untilMs: nowMs + rangesMsMax, ranges };
    }
    const slot = slotOf(key);
    const range = this.#known.ranges.find(({ lastSlot }) => slot <= lastSlot);
    const { nodeId: selfId } = store.self;
    const ids = range?.nodes.flatMap(({ nodeId, up }) => (up || nodeId === selfId ? [nodeId] : [])) ?? [];
    if (!ids.includes(selfId)) return -1;
    // By number: in which order they are asked differs from one data center to the next.
    return ids.filter((nodeId) => nodeId < selfId).length;
  }
}
