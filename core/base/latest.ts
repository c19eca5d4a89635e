/** Keeps the last answer, for as long as the same things are asked about: what takes milliseconds, and is asked for again and again. */
export class Latest<V> {
  #last: { readonly asked: readonly unknown[]; readonly answer: V } | null = null;

  /** `asked`: all that the answer depends on, the same when each of them is the same object. Whoever gets an answer leaves it as it is. */
  of(asked: readonly unknown[], reckon: () => V): V {
    const last = this.#last;
    const isSame =
      last !== null && last.asked.length === asked.length && last.asked.every((one, at) => one === asked[at]);
    if (isSame) return last.answer;
    const answer = reckon();
    this.#last = { asked, answer };
    return answer;
  }
}
