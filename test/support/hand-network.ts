/** PeerNetwork moved by hand: what was sent lies in a list, and a test says what arrives and who is there. */
import type { PeerNetwork } from '../../core/ports/peer-network.ts';

export interface SentFrame {
  readonly to: number;
  readonly frame: Buffer;
}

export class HandNetwork implements PeerNetwork {
  readonly sent: SentFrame[] = [];
  readonly #down = new Set<number>();
  #onFrame: (from: number, frame: Buffer) => void = () => {};
  readonly #onChange: ((peer: number, up: boolean) => void)[] = [];
  /** Answers what is sent, within the call to `send`; null: nobody does. */
  answer: ((to: number, frame: Buffer) => Buffer | null) | null = null;

  send(to: number, frame: Buffer): boolean {
    if (this.#down.has(to)) return false;
    this.sent.push({ to, frame });
    const reply = this.answer?.(to, frame) ?? null;
    if (reply !== null) queueMicrotask(() => this.arrive(to, reply));
    return true;
  }

  isUp(peer: number): boolean {
    return !this.#down.has(peer);
  }

  onFrame(handler: (from: number, frame: Buffer) => void): void {
    this.#onFrame = handler;
  }

  onChange(handler: (peer: number, up: boolean) => void): void {
    this.#onChange.push(handler);
  }

  arrive(from: number, frame: Buffer): void {
    this.#onFrame(from, frame);
  }

  set(peer: number, up: boolean): void {
    if (up) this.#down.delete(peer);
    else this.#down.add(peer);
    for (const handler of this.#onChange) handler(peer, up);
  }
}
