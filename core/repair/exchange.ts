/**
 * Anti-entropy between this replica and one peer, over some partitions of a keyspace: roots of all in one message, then
 * down each pair of trees that differ, then the records' hashes of the leaves that differ, then those records. It may be
 * broken off at any step; what was settled by then stays settled, and the next exchange finds the rest.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { compareListings, Descent, type Differences, type PositionHash } from '../merkle/comparison.ts';
import type { RecordHash } from '../merkle/record-hash.ts';
import { type MerkleTree, offsetEnd } from '../merkle/tree.ts';
import type { Clock } from '../ports/clock.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import type { ReplicaPeers } from '../ports/replica-peer.ts';
import {
  decodeListing,
  decodeNodes,
  decodeRoots,
  encodeLeafRequest,
  encodeNodeRequest,
  encodePartitions,
  type LeafRequest,
  type Listing,
  leavesPerRequestMax,
  questionKind,
  type Root,
} from '../wire/peer/exchange-codec.ts';
import type { Claims } from './claims.ts';
import { type ExchangeRequest, type ExchangeResult, newFigures } from './exchange-figures.ts';
import { listLeaves } from './listing.ts';
import type { Pace } from './pace.ts';
import { newTransferFigures, settle, type TransferFigures } from './record-transfer.ts';
import { verifiedLeavesMax, verifyTree } from './tree-check.ts';
import type { TreeStore } from './tree-store.ts';

export interface ExchangeParts {
  readonly replica: LocalReplica;
  readonly peers: ReplicaPeers;
  readonly trees: TreeStore;
  readonly claims: Claims;
  readonly clock: Clock;
  /** The peer has lost what it held of a partition, and has not got it back yet. */
  onPeerLost(keyspace: number, partition: number, peer: number): void;
}

/** Partitions gone through at a time: their round trips overlap. */
const lanes = 4;
/** Until trees that are being built are asked for again. */
const buildPollMinMs = 2;
const buildPollMaxMs = 100;
/** A dry run looks twice, this far apart, so that writes on their way to the peer are not counted. */
const secondLookMs = 250;

