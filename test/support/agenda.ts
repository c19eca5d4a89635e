/** What is planned, in the order in which it falls due; of one moment, in the order in which it was planned. A binary heap. */
export interface Planned {
  readonly atMs: number;
  readonly order: number;
}

export class Agenda<P extends Planned> {
  readonly #heap: P[] = [];

  get count(): number {
    return this.#heap.length;
  }

  /** The next one; undefined when nothing is planned. */
  get first(): P | undefined {
    return this.#heap[0];
  }

  add(planned: P): void {
    const heap = this.#heap;
    let index = heap.push(planned) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(planned, heap[parent])) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = planned;
  }

  take(): P | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(left: Planned, right: Planned): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
