/**
 * Brings what this node lacks from everybody who may hold something of it, until all is there: after a loss, and when a layout makes
 * it a replica. It goes on with another peer while one is busy, and begins again with what is left wherever it was broken off.
 */
import { pause } from '../ports/pause.ts';
import type { AntiEntropyParts } from '../repair/anti-entropy.ts';
import { Exchange } from '../repair/exchange.ts';
import { addFigures, type ExchangeFigures, newFigures } from '../repair/exchange-figures.ts';
import type { Pace } from '../repair/pace.ts';
import { call } from '../replication/calls.ts';
import type { ReadEligibility, Wanted } from '../replication/replica/read-eligibility.ts';
import type { Requests } from '../replication/requests.ts';
import type { Topology } from '../replication/topology.ts';
import { calls } from '../wire/peer/calls.ts';
import { encodeLeftoverQuestion } from '../wire/peer/layout-versions.ts';
import { inBatches } from './fetch-order.ts';

interface Components {
  readonly repair: AntiEntropyParts;
  newPace(): Pace;
  readonly eligibility: ReadEligibility;
  readonly requests: Requests;
  readonly topology: () => Topology;
}

/** When nobody could give anything: peers that are busy are free again soon, those that are away may take longer. */
const retryMinMs = 20;
const retryMaxMs = 1_000;
/** Then what is left of a peer's partitions is begun anew. */
const fetchWithinMs = 60_000;

export class Rebuild {
  readonly #parts: Components;
  /** What it came to since the start. */
  readonly figures: ExchangeFigures = newFigures();
  #running: Promise<void> | null = null;
  #pace: Pace | null = null;
  #closed = false;

  constructor(components: Components) {
    this.#parts = components;
  }

  /** Resolves once nothing is lacking any more, or it was closed. */
  run(): Promise<void> {
    this.#running ??= this.#untilWhole().finally(() => {
      this.#running = null;
      // What went missing in the moment in which it ended.
      if (!this.#closed && !this.#parts.eligibility.isWhole) void this.run();
    });
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    this.#pace?.cancel();
  }

  async #untilWhole(): Promise<void> {
    const { eligibility, repair } = this.#parts;
    let retryMs = retryMinMs;
    while (!this.#closed && !eligibility.isWhole) {
      if (await this.#round()) retryMs = retryMinMs;
      else {
        await pause(repair.timers, retryMs);
        retryMs = Math.min(retryMaxMs, retryMs * 2);
      }
    }
  }

  /** Asks for all that is lacking, whom it can; whether anything was settled by that. */
  async #round(): Promise<boolean> {
    const { eligibility, repair, topology } = this.#parts;
    const open = inBatches(eligibility.wanted(), topology().self.id);
    let isMoving = false;
    // Asking a busy peer for the next partitions would be of no use either, until somebody else was asked meanwhile.
    const busy = new Set<number>();
    while (!this.#closed) {
      const at = open.findIndex(({ peer }) => !busy.has(peer) && repair.peers.isUp(peer));
      if (at < 0) return isMoving;
      const wanted = open[at];
      if (await this.#bring(wanted)) {
        isMoving = true;
        // From the first on again: what lacks only one peer becomes whole before anything is begun.
        open.splice(at, 1);
        busy.clear();
      } else busy.add(wanted.peer);
    }
    return isMoving;
  }

  async #bring({ keyspace, peer, partitions }: Wanted): Promise<boolean> {
    const { eligibility, topology } = this.#parts;
    const state = topology().keyspaces.get(keyspace);
    const isReplica = (partition: number) =>
      state?.replicas[partition].some(({ nodeId }) => nodeId === peer) ?? false;
    const open = partitions.filter((partition) => eligibility.causeOf(keyspace, partition) !== null);
    const shared = open.filter(isReplica);
    const former = open.filter((partition) => !isReplica(partition));
    const fetched = shared.length > 0 && (await this.#fetch(keyspace, peer, shared));
    const heard = former.length > 0 && (await this.#askLeftovers(keyspace, peer, former));
    return open.length === 0 || fetched || heard;
  }

  async #fetch(keyspace: number, peer: number, partitions: readonly number[]): Promise<boolean> {
    const { repair } = this.#parts;
    const pace = this.#parts.newPace();
    const request = { keyspace, partitions, peer, dryRun: false, isBulk: true, limitMs: fetchWithinMs };
    this.#pace = pace;
    const result = await new Exchange(repair, request, pace).run();
    this.#pace = null;
    addFigures(this.figures, result.figures);
    repair.compared(keyspace, peer, result);
    return result.compared.length > 0;
  }

  /** A node that was a replica before hands over what it has by itself; this only asks whether it is done. */
  async #askLeftovers(keyspace: number, peer: number, partitions: readonly number[]): Promise<boolean> {
    const { topology, requests, eligibility } = this.#parts;
    const { version } = topology().layout;
    const { missCount } = eligibility;
    const question = encodeLeftoverQuestion({ keyspace, partitions });
    const answer = await new Promise<Buffer | null>((resolve) =>
      call(requests, peer, calls.holdsNothing, question, (_, body) => resolve(body)),
    );
    if (answer === null || topology().layout.version !== version) return false;
    const handedOver = partitions.filter((_, index) => answer[index] === 1);
    for (const partition of handedOver) eligibility.compared(keyspace, partition, peer, missCount);
    return handedOver.length > 0;
  }
}