export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #request: ExchangeRequest;
  readonly #pace: Pace;
  readonly figures = newFigures();
  readonly #compared: number[] = [];
  readonly #differing: number[] = [];
  #exchange = 0;
  #untilMs = 0;

  constructor(parts: ExchangeParts, request: ExchangeRequest, pace: Pace) {
    this.#parts = parts;
    this.#request = request;
    this.#pace = pace;
  }

  /** Never rejects: a peer that is down, busy or too slow ends the exchange with that reason. */
  async run(): Promise<ExchangeResult> {
    const { claims, clock } = this.#parts;
    const { peer, keyspace, dryRun, limitMs } = this.#request;
    const exchange = claims.lead(peer);
    if (exchange === null) {
      return this.#result(new CoterieError('busy', 'This replica is being compared with that one already.'));
    }
    this.#exchange = exchange;
    this.#untilMs = clock.monotonicMs() + limitMs;
    let reason: CoterieError | null = null;
    try {
      await this.#all();
    } catch (cause) {
      reason = toCoterieError(cause, 'unavailable');
    }
    claims.ended(peer);
    if (reason?.code !== 'busy') {
      const done = dryRun ? [] : this.#compared;
      const release = encodePartitions(questionKind.release, exchange, keyspace, done);
      await this.#ask(release).catch(() => {});
    }
    return this.#result(reason);
  }

  #result(reason: CoterieError | null): ExchangeResult {
    return { figures: this.figures, compared: this.#compared, differing: this.#differing, reason };
  }

  #ask(question: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#parts.peers.ask(this.#request.peer, question, (error, body) => {
        if (error === null) resolve(body!);
        else reject(error);
      });
    });
  }

  async #askTrees(question: Buffer): Promise<Buffer> {
    const answer = await this.#ask(question);
    this.figures.treeBytes += question.length + answer.length;
    return answer;
  }

  get #isLate(): boolean {
    return this.#parts.clock.monotonicMs() >= this.#untilMs;
  }

  async #all(): Promise<void> {
    const { keyspace } = this.#request;
    const { trees } = this.#parts;
    let open = [...this.#request.partitions];
    let pollMs = buildPollMinMs;
    while (open.length > 0) {
      await this.#pace.step();
      const question = encodePartitions(questionKind.roots, this.#exchange, keyspace, open);
      // Begin to build ours while the peer begins with its own.
      for (const partition of open) trees.tree(keyspace, partition);
      const roots = decodeRoots(await this.#askTrees(question), open.length);
      const ready: [number, Root][] = [];
      const building: number[] = [];
      open.forEach((partition, index) => {
        const root = roots[index];
        if (root === null || trees.tree(keyspace, partition) === null) building.push(partition);
        else ready.push([partition, root]);
        if (root?.isLost) this.#parts.onPeerLost(keyspace, partition, this.#request.peer);
      });
      this.figures.nodesExchanged += ready.length;
      await this.#inLanes(ready);
      open = building;
      if (open.length === 0 || this.#isLate) return;
      await this.#pace.sleep(pollMs);
      pollMs = Math.min(buildPollMaxMs, pollMs * 2);
    }
  }

  async #inLanes(ready: readonly [number, Root][]): Promise<void> {
    let next = 0;
    let failure: unknown = null;
    const lane = async (): Promise<void> => {
      while (next < ready.length && failure === null && !this.#isLate) {
        const [partition, root] = ready[next++];
        try {
          await this.#partition(partition, root);
        } catch (cause) {
          // The peer builds this tree anew: another time.
          if (toCoterieError(cause, 'unavailable').code !== 'not-ready') failure ??= cause;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#pace.givesWay ? 1 : lanes }, lane));
    if (failure !== null) throw failure;
  }

  async #partition(partition: number, root: Root): Promise<void> {
    const own: RecordHash = { high: 0, low: 0 };
    const tree = this.#parts.trees.tree(this.#request.keyspace, partition);
    if (tree === null) return;
    tree.node(0, 0, own);
    const transfer = newTransferFigures();
    try {
      if (own.high !== root.high || own.low !== root.low) {
        await this.#differences(partition, tree, root.bits, transfer);
      }
    } finally {
      for (const field of Object.keys(transfer) as (keyof TransferFigures)[]) {
        this.figures[field] += transfer[field];
      }
    }
    // What could not be taken is not settled: the partition stays due.
    if (transfer.recordsRefused > 0) return;
    this.#compared.push(partition);
    this.figures.partitionsCompared++;
  }

  async #differences(
    partition: number,
    tree: MerkleTree,
    peerBits: number,
    transfer: TransferFigures,
  ): Promise<void> {
    const { keyspace } = this.#request;
    const descent = new Descent(tree, peerBits);
    for (let request = descent.request(); request !== null; request = descent.request()) {
      await this.#pace.step();
      const question = encodeNodeRequest(this.#exchange, keyspace, partition, request);
      const nodeCount = request.parents.length * 2 ** (request.childBits - request.parentBits);
      descent.onNodes(decodeNodes(await this.#askTrees(question), nodeCount));
      this.figures.nodesExchanged += nodeCount;
    }
    const { bits, leaves } = descent;
    let count = 0;
    for (let start = 0; start < leaves.length; start += leavesPerRequestMax) {
      const some = leaves.slice(start, start + leavesPerRequestMax);
      count += await this.#leaves(partition, bits, some, transfer);
    }
    if (count > 0) {
      this.figures.partitionsDiffering++;
      this.#differing.push(partition);
    } else if (leaves.length > 0) await this.#verify(partition, bits, leaves);
  }

  /** Goes through both listings of some leaves, page by page, and answers how many positions differed. */
  async #leaves(
    partition: number,
    bits: number,
    leaves: readonly number[],
    figures: TransferFigures,
  ): Promise<number> {
    const { keyspace, dryRun, isGivenOnly = false } = this.#request;
    const pace = this.#pace;
    const transfer = {
      ...{ replica: this.#parts.replica, pace, figures, keyspace, isGivenOnly },
      exchange: this.#exchange,
    };
    const { replica } = this.#parts;
    let count = 0;
    let from = 0;
    let peers: readonly PositionHash[] = [];
    let peersUntil = 0;
    // The later of both sides', once the peer has answered.
    let forgottenUntilMs = replica.forgottenUntilMs(partition);
    while (from < offsetEnd) {
      await this.#pace.step();
      const request = { bits, leaves, fromOffset: from, forgottenUntilMs };
      if (peersUntil <= from) {
        const listing = await this.#list(partition, request);
        ({ positions: peers, nextOffset: peersUntil, forgottenUntilMs } = listing);
      }
      const own = await listLeaves(replica, keyspace, partition, { ...request, forgottenUntilMs });
      const until = Math.min(own.nextOffset, peersUntil);
      const before = ({ offset }: PositionHash) => offset < until;
      let found = compareListings(own.positions.filter(before), peers.filter(before));
      peers = peers.filter((position) => !before(position));
      if (dryRun && sizeOf(found) > 0) found = await this.#secondLook(partition, request, until, found);
      count += this.#note(partition, found);
      if (!dryRun) await settle({ ...transfer, ask: (question) => this.#ask(question) }, partition, found);
      from = until;
    }
    return count;
  }

  async #list(partition: number, request: LeafRequest): Promise<Listing> {
    const { keyspace } = this.#request;
    const question = encodeLeafRequest(questionKind.leaves, this.#exchange, keyspace, partition, request);
    const listing = decodeListing(await this.#askTrees(question), request.fromOffset);
    this.figures.positionsListed += listing.positions.length;
    return listing;
  }

  /** Those of `first` that still differ a little later. */
  async #secondLook(
    partition: number,
    request: LeafRequest,
    until: number,
    first: Differences,
  ): Promise<Differences> {
    await this.#pace.sleep(secondLookMs);
    const peers = await this.#list(partition, request);
    const { forgottenUntilMs } = peers;
    const own = await listLeaves(this.#parts.replica, this.#request.keyspace, partition, {
      ...request,
      forgottenUntilMs,
    });
    const end = Math.min(until, peers.nextOffset, own.nextOffset);
    const before = ({ offset }: PositionHash) => offset < end;
    const second = compareListings(own.positions.filter(before), peers.positions.filter(before));
    const again = new Set([...second.missingHere, ...second.missingThere, ...second.different]);
    // What the second look did not reach counts as the first saw it.
    const still = (offset: number) => offset >= end || again.has(offset);
    return {
      missingHere: first.missingHere.filter(still),
      missingThere: first.missingThere.filter(still),
      different: first.different.filter(still),
    };
  }

  #note(partition: number, found: Differences): number {
    const count = sizeOf(found);
    this.figures.keysDiffering += count;
    const { onDifference } = this.#request;
    if (onDifference !== undefined) {
      for (const offsets of [found.missingHere, found.missingThere, found.different]) {
        for (const offset of offsets) onDifference(partition * offsetEnd + offset);
      }
    }
    return count;
  }

  /** Leaves differ, records do not: one of the trees is wrong, unless something changed in between. */
  async #verify(partition: number, bits: number, leaves: readonly number[]): Promise<void> {
    const { keyspace } = this.#request;
    const some = leaves.slice(0, verifiedLeavesMax);
    await verifyTree(this.#parts, keyspace, partition, bits, some);
    const request = { bits, leaves: some, fromOffset: 0, forgottenUntilMs: 0 };
    await this.#ask(encodeLeafRequest(questionKind.verify, this.#exchange, keyspace, partition, request));
  }
}

function sizeOf({ missingHere, missingThere, different }: Differences): number {
  return missingHere.length + missingThere.length + different.length;
}
