/**
 * The host's side of layouts, per node: whether to send the layout again to a node that says it has an older one. Each time
 * the wait doubles, so a node that cannot take it (a full disk) is asked for ever, and rarely. Pure: time is an argument.
 */

const againMinMs = 1_000;
const againMaxMs = 30_000;

export class LayoutDelivery {
  #version = 0;
  #sentCount = 0;
  #againAtMs = 0;

  /** The layout of this version was sent to the node now. */
  sent(version: number, nowMs: number): void {
    if (version !== this.#version) this.#sentCount = 0;
    this.#version = version;
    this.#againAtMs = nowMs + Math.min(againMaxMs, againMinMs * 2 ** this.#sentCount);
    this.#sentCount++;
  }

  /** The node says that it has `held`, of which the host has `wanted`: true when it should be sent now. */
  isDue(held: number, wanted: number, nowMs: number): boolean {
    if (held >= wanted) return false;
    return wanted !== this.#version || nowMs >= this.#againAtMs;
  }
}
