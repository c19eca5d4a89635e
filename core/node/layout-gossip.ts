/**
 * Spreads the layouts and how far everybody is with them from node to node, so that no host has to see all nodes. A node tells its
 * peers at once what is new, and asks one of them now and then: whoever was away has it soon after it is back.
 */

import type { WorkerName } from '../base/background.ts';
import { toCoterieError } from '../base/errors.ts';
import { Latest } from '../base/latest.ts';
import { isAhead, type LayoutHistory, newestOf } from '../layout/history.ts';
import type { Log } from '../ports/log.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { Worker, WorkerProgress } from '../ports/worker.ts';
import { call } from '../replication/calls.ts';
import type { PeerService } from '../replication/replica/peer-service.ts';
import type { Requests } from '../replication/requests.ts';
import { type LayoutMark, layoutMarkOf } from '../wire/membership/packet-codec.ts';
import { calls } from '../wire/peer/calls.ts';
import { decodeNews, encodeNews, type LayoutNews } from '../wire/peer/layout-messages.ts';
import type { NodeLayouts } from './node-layouts.ts';

/** Between two questions to one peer, taken in turn: while data moves, and otherwise. */
const changingMs = 1_000;
const settledMs = 10_000;
/** Until a node that has not been heard since the start (first-words.ts) is asked again. */
const unheardMs = 100;

interface Components {
  readonly layouts: NodeLayouts;
  readonly network: PeerNetwork;
  readonly requests: Requests;
  readonly service: PeerService;
  readonly log: Log;
}

/** Packets carry the sender's newest layout, so that whoever was away or cut off hears of a change with the first of them. */
export interface LayoutWord {
  own(): LayoutMark;
  heard(from: number, mark: LayoutMark): void;
}

export class LayoutGossip implements Worker, LayoutWord {
  readonly name: WorkerName = 'layouts';
  readonly yields = false;
  readonly firstAfterMs = unheardMs;
  readonly #parts: Components;
  /** Peers with a question under way, and those to be told again after it. */
  readonly #asking = new Map<number, boolean>();
  readonly #marks = new Latest<LayoutMark>();
  #turn = 0;
  #askedCount = 0;

  constructor(parts: Components) {
    this.#parts = parts;
    parts.service.onCall(calls.layouts, (from, payload, reply) => {
      const news = this.#read(payload);
      reply(null, this.#answerTo(news));
      this.#take(from, news);
    });
    parts.network.onChange((peer, isUp) => {
      if (!isUp) return;
      this.#greet(peer);
      parts.layouts.look();
    });
  }

  /** To every peer that can be reached. */
  tell(): void {
    for (const id of this.#reached()) this.#ask(id);
  }

  /** Asks those to whom there were links before anybody listened here. */
  begin(): void {
    for (const id of this.#reached()) this.#greet(id);
  }

  async step(): Promise<number> {
    const { layouts } = this.#parts;
    // What this node owes others ends without a word.
    layouts.look();
    const peers = this.#reached();
    if (!layouts.knowsItself) {
      for (const id of peers) if (!layouts.firstWords.has(id) && !this.#asking.has(id)) this.#ask(id);
      return unheardMs;
    }
    if (peers.length > 0) this.#ask(peers[this.#turn++ % peers.length]);
    return layouts.topology.isChanging ? changingMs : settledMs;
  }

  /** What packets of membership say of the newest layout here. */
  own(): LayoutMark {
    const newest = newestOf(this.#parts.layouts.history);
    return this.#marks.of([newest.digest], () => layoutMarkOf(newest.layout.version, newest.digest));
  }

  /** A peer goes by another layout: whichever of the two is behind hears of the newer one. */
  heard(from: number, { version, high, low }: LayoutMark): void {
    const own = this.own();
    const isSame = version === own.version && high === own.high && low === own.low;
    if (version === 0 || isSame || this.#asking.has(from) || !this.#parts.network.isUp(from)) return;
    this.#ask(from);
  }

  progress(): WorkerProgress {
    return { doneCount: this.#askedCount, partition: null, isBusy: this.#asking.size > 0 };
  }

  #reached(): number[] {
    const { layouts, network } = this.#parts;
    return layouts.topology.peers.map(({ id }) => id).filter((id) => network.isUp(id));
  }

  #greet(peer: number): void {
    this.#parts.layouts.firstWords.linked(peer);
    this.#ask(peer);
  }

  #ask(peer: number): void {
    if (this.#asking.has(peer)) {
      this.#asking.set(peer, true);
      return;
    }
    this.#asking.set(peer, false);
    this.#askedCount++;
    const { layouts, log, requests } = this.#parts;
    call(requests, peer, calls.layouts, encodeNews(layouts.keptHistory, []), (error, body) => {
      const isAgain = this.#asking.get(peer) ?? false;
      this.#asking.delete(peer);
      if (error === null && body !== null) {
        try {
          this.#take(peer, this.#read(body));
        } catch (cause) {
          log.warn('A node answered with a layout that cannot be used.', {
            from: peer.toString(16),
            cause: toCoterieError(cause, 'bad-input').message,
          });
        }
      }
      if (isAgain) this.#ask(peer);
    });
  }

  #read(bytes: Buffer): LayoutNews {
    return decodeNews(bytes, this.#parts.layouts.history.live);
  }

  #answerTo(news: LayoutNews): Buffer {
    const { keptHistory: history } = this.#parts.layouts;
    const theirs = new Set(news.live);
    // One that is ahead of this node lacks nothing from here that still counts.
    const lacks = !isBehind(history, news) && history.live.some(({ digest }) => !theirs.has(digest));
    return encodeNews(history, lacks ? history.live : []);
  }

  #take(from: number, news: LayoutNews): void {
    const { layouts } = this.#parts;
    void layouts.learn(news.layouts, news.trackers);
    // One that is ahead has not said all: its layouts come with the answer.
    if (isBehind(layouts.history, news)) this.#ask(from);
    else layouts.firstWords.heard(from);
  }
}

/** Whether the other's newest layout is ahead of this view's. */
function isBehind(history: LayoutHistory, { newest: [version, digest] }: LayoutNews): boolean {
  const newest = newestOf(history);
  return isAhead({ layout: { ...newest.layout, version }, digest }, newest);
}
