/**
 * A node's side of its host, whoever that is: first the process that started it, and when that has gone without a word (a
 * crash, kill -9) the next one, which calls the node's peer port and has shown that it holds the cluster's secret. Between the
 * two the node goes on serving, for a bounded time; what a person should read is kept for the next host.
 */
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { FromNode, NodeChannel, ToNode } from './messages.ts';

/**
 * How long a node goes on without a host. Long enough for a person to start Coterie again; not for ever, because nobody sees
 * a node that nobody supervises, and it holds its folder.
 */
export const orphanLifeMs = 10 * 60_000;
const keptCountMax = 50;

/** What carries the messages of one host. */
export interface Carrier {
  send(message: FromNode): void;
  onMessage(handler: (message: unknown) => void): void;
  onClose(handler: () => void): void;
  close(): void;
}

export interface HostChannelEvents {
  /** A host took this node over: it has to be told everything. */
  adopted(): void;
  /** No host came in time. */
  abandoned(): void;
}

export class HostChannel implements NodeChannel<FromNode, ToNode> {
  readonly #timers: Timers;
  readonly #events: HostChannelEvents;
  /** Null while nobody is there. */
  #send: ((message: FromNode) => void) | null;
  #handler: (message: ToNode) => void = () => {};
  #kept: FromNode[] = [];
  #life: Cancellable | null = null;

  /** `parent`: the process that started this one. */
  constructor(
    components: { timers: Timers; parent: NodeChannel<FromNode, ToNode> },
    events: HostChannelEvents,
  ) {
    this.#timers = components.timers;
    this.#events = events;
    const { parent } = components;
    this.#send = (message) => parent.send(message);
    parent.onMessage((message) => this.#handler(message));
  }

  get isAlone(): boolean {
    return this.#send === null;
  }

  send(message: FromNode): void {
    if (this.#send !== null) this.#send(message);
    else if (message.type === 'log' || message.type === 'noted') {
      this.#kept.push(message);
      if (this.#kept.length > keptCountMax) this.#kept.shift();
    }
  }

  onMessage(handler: (message: ToNode) => void): void {
    this.#handler = handler;
  }

  /** The host is gone. */
  lost(): void {
    this.#send = null;
    this.#life?.cancel();
    this.#life = this.#timers.after(orphanLifeMs, () => this.#events.abandoned());
  }

  /** The next host. Refused, by closing, while there is one. */
  adopt(carrier: Carrier): void {
    if (!this.isAlone) {
      carrier.close();
      return;
    }
    this.#life?.cancel();
    this.#send = (message) => carrier.send(message);
    carrier.onMessage((message) => this.#handler(message as ToNode));
    carrier.onClose(() => this.lost());
    this.#events.adopted();
    for (const message of this.#kept.splice(0)) carrier.send(message);
  }
}
