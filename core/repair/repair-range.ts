/**
 * One repair as a person or a job asks for it: this replica against some peers over some partitions, now. A second round
 * brings what later peers knew to the earlier ones.
 */
import { CoterieError } from '../base/errors.ts';
import type { AntiEntropyParts } from './anti-entropy.ts';
import type { Pairing } from './comparison-times.ts';
import { Exchange } from './exchange.ts';
import { addFigures, type ExchangeFigures, newFigures } from './exchange-figures.ts';
import { Pace } from './pace.ts';

export interface RangeRequest {
  readonly keyspace: number;
  readonly partitions: readonly number[];
  readonly peers: readonly number[];
  /** Counts differences and changes nothing. */
  readonly dryRun: boolean;
}

export interface RangeOutcome {
  /** `keysDiffering` counts each key once, however many replicas differ in it. */
  readonly figures: ExchangeFigures;
  /** Partitions of which this node and none of the peers are replicas: somebody else has to compare them. */
  readonly skipped: readonly number[];
}

export interface RangeRepair {
  cancel(): void;
  pause(): void;
  resume(): void;
}

/** How long a peer may be busy with others, and trees may take to be built, without anything being compared. */
const patienceMs = 60_000;
/** Trees that are being built are ready soon; a peer that is busy with others may take longer. */
const retryMinMs = 10;
const retryMaxMs = 500;
/** Beyond this many, keys in which replicas differ are counted once for each peer. */
const distinctMax = 200_000;

export function repairRange(
  parts: AntiEntropyParts,
  request: RangeRequest,
  onProgress: (figures: ExchangeFigures) => void,
  done: (error: CoterieError | null, outcome: RangeOutcome) => void,
): RangeRepair {
  const pace = new Pace(parts.timers, () => parts.isBusy());
  const repair = new RangeRun(parts, request, pace, onProgress);
  void repair.run().then((error) => done(error, repair.outcome));
  return { cancel: () => pace.cancel(), pause: () => pace.pause(), resume: () => pace.resume() };
}

class RangeRun {
  readonly #parts: AntiEntropyParts;
  readonly #request: RangeRequest;
  readonly #pace: Pace;
  readonly #onProgress: (figures: ExchangeFigures) => void;
  readonly #figures = newFigures();
  readonly #positions = new Set<number>();
  #countedTwice = 0;
  #skipped: readonly number[] = [];

  constructor(
    parts: AntiEntropyParts,
    request: RangeRequest,
    pace: Pace,
    onProgress: (figures: ExchangeFigures) => void,
  ) {
    this.#parts = parts;
    this.#request = request;
    this.#pace = pace;
    this.#onProgress = onProgress;
  }

  get outcome(): RangeOutcome {
    return { figures: { ...this.#figures }, skipped: this.#skipped };
  }

  async run(): Promise<CoterieError | null> {
    const { keyspace, peers, partitions, dryRun } = this.#request;
    const wanted = new Set(partitions);
    const pairings = this.#parts
      .pairings()
      .filter((pairing) => pairing.keyspace === keyspace && peers.includes(pairing.peer))
      .map((pairing) => ({ ...pairing, partitions: pairing.partitions.filter((one) => wanted.has(one)) }))
      .filter((pairing) => pairing.partitions.length > 0);
    const covered = new Set(pairings.flatMap((pairing) => pairing.partitions));
    this.#skipped = partitions.filter((partition) => !covered.has(partition));
    const differing = new Set<number>();
    for (const pairing of pairings) {
      const error = await this.#bring(pairing, true, differing);
      if (error !== null) return error;
    }
    if (dryRun) return null;
    for (const pairing of pairings.slice(0, -1)) {
      const again = { ...pairing, partitions: pairing.partitions.filter((one) => differing.has(one)) };
      const error = await this.#bring(again, false, differing);
      if (error !== null) return error;
    }
    return null;
  }

  /** Exchanges with one peer until all partitions are compared, waiting for it while it is busy. */
  async #bring(pairing: Pairing, counts: boolean, differing: Set<number>): Promise<CoterieError | null> {
    const { clock } = this.#parts;
    const { keyspace, peer } = pairing;
    let open = pairing.partitions;
    let movedMs = clock.monotonicMs();
    let retryMs = retryMinMs;
    while (open.length > 0) {
      const request = {
        keyspace,
        partitions: open,
        peer,
        dryRun: this.#request.dryRun,
        limitMs: patienceMs,
        onDifference: (position: number) => counts && this.#distinct(position),
      };
      const result = await new Exchange(this.#parts, request, this.#pace).run();
      this.#add(result.figures);
      for (const partition of result.differing) differing.add(partition);
      if (!this.#request.dryRun) this.#parts.compared(keyspace, peer, result);
      this.#onProgress(this.outcome.figures);
      const { reason, compared } = result;
      if (reason !== null && reason.code !== 'busy') return reason;
      if (this.#pace.isCancelled) return new CoterieError('unavailable', 'The comparison was stopped.');
      const isCompared = new Set(compared);
      open = open.filter((partition) => !isCompared.has(partition));
      if (open.length === 0) return null;
      if (compared.length > 0) {
        movedMs = clock.monotonicMs();
        retryMs = retryMinMs;
      } else if (clock.monotonicMs() - movedMs > patienceMs) {
        return reason ?? new CoterieError('not-ready', 'The trees of a replica were not built in time.');
      }
      await this.#pace.sleep(retryMs);
      retryMs = Math.min(retryMaxMs, retryMs * 2);
    }
    return null;
  }

  #distinct(position: number): void {
    if (this.#positions.size < distinctMax) this.#positions.add(position);
    else if (!this.#positions.has(position)) this.#countedTwice++;
  }

  #add(figures: ExchangeFigures): void {
    addFigures(this.#figures, figures);
    this.#figures.keysDiffering = this.#positions.size + this.#countedTwice;
  }
}
