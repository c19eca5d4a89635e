/** A map from numbers to numbers in typed arrays: open addressing, linear probing, deletion by shifting back. */
const empty = -1;

export class SlotTable {
  #keys = new Int32Array(1024).fill(empty);
  #values = new Int32Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#keys.byteLength * 2;
  }

  /** -1 when it is not there. */
  get(key: number): number {
    const mask = this.#keys.length - 1;
    for (let at = homeOf(key, mask); ; at = (at + 1) & mask) {
      const found = this.#keys[at];
      if (found === key) return this.#values[at];
      if (found === empty) return -1;
    }
  }

  set(key: number, value: number): void {
    if (this.#count * 2 >= this.#keys.length) this.#grow();
    const mask = this.#keys.length - 1;
    let at = homeOf(key, mask);
    while (this.#keys[at] !== empty && this.#keys[at] !== key) at = (at + 1) & mask;
    if (this.#keys[at] === empty) this.#count++;
    this.#keys[at] = key;
    this.#values[at] = value;
  }

  delete(key: number): void {
    const mask = this.#keys.length - 1;
    let hole = homeOf(key, mask);
    while (this.#keys[hole] !== key) {
      if (this.#keys[hole] === empty) return;
      hole = (hole + 1) & mask;
    }
    this.#count--;
    // Entries that had to step over this one move back, so that a search never ends too early.
    for (let at = (hole + 1) & mask; this.#keys[at] !== empty; at = (at + 1) & mask) {
      const home = homeOf(this.#keys[at], mask);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[at];
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#keys[hole] = empty;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(keys.length * 2).fill(empty);
    this.#values = new Int32Array(keys.length * 2);
    this.#count = 0;
    for (let at = 0; at < keys.length; at++) if (keys[at] !== empty) this.set(keys[at], values[at]);
  }
}

function homeOf(key: number, mask: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 7) & mask;
}
