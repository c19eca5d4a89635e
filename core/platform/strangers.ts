/**
 * Connections to the peer port that have not shown yet that they are a node's. Anybody who reaches the port can make them,
 * so they are few, the oldest goes first, and what is said of them in the log is bounded too: a flood costs neither
 * memory nor the log, and a node that calls meanwhile is through within milliseconds.
 */
import type { Socket } from 'node:net';
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** A greeting takes milliseconds. Larger: more strangers hold a descriptor; smaller: a storm of them crowds out real callers. */
const strangerCountMax = 128;
/** Refusals are told at most once in this time, with their number. */
const tellEveryMs = 10_000;

export class Strangers {
  readonly #timers: Timers;
  readonly #log: Log;
  /** In the order of their coming. */
  readonly #sockets = new Set<Socket>();
  #untold = 0;
  #last: { caller: string | null; cause: string } | null = null;
  #quiet: Cancellable | null = null;

  constructor(components: { timers: Timers; log: Log }) {
    this.#timers = components.timers;
    this.#log = components.log;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size <= strangerCountMax) return;
    const [oldest] = this.#sockets;
    this.#sockets.delete(oldest);
    oldest.destroy();
  }

  /** It has shown who it is. */
  remove(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  /** `dialled`: the node that was expected where this side called; null for whoever called here. */
  refused(dialled: string | null, cause: string): void {
    this.#untold++;
    this.#last = { caller: dialled, cause };
    if (this.#quiet === null) this.#tell();
  }

  close(): void {
    this.#quiet?.cancel();
  }

  #tell(): void {
    this.#quiet = null;
    if (this.#last === null) return;
    const { caller, cause } = this.#last;
    const message =
      caller === null
        ? 'Somebody called the port for nodes and was not let in.'
        : `What listens at the address of ${caller} was not taken for it.`;
    this.#log.warn(message, { cause, count: this.#untold });
    this.#untold = 0;
    this.#last = null;
    this.#quiet = this.#timers.after(tellEveryMs, () => this.#tell());
  }
}
