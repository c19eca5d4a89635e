/**
 * What comparing two replicas costs: a million keys each, and from none to 10,000 of them different. The real trees,
 * messages and exchange over two replicas in memory; a question travels in no time, so seconds are work. Prints figures and
 * asserts nothing.
 */
import { toCoterieError } from '../../core/base/errors.ts';
import {
  addressOf,
  type KeyAddress,
  partitionCount,
  partitionOf,
  positionOf,
} from '../../core/base/token.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import type { LocalReplica } from '../../core/ports/local-replica.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { AnswerDone, ReplicaPeers } from '../../core/ports/replica-peer.ts';
import { Claims } from '../../core/repair/claims.ts';
import { Exchange } from '../../core/repair/exchange.ts';
import type { ExchangeFigures } from '../../core/repair/exchange-figures.ts';
import { serveExchanges } from '../../core/repair/exchange-service.ts';
import { MovingPartitions } from '../../core/repair/moving-partitions.ts';
import { Pace } from '../../core/repair/pace.ts';
import { TreeStore } from '../../core/repair/tree-store.ts';
import { encodeRecord, mergeRecords } from '../../core/versions/record-codec.ts';
import { actorOf } from '../../core/versions/version-set.ts';

const keyCount = 1_000_000;
const value = Buffer.alloc(100, 7);
const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);

interface Held {
  readonly address: KeyAddress;
  readonly position: number;
  record: Buffer;
}

function recordOf(counter: number): Buffer {
  const dot = { actor: actorOf(1, 1), counter };
  const version = { ...dot, timestamp: 1_000 + counter, expiresAtMs: 0, tombstone: false, value };
  return encodeRecord({ context: [dot], versions: [version], horizonMs: 0 });
}

function keyOf(number: number): Buffer {
  return Buffer.from(`user:${String(number).padStart(9, '0')}`);
}

/** Sorted by position, partition by partition. */
class Replica implements LocalReplica {
  readonly held: Held[][] = partitions.map(() => []);
  book: TreeStore | null = null;

  fill(keys: readonly Buffer[], record: Buffer): void {
    for (const key of keys) {
      const address = addressOf(0, key);
      const { tokenHigh, tokenLow } = address;
      this.held[partitionOf(tokenHigh)].push({ address, position: positionOf(tokenHigh, tokenLow), record });
    }
    for (const list of this.held) list.sort((a, b) => a.position - b.position);
  }

  owns(): boolean {
    return true;
  }

  recordCount(_: number, partition: number): number {
    return this.held[partition].length;
  }

  forgottenUntilMs(): number {
    return 0;
  }

  scan(request: Parameters<LocalReplica['scan']>[0], done: Parameters<LocalReplica['scan']>[1]): void {
    const list = this.held[request.partition];
    const first = this.#indexOf(request.partition, request.fromPosition);
    const last = Math.min(first + request.countMax, list.length);
    const records = list.slice(first, last).map(({ address, record }) => ({ ...address, value: record }));
    done(null, { records, nextPosition: last < list.length ? list[last].position : null });
  }

  #indexOf(partition: number, position: number): number {
    const list = this.held[partition];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #find({ tokenHigh, tokenLow }: KeyAddress): Held {
    const partition = partitionOf(tokenHigh);
    return this.held[partition][this.#indexOf(partition, positionOf(tokenHigh, tokenLow))];
  }

