/** The asked side of an exchange: shows its trees, lists leaves, hands out records and merges what it is given. */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { RecordHash } from '../merkle/record-hash.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import type { ReplicaPeers } from '../ports/replica-peer.ts';
import {
  decodeHead,
  decodeLeafRequest,
  decodeNodeRequest,
  decodePartitions,
  encodeListing,
  encodeNodes,
  encodeRoots,
  type QuestionHead,
  questionKind,
  type Root,
} from '../wire/peer/exchange-codec.ts';
import {
  batchBytesMax,
  decodeFetch,
  decodePageRequest,
  decodeStore,
  encodeFetched,
  encodeRecordPage,
  encodeRefused,
} from '../wire/peer/record-batch-codec.ts';
import type { Claims } from './claims.ts';
import type { ExchangeResult } from './exchange-figures.ts';
import { listLeaves, readOffsets } from './listing.ts';
import { mergeAll } from './merging.ts';
import { readPage } from './partition-stream.ts';
import { verifyTree } from './tree-check.ts';
import type { TreeStore } from './tree-store.ts';

interface ServiceParts {
  readonly replica: LocalReplica;
  readonly peers: ReplicaPeers;
  readonly trees: TreeStore;
  readonly claims: Claims;
  /** Whether this replica has lost what it held of a partition, and has not got it back yet. */
  isLost(keyspace: number, partition: number): boolean;
  /** A peer has brought all that either side held of these to the other. */
  compared(keyspace: number, peer: number, result: Pick<ExchangeResult, 'compared' | 'missCount'>): void;
}

const nothing = Buffer.alloc(0);

/** Answers questions from now on. */
export function serveExchanges(parts: ServiceParts): void {
  const service = new ExchangeService(parts);
  parts.peers.onQuestion((from, question, answer) => {
    service.answer(from, question).then(
      (body) => answer(null, body),
      (cause) => answer(toCoterieError(cause, 'bad-input'), null),
    );
  });
}

class ExchangeService {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async answer(from: number, question: Buffer): Promise<Buffer> {
    const { head, body } = decodeHead(question);
    this.#parts.claims.claim(from, head.exchange);
    switch (head.kind) {
      case questionKind.roots:
        return this.#roots(head, body);
      case questionKind.nodes:
        return this.#nodes(head, body);
      case questionKind.leaves:
        return this.#leaves(head, body);
      case questionKind.fetch:
        return this.#fetch(head, body);
      case questionKind.stream:
        return this.#stream(head, body);
      case questionKind.store:
        return this.#store(head, body);
      case questionKind.verify:
        return this.#verify(head, body);
      case questionKind.release:
        return this.#release(from, head, body);
      default:
        throw new CoterieError('unsupported', 'The other node runs an older version. Update it.');
    }
  }

  #release(from: number, { exchange, keyspace }: QuestionHead, body: Buffer): Buffer {
    const missCount = this.#parts.claims.release(from, exchange);
    this.#parts.compared(keyspace, from, { compared: decodePartitions(body), missCount });
    return nothing;
  }

  #mustOwn(keyspace: number, partition: number): void {
    if (this.#parts.replica.owns(keyspace, partition)) return;
    throw new CoterieError('not-found', 'The other node holds no replica of this partition.');
  }

  #roots({ keyspace }: QuestionHead, body: Buffer): Buffer {
    const hash: RecordHash = { high: 0, low: 0 };
    const roots = decodePartitions(body).map((partition): Root | null => {
      this.#mustOwn(keyspace, partition);
      const tree = this.#parts.trees.tree(keyspace, partition);
      if (tree === null) return null;
      tree.node(0, 0, hash);
      const isLost = this.#parts.isLost(keyspace, partition);
      return { bits: tree.bits, isLost, keyCount: tree.keyCount, ...hash };
    });
    return encodeRoots(roots);
  }

  #nodes({ keyspace }: QuestionHead, body: Buffer): Buffer {
    const { partition, request } = decodeNodeRequest(body);
    const tree = this.#parts.trees.tree(keyspace, partition);
    if (tree === null || tree.bits < request.childBits) {
      throw new CoterieError('not-ready', 'The other replica is building its tree of this partition anew.');
    }
    const width = 2 ** (request.childBits - request.parentBits);
    const words = new Uint32Array(request.parents.length * width * 2);
    const hash: RecordHash = { high: 0, low: 0 };
    let word = 0;
    for (const parent of request.parents) {
      for (let child = parent * width; child < (parent + 1) * width; child++) {
        tree.node(request.childBits, child, hash);
        words[word++] = hash.high;
        words[word++] = hash.low;
      }
    }
    return encodeNodes(words);
  }

  async #leaves({ keyspace }: QuestionHead, body: Buffer): Promise<Buffer> {
    const { partition, request } = decodeLeafRequest(body);
    this.#mustOwn(keyspace, partition);
    const { replica } = this.#parts;
    const forgottenUntilMs = Math.max(request.forgottenUntilMs, replica.forgottenUntilMs(partition));
    return encodeListing(await listLeaves(replica, keyspace, partition, { ...request, forgottenUntilMs }));
  }

  async #fetch({ keyspace }: QuestionHead, body: Buffer): Promise<Buffer> {
    const { partition, offsets } = decodeFetch(body);
    this.#mustOwn(keyspace, partition);
    const { replica } = this.#parts;
    const found = await readOffsets(replica, keyspace, partition, offsets, batchBytesMax);
    return encodeFetched(found.answeredCount, found.records);
  }

  async #stream({ keyspace }: QuestionHead, body: Buffer): Promise<Buffer> {
    const request = decodePageRequest(body);
    this.#mustOwn(keyspace, request.partition);
    return encodeRecordPage(await readPage(this.#parts.replica, keyspace, request));
  }

  async #store({ keyspace }: QuestionHead, body: Buffer): Promise<Buffer> {
    const { partition, records } = decodeStore(body);
    this.#mustOwn(keyspace, partition);
    return encodeRefused(await mergeAll(this.#parts.replica, keyspace, partition, records));
  }

  async #verify({ keyspace }: QuestionHead, body: Buffer): Promise<Buffer> {
    const { partition, request } = decodeLeafRequest(body);
    this.#mustOwn(keyspace, partition);
    await verifyTree(this.#parts, keyspace, partition, request.bits, request.leaves);
    return nothing;
  }
}
