/**
 * Choosing at random, with the source of randomness handed in: whom to probe next, whom to ask or tell.
 */
import type { Random } from '../ports/random.ts';

export type Chance = Pick<Random, 'next'>;

function shuffle(items: number[], from: number, chance: Chance): void {
  for (let index = items.length - 1; index > from; index--) {
    const other = from + Math.floor(chance.next() * (index - from + 1));
    const item = items[index];
    items[index] = items[other];
    items[other] = item;
  }
}

/** Up to `count` distinct items that `accept` takes. Reorders `items`, whose order must mean nothing. */
export function chooseSome(
  items: number[],
  count: number,
  chance: Chance,
  accept: (item: number) => boolean,
): number[] {
  const chosen: number[] = [];
  for (let index = 0; index < items.length && chosen.length < count; index++) {
    const other = index + Math.floor(chance.next() * (items.length - index));
    const item = items[other];
    items[other] = items[index];
    items[index] = item;
    if (accept(item)) chosen.push(item);
  }
  return chosen;
}

/**
 * Randomised round-robin (SWIM 4.3): every member is probed once per round, in an order that is shuffled each round, so
 * a failed member is probed by each node within 2n - 1 periods. New members take random places.
 */
export class ProbeOrder {
  #ids: number[] = [];
  #next = 0;

  set(ids: readonly number[], chance: Chance): void {
    const wanted = new Set(ids);
    const known = new Set(this.#ids);
    const done = this.#ids.slice(0, this.#next).filter((id) => wanted.has(id));
    const ahead = this.#ids.slice(this.#next).filter((id) => wanted.has(id));
    for (const id of ids) {
      if (!known.has(id)) ahead.splice(Math.floor(chance.next() * (ahead.length + 1)), 0, id);
    }
    this.#ids = [...done, ...ahead];
    this.#next = done.length;
  }

  /** The next acceptable one, or null when there is none in a whole round. */
  next(chance: Chance, accept: (id: number) => boolean): number | null {
    for (let looked = 0; looked < this.#ids.length; looked++) {
      if (this.#next >= this.#ids.length) {
        shuffle(this.#ids, 0, chance);
        this.#next = 0;
      }
      const id = this.#ids[this.#next++];
      if (accept(id)) return id;
    }
    return null;
  }
}