  read(address: KeyAddress, done: Parameters<LocalReplica['read']>[1]): void {
    done(null, this.#find(address).record);
  }

  merge(address: KeyAddress, record: Buffer, done: Parameters<LocalReplica['merge']>[2]): void {
    this.set(address, mergeRecords(this.#find(address).record, record, false));
    done(null);
  }

  set(address: KeyAddress, record: Buffer): void {
    const held = this.#find(address);
    this.book?.onChange(address, held.record, record);
    // What came in a message would keep all of it in memory.
    held.record = Buffer.from(record);
  }
}

/** Two ends that hear each other. */
function link(): [ReplicaPeers, ReplicaPeers] {
  const handlers: ((from: number, question: Buffer, answer: AnswerDone) => void)[] = [];
  const end = (self: number, other: number): ReplicaPeers => ({
    isUp: () => true,
    ask: (_, question, done) => {
      setImmediate(() => {
        try {
          handlers[other](self, question, done);
        } catch (cause) {
          done(toCoterieError(cause, 'bad-input'), null);
        }
      });
    },
    onQuestion: (handler) => {
      handlers[self] = handler;
    },
  });
  return [end(0, 1), end(1, 0)];
}

function sideOf(replica: Replica, peers: ReplicaPeers) {
  const trees = new TreeStore({
    ...{ replica, timers: systemTimers, log: silentLog },
    newPace: () => new Pace(systemTimers, () => false),
  });
  replica.book = trees;
  const nobodyLost = { isLost: () => false, onPeerLost() {}, missCount: () => 0 };
  const parts = {
    replica,
    peers,
    trees,
    claims: new Claims(systemClock, () => 0),
    moving: new MovingPartitions(systemClock),
    clock: systemClock,
    ...nobodyLost,
  };
  serveExchanges({ ...parts, compared() {} });
  return parts;
}

async function built(trees: TreeStore): Promise<void> {
  while (partitions.some((partition) => trees.tree(0, partition) === null)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const row = (cells: readonly (string | number)[]) =>
  console.log(
    cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell).padStart(13)).join(''),
  );

async function run(): Promise<void> {
  const keys = Array.from({ length: keyCount }, (_, number) => keyOf(number));
  const here = new Replica();
  const there = new Replica();
  const record = recordOf(1);
  here.fill(keys, record);
  there.fill(keys, record);
  const [left, right] = link();
  const mine = sideOf(here, left);
  const theirs = sideOf(there, right);
  let startMs = performance.now();
  await built(mine.trees);
  const buildMs = performance.now() - startMs;
  await built(theirs.trees);
  const { bytes } = mine.trees.figures();
  console.log(`1,000,000 keys in 1,024 partitions, two replicas`);
  console.log(`  trees: ${(bytes / keyCount).toFixed(2)} bytes a key, built in ${Math.round(buildMs)} ms`);
  measureChanges(mine.trees, keys);
  row(['differences', 'nodes', 'listed', 'tree bytes', 'records', 'value bytes', 'seconds']);
  for (const [turn, count] of [0, 1, 10, 1_000, 10_000].entries()) {
    const newer = recordOf(turn + 2);
    for (let index = 0; index < count; index++) {
      const key = keys[(index * 7_919 + turn) % keyCount];
      // Half of the differences each way.
      (index % 2 === 0 ? there : here).set(addressOf(0, key), newer);
    }
    startMs = performance.now();
    const figures = await exchange(mine);
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(3);
    const { nodesExchanged, positionsListed, treeBytes, recordsSent, recordsReceived, valueBytes } = figures;
    row([
      count,
      nodesExchanged,
      positionsListed,
      treeBytes,
      recordsSent + recordsReceived,
      valueBytes,
      seconds,
    ]);
    const left = (await exchange(mine)).keysDiffering;
    if (left > 0) console.log(`  ${left} keys still differ`);
  }
}

async function exchange(parts: ReturnType<typeof sideOf>): Promise<ExchangeFigures> {
  const request = { keyspace: 0, partitions, peer: 1, dryRun: false, limitMs: 600_000 };
  const pace = new Pace(systemTimers, () => false);
  const { figures, reason } = await new Exchange(parts, request, pace).run();
  if (reason !== null) throw reason;
  return figures;
}

/** What the trees add to a write: the old record's hash subtracted, the new one's added. */
function measureChanges(trees: TreeStore, keys: readonly Buffer[]): void {
  const addresses = keys.slice(0, 100_000).map((key) => addressOf(0, key));
  const before = recordOf(1);
  const after = recordOf(2);
  const rounds = 10;
  const startMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (const address of addresses) trees.onChange(address, before, after);
    for (const address of addresses) trees.onChange(address, after, before);
  }
  const micros = ((performance.now() - startMs) * 1_000) / (addresses.length * rounds * 2);
  console.log(`  one change of one record: ${micros.toFixed(2)} µs`);
}

await run();
