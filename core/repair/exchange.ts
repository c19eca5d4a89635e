/**
 * Anti-entropy between this replica and one peer, over some partitions of a keyspace: roots of all in one message, then
 * down each pair of trees that differ, then the records' hashes of the leaves that differ, then those records. It may be
 * broken off at any step; what was settled by then stays settled, and the next exchange finds the rest.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { RecordHash } from '../merkle/record-hash.ts';
import type { MerkleTree } from '../merkle/tree.ts';
import type { Clock } from '../ports/clock.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import type { ReplicaPeers } from '../ports/replica-peer.ts';
import { decodeRoots, encodePartitions, questionKind, type Root } from '../wire/peer/exchange-codec.ts';
import type { Claims } from './claims.ts';
import { type ExchangeRequest, type ExchangeResult, newFigures } from './exchange-figures.ts';
import type { BegunPartition, MovingPartitions } from './moving-partitions.ts';
import type { Pace } from './pace.ts';
import { PartitionDifferences } from './partition-differences.ts';
import { isStreamed, takeAll } from './partition-stream.ts';
import { newTransferFigures, type TransferFigures, type TransferParts } from './record-transfer.ts';
import type { TreeStore } from './tree-store.ts';

export interface ExchangeParts {
  readonly replica: LocalReplica;
  readonly peers: ReplicaPeers;
  readonly trees: TreeStore;
  readonly claims: Claims;
  readonly clock: Clock;
  /** Partitions that are brought in bulk are listed there meanwhile. */
  readonly moving: MovingPartitions;
  /** How often something went missing here: a comparison speaks for what was missing when it began. */
  missCount(): number;
  /** The peer has lost what it held of a partition, and has not got it back yet. */
  onPeerLost(keyspace: number, partition: number, peer: number): void;
}

/** Partitions gone through at a time: their round trips overlap. */
const lanes = 4;
/** Until trees that are being built are asked for again. */
const buildPollMinMs = 2;
const buildPollMaxMs = 100;

export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #request: ExchangeRequest;
  readonly #pace: Pace;
  readonly figures = newFigures();
  readonly #compared: number[] = [];
  readonly #differing: number[] = [];
  #exchange = 0;
  #missCount = 0;
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
    this.#missCount = this.#parts.missCount();
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
    return {
      figures: this.figures,
      compared: this.#compared,
      missCount: this.#missCount,
      differing: this.#differing,
      reason,
    };
  }

  #ask(question: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#parts.peers.ask(this.#request.peer, question, (error, body) => {
        this.figures.wireBytes += question.length + (body?.length ?? 0);
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
    const { keyspace, peer, isBulk = false, isGivenOnly = false } = this.#request;
    const { trees, moving } = this.#parts;
    const tree = trees.tree(keyspace, partition);
    if (tree === null) return;
    const transfer = newTransferFigures();
    const direction = isGivenOnly ? 'to' : 'from';
    const begun =
      isBulk || isGivenOnly ? moving.begin({ keyspace, partition, direction, peer }, transfer) : null;
    try {
      const streams = begun !== null && !isGivenOnly && isStreamed(tree.keyCount, root.keyCount);
      const differs = streams
        ? await this.#stream(partition, root, transfer, begun)
        : await this.#settle(partition, tree, root, transfer);
      if (differs) {
        this.figures.partitionsDiffering++;
        this.#differing.push(partition);
      }
    } finally {
      begun?.end();
      for (const field of Object.keys(transfer) as (keyof TransferFigures)[]) {
        this.figures[field] += transfer[field];
      }
    }
    // What could not be taken is not settled: the partition stays due.
    if (transfer.recordsRefused > 0) return;
    this.#compared.push(partition);
    this.figures.partitionsCompared++;
  }

  async #settle(partition: number, tree: MerkleTree, root: Root, figures: TransferFigures): Promise<boolean> {
    if (isAlike(tree, root)) return false;
    const parts = {
      ...{ trees: this.#parts.trees, request: this.#request, figures: this.figures },
      transfer: this.#transferParts(figures),
      askTrees: (question: Buffer) => this.#askTrees(question),
    };
    return new PartitionDifferences(parts, partition).settle(tree, root.bits);
  }

  /** Takes all, and then looks whether it is the same: more was written meanwhile, or something was here already. */
  async #stream(
    partition: number,
    root: Root,
    figures: TransferFigures,
    begun: BegunPartition,
  ): Promise<boolean> {
    const { trees } = this.#parts;
    const { keyspace } = this.#request;
    trees.expect(keyspace, partition, root.keyCount);
    try {
      await takeAll(this.#transferParts(figures), partition, (share) => begun.reached(share));
    } finally {
      trees.expect(keyspace, partition, 0);
    }
    const question = encodePartitions(questionKind.roots, this.#exchange, keyspace, [partition]);
    const [now] = decodeRoots(await this.#askTrees(question), 1);
    const tree = trees.tree(keyspace, partition);
    if (now === null || tree === null) {
      throw new CoterieError('not-ready', 'The tree of this partition is being built anew.');
    }
    await this.#settle(partition, tree, now, figures);
    return true;
  }

  #transferParts(figures: TransferFigures): TransferParts {
    const { keyspace, isGivenOnly = false } = this.#request;
    return {
      ...{ replica: this.#parts.replica, pace: this.#pace, figures, keyspace, isGivenOnly },
      exchange: this.#exchange,
      ask: (question) => this.#ask(question),
    };
  }
}

function isAlike(tree: MerkleTree, { high, low }: Root): boolean {
  const own: RecordHash = { high: 0, low: 0 };
  tree.node(0, 0, own);
  return own.high === high && own.low === low;
}
