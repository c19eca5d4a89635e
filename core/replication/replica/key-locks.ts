/**
 * Keys whose changes have to wait: for a record that comes from disk, or until several keys can be changed at one moment. Whoever
 * comes meanwhile has its turn in the order of the calls.
 */
import { CoterieError } from '../../base/errors.ts';
import type { KeyAddress } from '../../base/token.ts';

/** True: it is over within the call. Otherwise it goes on later, and frees the key then. */
export type Turn = (lock: Lock) => boolean;

/** Changes of one key that wait for it. */
const waitingCountMax = 10_000;
/** Those that have run leave the queue so many at a time: one by one would move all the others each time. */
const ranCountMax = 1_024;

export class Lock {
  readonly name: string;
  readonly address: KeyAddress;
  #queue: Turn[] = [];
  /** So many of the queue have run. */
  #ranCount = 0;

  constructor(name: string, address: KeyAddress) {
    this.name = name;
    this.address = address;
  }

  /** Why nobody more may wait; null: somebody may. */
  get refusal(): CoterieError | null {
    if (this.#queue.length - this.#ranCount < waitingCountMax) return null;
    return new CoterieError('busy', 'Too many writes wait for this key. Try again in a moment.');
  }

  wait(turn: Turn): void {
    this.#queue.push(turn);
  }

  next(): Turn | undefined {
    const turn = this.#queue[this.#ranCount];
    if (turn === undefined) return undefined;
    if (++this.#ranCount === ranCountMax) {
      this.#queue.splice(0, ranCountMax);
      this.#ranCount = 0;
    }
    return turn;
  }
}

export class KeyLocks {
  readonly #locks = new Map<string, Lock>();

  of(address: KeyAddress): Lock | undefined {
    return this.#locks.size === 0 ? undefined : this.#locks.get(nameOf(address));
  }

  /** A key that nobody has. */
  take(address: KeyAddress): Lock {
    const lock = new Lock(nameOf(address), address);
    this.#locks.set(lock.name, lock);
    return lock;
  }

  held(): KeyAddress[] {
    return [...this.#locks.values()].map(({ address }) => address);
  }

  /**
   * Those who wait have their turns; then the key is nobody's. It stays locked until nobody waits: what somebody asks for meanwhile goes
   * behind the others. (To ask anew for each that waits moves all behind it for each record that does not stay in memory: half a
   * minute for ten thousand.)
   */
  free(lock: Lock): void {
    for (let turn = lock.next(); turn !== undefined; turn = lock.next()) {
      try {
        if (!turn(lock)) return;
      } catch (cause) {
        // A mistake of one handler's must not lock the key for ever.
        this.free(lock);
        throw cause;
      }
    }
    this.#locks.delete(lock.name);
  }

  /** `then` runs once it has all of the keys, and frees them with `free`; with an error it has none. */
  holdAll(
    addresses: readonly KeyAddress[],
    then: (refusal: CoterieError | null, free: () => void) => void,
  ): void {
    // One order for all: of two that want the same keys one has them all first.
    const inOrder = [...addresses].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const held: Lock[] = [];
    /** Whose queue this is being called from: that goes on by itself, or one call would lie within the other for all who wait. */
    let calledFrom: Lock | null = null;
    let isOver = false;
    const free = (): void => {
      isOver = true;
      for (const lock of held) if (lock !== calledFrom) this.free(lock);
    };
    const holdNext = (): void => {
      if (held.length === inOrder.length) {
        then(null, free);
        return;
      }
      const address = inOrder[held.length];
      const taken = this.of(address);
      if (taken === undefined) {
        held.push(this.take(address));
        holdNext();
        return;
      }
      const { refusal } = taken;
      if (refusal !== null) {
        then(refusal, () => {});
        free();
        return;
      }
      taken.wait((lock) => {
        held.push(lock);
        calledFrom = lock;
        holdNext();
        calledFrom = null;
        return isOver;
      });
    };
    holdNext();
  }
}

function nameOf(address: KeyAddress): string {
  return `${address.keyspace}:${address.key.toString('latin1')}`;
}
