/**
 * The background worker: compares what has waited longest, a few partitions with one peer at a time, for ever. Every
 * replica does so, and each comparison counts for both sides. A person sees how long ago each part was compared.
 */
import type { Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Worker, WorkerProgress } from '../ports/worker.ts';
import type { BackgroundShare } from './background-share.ts';
import type { ComparisonTimes, Pairing } from './comparison-times.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';
import { addFigures, type ExchangeFigures, type ExchangeResult, newFigures } from './exchange-figures.ts';
import { Pace } from './pace.ts';

export interface AntiEntropyParts extends ExchangeParts {
  readonly timers: Timers;
  readonly log: Log;
  readonly times: ComparisonTimes;
  pairings(): readonly Pairing[];
  /** This node has yet to fetch the partition from that peer, and is not to be sent it twice. */
  isLacking(keyspace: number, partition: number, peer: number): boolean;
  /** This node and the peer have brought all that either held of these to the other. */
  compared(keyspace: number, peer: number, result: Pick<ExchangeResult, 'compared' | 'missCount'>): void;
  /** Clients come first. */
  isBusy(): boolean;
  readonly share: BackgroundShare;
}

export interface AntiEntropySettings {
  /** Between two looks for work. Shorter compares more often and costs more while nothing differs. */
  readonly tickMs: number;
  /** At a time. Each with another peer. */
  readonly exchangesMax: number;
  /** In one exchange. All 1,024 of a keyspace with one peer then take four exchanges, a minute at the default tick. */
  readonly partitionsPerExchange: number;
  /** An exchange begins no further partition after this long; the rest are the next one's. */
  readonly limitMs: number;
}

export const defaultAntiEntropySettings: AntiEntropySettings = {
  tickMs: 15_000,
  exchangesMax: 2,
  partitionsPerExchange: 256,
  limitMs: 10_000,
};

export interface AntiEntropyFigures {
  /** Since the node started, all exchanges led by this node together. */
  readonly totals: Readonly<ExchangeFigures>;
  readonly exchangeCount: number;
  readonly failedCount: number;
  /** Keys that were found to differ and could not be settled yet: about as many are held by too few replicas. */
  readonly unsettledKeys: number;
  /** Milliseconds since 1970, of what has waited longest; 0: some of it never yet; null: nothing is shared with anybody. */
  readonly oldestComparisonMs: number | null;
}

/** Where something differed, more is likely to: work goes on without waiting for the tick. */
const followUpMs = 100;
/** After a failure with a peer the other pairings come first for this long. */
const failurePauseMs = 60_000;

export class AntiEntropy implements Worker {
  readonly name = 'anti-entropy';
  readonly yields = true;
  readonly firstAfterMs: number;
  readonly #parts: AntiEntropyParts;
  readonly #settings: AntiEntropySettings;
  readonly #running = new Set<Pace>();
  readonly #failedMs = new Map<string, number>();
  readonly #unsettled = new Map<string, number>();
  readonly #totals = newFigures();
  #exchangeCount = 0;
  #failedCount = 0;
  #closed = false;

  constructor(parts: AntiEntropyParts, settings: AntiEntropySettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.firstAfterMs = settings.tickMs;
  }

  close(): void {
    this.#closed = true;
    for (const pace of this.#running) pace.cancel();
  }

  figures(): AntiEntropyFigures {
    const ages = this.#parts.pairings().map((pairing) => this.#parts.times.oldestMs(pairing));
    return {
      totals: { ...this.#totals },
      exchangeCount: this.#exchangeCount,
      failedCount: this.#failedCount,
      unsettledKeys: [...this.#unsettled.values()].reduce((sum, count) => sum + count, 0),
      oldestComparisonMs: ages.length === 0 ? null : Math.min(...ages),
    };
  }

  progress(): WorkerProgress {
    return { doneCount: this.#exchangeCount, partition: null, isBusy: this.#running.size > 0 };
  }

  /** Begins as many comparisons as may run at a time; each goes on by itself. */
  async step(): Promise<number> {
    if (!this.#closed) this.#startAll();
    return this.#settings.tickMs;
  }

  #startAll(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const isPaused = ({ keyspace, peer }: Pairing) =>
      nowMs - (this.#failedMs.get(`${keyspace}:${peer}`) ?? Number.NEGATIVE_INFINITY) < failurePauseMs;
    const waiting = this.#parts
      .pairings()
      .filter(({ peer }) => this.#parts.peers.isUp(peer))
      .map((pairing) => ({
        pairing,
        oldestMs: this.#parts.times.oldestMs(pairing),
        paused: isPaused(pairing),
      }))
      .sort((a, b) => Number(a.paused) - Number(b.paused) || a.oldestMs - b.oldestMs);
    for (const { pairing } of waiting) {
      if (this.#running.size >= this.#settings.exchangesMax) return;
      if (!this.#parts.claims.isLedWith(pairing.peer)) this.#start(pairing);
    }
  }

  #start(pairing: Pairing): void {
    const { keyspace, peer } = pairing;
    const { partitionsPerExchange, limitMs } = this.#settings;
    const isWhole = (partition: number) => !this.#parts.isLacking(keyspace, partition, peer);
    const own = { ...pairing, partitions: pairing.partitions.filter(isWhole) };
    const partitions = this.#parts.times.oldest(own, partitionsPerExchange);
    if (partitions.length === 0) return;
    const pace = new Pace(this.#parts.timers, () => this.#parts.isBusy(), this.#parts.share);
    this.#running.add(pace);
    const exchange = new Exchange(this.#parts, { keyspace, partitions, peer, dryRun: false, limitMs }, pace);
    void exchange.run().then((result) => {
      this.#running.delete(pace);
      if (this.#closed) return;
      this.#ended(pairing, result);
      if (result.reason === null && result.differing.length > 0) this.#followUp();
    });
  }

  #followUp(): void {
    this.#parts.timers.after(followUpMs, () => {
      if (!this.#closed && !this.#parts.isBusy()) this.#startAll();
    });
  }

  #ended({ keyspace, peer }: Pairing, result: ExchangeResult): void {
    const { figures, reason } = result;
    const name = `${keyspace}:${peer}`;
    this.#exchangeCount++;
    addFigures(this.#totals, figures);
    this.#parts.compared(keyspace, peer, result);
    if (reason === null) {
      this.#failedMs.delete(name);
      this.#unsettled.delete(name);
    } else if (reason.code !== 'busy') {
      this.#failedCount++;
      this.#failedMs.set(name, this.#parts.clock.monotonicMs());
      this.#unsettled.set(name, unsettledOf(figures));
      this.#parts.log.info('A comparison with another replica was broken off; it is made again later.', {
        keyspace,
        peer: peer.toString(16),
        cause: reason.message,
      });
    }
  }
}

function unsettledOf({ keysDiffering, recordsSent, recordsReceived }: ExchangeFigures): number {
  return Math.max(0, keysDiffering - recordsSent - recordsReceived);
}
