/**
 * What differs between this replica and a peer's in one partition, and settling it: down both trees where they differ, then the
 * records' hashes of the leaves that differ, then those records.
 */
import { compareListings, Descent, type Differences, type PositionHash } from '../merkle/comparison.ts';
import { type MerkleTree, offsetEnd } from '../merkle/tree.ts';
import {
  decodeListing,
  decodeNodes,
  encodeLeafRequest,
  encodeNodeRequest,
  type LeafRequest,
  type Listing,
  leavesPerRequestMax,
  questionKind,
} from '../wire/peer/exchange-codec.ts';
import type { ExchangeFigures, ExchangeRequest } from './exchange-figures.ts';
import { listLeaves } from './listing.ts';
import { settle, type TransferParts } from './record-transfer.ts';
import { verifiedLeavesMax, verifyTree } from './tree-check.ts';
import type { TreeStore } from './tree-store.ts';

/** A dry run looks twice, this far apart, so that writes on their way to the peer are not counted. */
const secondLookMs = 250;

export interface DifferenceParts {
  readonly trees: TreeStore;
  readonly transfer: TransferParts;
  readonly request: ExchangeRequest;
  /** Of the whole exchange. */
  readonly figures: ExchangeFigures;
  /** A question about trees and listings, which is counted as such. */
  askTrees(question: Buffer): Promise<Buffer>;
}

export class PartitionDifferences {
  readonly #parts: DifferenceParts;
  readonly #partition: number;

  constructor(parts: DifferenceParts, partition: number) {
    this.#parts = parts;
    this.#partition = partition;
  }

  /** Whether any record differed; settled then, unless it was a dry run. */
  async settle(tree: MerkleTree, peerBits: number): Promise<boolean> {
    const { transfer, figures } = this.#parts;
    const { exchange, keyspace, pace } = transfer;
    const descent = new Descent(tree, peerBits);
    for (let request = descent.request(); request !== null; request = descent.request()) {
      await pace.step();
      const question = encodeNodeRequest(exchange, keyspace, this.#partition, request);
      const nodeCount = request.parents.length * 2 ** (request.childBits - request.parentBits);
      descent.onNodes(decodeNodes(await this.#parts.askTrees(question), nodeCount));
      figures.nodesExchanged += nodeCount;
    }
    const { bits, leaves } = descent;
    let count = 0;
    for (let start = 0; start < leaves.length; start += leavesPerRequestMax) {
      count += await this.#leaves(bits, leaves.slice(start, start + leavesPerRequestMax));
    }
    if (count === 0 && leaves.length > 0) await this.#verify(bits, leaves);
    return count > 0;
  }

  /** Goes through both listings of some leaves, page by page, and answers how many positions differed. */
  async #leaves(bits: number, leaves: readonly number[]): Promise<number> {
    const { transfer } = this.#parts;
    const { dryRun } = this.#parts.request;
    const { replica, keyspace, pace } = transfer;
    const partition = this.#partition;
    let count = 0;
    let from = 0;
    let peers: readonly PositionHash[] = [];
    let peersUntil = 0;
    // The later of both sides', once the peer has answered.
    let forgottenUntilMs = replica.forgottenUntilMs(partition);
    while (from < offsetEnd) {
      await pace.step();
      const request = { bits, leaves, fromOffset: from, forgottenUntilMs };
      if (peersUntil <= from) {
        const listing = await this.#list(request);
        ({ positions: peers, nextOffset: peersUntil, forgottenUntilMs } = listing);
      }
      const own = await listLeaves(replica, keyspace, partition, { ...request, forgottenUntilMs });
      const until = Math.min(own.nextOffset, peersUntil);
      const before = ({ offset }: PositionHash) => offset < until;
      let found = compareListings(own.positions.filter(before), peers.filter(before));
      peers = peers.filter((position) => !before(position));
      if (dryRun && sizeOf(found) > 0) found = await this.#secondLook(request, until, found);
      count += this.#note(found);
      if (!dryRun) await settle(transfer, partition, found);
      from = until;
    }
    return count;
  }

  async #list(request: LeafRequest): Promise<Listing> {
    const { figures, transfer } = this.#parts;
    const { exchange, keyspace } = transfer;
    const question = encodeLeafRequest(questionKind.leaves, exchange, keyspace, this.#partition, request);
    const listing = decodeListing(await this.#parts.askTrees(question), request.fromOffset);
    figures.positionsListed += listing.positions.length;
    return listing;
  }

  /** Those of `first` that still differ a little later. */
  async #secondLook(request: LeafRequest, until: number, first: Differences): Promise<Differences> {
    const { replica, keyspace, pace } = this.#parts.transfer;
    await pace.sleep(secondLookMs);
    const peers = await this.#list(request);
    const { forgottenUntilMs } = peers;
    const own = await listLeaves(replica, keyspace, this.#partition, { ...request, forgottenUntilMs });
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

  #note(found: Differences): number {
    const { figures, request } = this.#parts;
    const count = sizeOf(found);
    figures.keysDiffering += count;
    if (request.onDifference !== undefined) {
      for (const offsets of [found.missingHere, found.missingThere, found.different]) {
        for (const offset of offsets) request.onDifference(this.#partition * offsetEnd + offset);
      }
    }
    return count;
  }

  /** Leaves differ, records do not: one of the trees is wrong, unless something changed in between. */
  async #verify(bits: number, leaves: readonly number[]): Promise<void> {
    const { trees, transfer } = this.#parts;
    const { replica, exchange, keyspace } = transfer;
    const some = leaves.slice(0, verifiedLeavesMax);
    await verifyTree({ replica, trees }, keyspace, this.#partition, bits, some);
    const request = { bits, leaves: some, fromOffset: 0, forgottenUntilMs: 0 };
    await transfer.ask(encodeLeafRequest(questionKind.verify, exchange, keyspace, this.#partition, request));
  }
}

function sizeOf({ missingHere, missingThere, different }: Differences): number {
  return missingHere.length + missingThere.length + different.length;
}
