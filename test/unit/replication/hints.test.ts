import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, partitionCount, partitionOf, partitionStart } from '../../../core/base/token.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { Workers } from '../../../core/node/workers.ts';
import { scanPage } from '../../../core/ports/scan-page.ts';
import type { StorageEngine } from '../../../core/ports/storage-engine.ts';
import {
  type Hint,
  type HintSettings,
  HintStore,
  hintKeyspace,
} from '../../../core/replication/handoff/hint-store.ts';
import { HintedHandoff } from '../../../core/replication/handoff/hinted-handoff.ts';
import { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { Requests } from '../../../core/replication/requests.ts';
import { topologyOf } from '../../../core/replication/topology.ts';
import { MemoryEngine } from '../../../core/storage/memory-engine.ts';
import { mergeRecords, summarise } from '../../../core/versions/record-codec.ts';
import { encodeStatus, frameType, parseKeyed, requestIdOf, status } from '../../../core/wire/peer/frames.ts';
import { Bench } from '../../support/engines.ts';
import { HandNetwork } from '../../support/hand-network.ts';
import { layoutOf } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { recordBy } from '../../support/records.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const roomy: HintSettings = { countMax: 1_000, bytesMax: 1_000_000, windowMs: 10_000 };
const at = (name: string) => addressOf(0, Buffer.from(name));

class Book {
  readonly engine: StorageEngine;
  readonly time: VirtualTime;
  readonly records: LocalRecords;
  readonly book: HintStore;

  constructor(engine: StorageEngine, time: VirtualTime, settings: HintSettings = roomy) {
    this.engine = engine;
    this.time = time;
    this.records = new LocalRecords(engine);
    this.book = new HintStore({ records: this.records, engine, clock: time }, settings);
  }

  static inMemory(settings: HintSettings = roomy): Book {
    const time = new VirtualTime();
    return new Book(new MemoryEngine({ clock: time, timers: time }), time, settings);
  }

  keep(target: number, name: string, record: Buffer, newestOnly = false): Promise<string> {
    return this.time.until(
      new Promise((resolve) =>
        this.book.keep(target, at(name), record, newestOnly, (error) => resolve(error?.code ?? 'kept')),
      ),
    );
  }

  kept(target: number, name: string): Promise<Buffer | null> {
    return this.time.until(
      new Promise((resolve) => this.book.kept(target, at(name), (_, record) => resolve(record))),
    );
  }

  async owed(target: number): Promise<Hint[]> {
    const hints: Hint[] = [];
    const walk = async () => {
      for await (const page of this.book.owed(target, 2)) hints.push(...page);
    };
    await this.time.until(walk());
    return hints;
  }

  /** As `owe` for a peer that has just gone. */
  owe(target: number, name: string): void {
    this.book.noticed(target, false);
    this.book.owe(target, at(name));
  }

  /** What is stored, counted afresh: by target, the hints and the bytes of their records. */
  async stored(): Promise<Map<number, { owed: number; owedBytes: number }>> {
    const found = new Map<number, { owed: number; owedBytes: number }>();
    for (let partition = 0; partition < partitionCount; partition++) {
      const request = {
        keyspace: hintKeyspace,
        partition,
        fromPosition: partitionStart(partition),
        countMax: 1_000,
      };
      for (const { key, value } of (await this.time.until(scanPage(this.engine, request))).records) {
        const target = key.readUIntBE(0, 6);
        const entry = found.get(target) ?? { owed: 0, owedBytes: 0 };
        entry.owed++;
        entry.owedBytes += value[0] === 1 ? value.length - 5 : 0;
        found.set(target, entry);
      }
    }
    return found;
  }
}

function ledgerOf(book: HintStore): Map<number, { owed: number; owedBytes: number }> {
  const entries = book.ledger().filter(({ owed }) => owed > 0);
  return new Map(entries.map(({ peer, owed, owedBytes }) => [peer, { owed, owedBytes }]));
}

describe('the hint book', () => {
  it('keeps a record for its target, and joins it with what is kept already', async () => {
    const book = Book.inMemory();
    expect(await book.keep(2, 'k', recordBy(1))).toBe('kept');
    expect(await book.keep(2, 'k', recordBy(3))).toBe('kept');
    expect(await book.kept(2, 'k')).toEqual(mergeRecords(recordBy(1), recordBy(3), false));
    expect(await book.kept(3, 'k')).toBeNull();
    expect(book.book.owedTo(2)).toBe(1);
  });

  it('does not lose a record that it keeps when it is to owe a reference to the same key', async () => {
    const book = Book.inMemory();
    await book.keep(2, 'k', recordBy(1));
    book.owe(2, 'k');
    await book.time.advance(10);
    expect(await book.kept(2, 'k')).toEqual(recordBy(1));
    expect(book.book.owedTo(2)).toBe(1);
  });

  it('takes no more than its bounds, and counts what it did not take as skipped', async () => {
    const few = Book.inMemory({ ...roomy, countMax: 2 });
    await few.keep(2, 'a', recordBy(1));
    few.owe(2, 'b');
    expect(await few.keep(2, 'c', recordBy(1))).toBe('busy');
    few.owe(2, 'd');
    expect(few.book.ledger()).toMatchObject([{ peer: 2, owed: 2, skipped: 2 }]);
    const small = Book.inMemory({ ...roomy, bytesMax: 10 });
    await small.keep(2, 'a', recordBy(1));
    expect(await small.keep(2, 'b', recordBy(1))).toBe('busy');
    expect(small.book.ledger()).toMatchObject([{ owed: 1, skipped: 1 }]);
  });

  it('owes nothing more to a peer that has been away for longer than the window; one that never went is owed', async () => {
    const { book, time } = Book.inMemory();
    book.owe(2, at('never away'));
    book.noticed(2, false);
    await time.advance(9_000);
    book.noticed(2, false);
    book.owe(2, at('in time'));
    await time.advance(2_000);
    book.owe(2, at('too late'));
    book.noticed(2, true);
    book.noticed(2, false);
    book.owe(2, at('away anew'));
    expect(book.ledger()).toMatchObject([{ owed: 3, skipped: 1 }]);
  });

  it('counts a hint as skipped where the disk refuses it', async () => {
    const book = Book.inMemory();
    await book.time.until(book.engine.close());
    book.owe(2, 'k');
    expect(await book.keep(2, 'k', recordBy(1))).toBe('not-ready');
    expect(book.book.ledger()).toMatchObject([{ owed: 0, skipped: 2 }]);
  });

  it('counts a hint as owed, not as skipped, when the disk fails after it was taken', async () => {
    const bench = new Bench();
    const book = new Book(await bench.open(), bench.time);
    bench.disk.faults.syncFails = true;
    book.owe(2, 'k');
    await bench.time.advance(60_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 1, skipped: 0 }]);
  });

  it('does not end a hint that was renewed after it was read', async () => {
    const book = Book.inMemory();
    await book.keep(2, 'k', recordBy(1));
    const [hint] = await book.owed(2);
    await book.keep(2, 'k', recordBy(1));
    await book.time.until(new Promise<void>((resolve) => book.book.settle(hint, 'sent', resolve)));
    expect(book.book.ledger()).toMatchObject([{ owed: 1, sent: 0 }]);
    const [renewed] = await book.owed(2);
    await book.time.until(new Promise<void>((resolve) => book.book.settle(renewed, 'sent', resolve)));
    expect(book.book.ledger()).toMatchObject([{ owed: 0, owedBytes: 0, sent: 1 }]);
    expect(book.book.targets()).toEqual([]);
  });

  it('has in its ledger what is stored, whatever was kept, owed, ended or refused, and after a restart', async () => {
    const target = fc.integer({ min: 2, max: 4 });
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ keep: target, name, node: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 3, arbitrary: fc.record({ owe: target, name }) },
      {
        weight: 3,
        arbitrary: fc.record({ settle: target, how: fc.constantFrom('sent', 'expired', 'givenUp') }),
      },
      { weight: 1, arbitrary: fc.record({ full: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(0, 5, 2_000) }) },
      { weight: 1, arbitrary: fc.constant({ restart: true as const }) },
    );
    await check(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const bench = new Bench({ hotBytesMax: 0 });
        const small = { ...roomy, countMax: 6 };
        let book = new Book(await bench.open(), bench.time, small);
        let event = 0;
        const unsettled = () => {};
        for (const one of steps) {
          if ('keep' in one)
            book.book.keep(one.keep, at(one.name), recordBy(one.node, ++event), false, unsettled);
          else if ('owe' in one) book.owe(one.owe, one.name);
          else if ('settle' in one) {
            for (const hint of await book.owed(one.settle))
              book.book.settle(hint, one.how as 'sent', unsettled);
          } else if ('full' in one) {
            bench.disk.faults.capacityBytes = one.full ? bench.disk.usedBytes : Number.POSITIVE_INFINITY;
          } else if ('waitMs' in one) await bench.time.advance(one.waitMs);
          else {
            bench.disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
            await bench.time.advance(5_000);
            await bench.run(book.engine.close());
            book = new Book(await bench.open(), bench.time, small);
            await bench.run(book.book.load());
          }
        }
        bench.disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
        await bench.time.advance(5_000);
        expect(ledgerOf(book.book)).toEqual(await book.stored());
        for (const peer of book.book.targets()) {
          const hints = await book.owed(peer);
          expect(hints).toHaveLength(book.book.owedTo(peer));
          const inPartitions = new Set(hints.map(({ address }) => partitionOf(address.tokenHigh)));
          for (const partition of inPartitions) expect(book.book.pendingIn(partition)).toBeGreaterThan(0);
        }
      }),
      30,
    );
  });
});

interface Post {
  readonly book: Book;
  readonly network: HandNetwork;
  readonly log: LogCapture;
  readonly delivery: HintedHandoff;
  layout: Layout;
  /** What each node has acknowledged, as `node key`. */
  readonly taken: string[];
  /** Keys that every node refuses. */
  readonly refused: Set<string>;
}

const pace = { tickMs: 1_000, pageCount: 2, hintsPerSecondMax: 1_000, giveUpAfterMs: 10_000 };

function postOf(layout: Layout): Post {
  const book = Book.inMemory();
  const { records, time } = book;
  const network = new HandNetwork();
  const log = new LogCapture();
  const requests = new Requests(
    { network, clock: time, timers: time, log },
    { deadlineMs: 3_000, slowMs: 60, pendingCountMax: 1_000 },
  );
  network.onFrame((from, frame) => requests.onReply(requestIdOf(frame), from, frame));
  const taken: string[] = [];
  const refused = new Set<string>();
  network.answer = (to, frame) => {
    const key = parseKeyed(frame).key.toString();
    if (!refused.has(key)) taken.push(`${to} ${key}`);
    const code = refused.has(key) ? status.failed : status.ok;
    return encodeStatus(frameType.replicaAck, requestIdOf(frame), code, null);
  };
  const post = { book, network, log, layout, taken, refused } as unknown as Post;
  const delivery = new HintedHandoff(
    {
      hints: book.book,
      records,
      requests,
      network,
      clock: time,
      timers: time,
      log,
      topology: () => topologyOf(post.layout, 1),
    },
    pace,
  );
  new Workers({ clock: time, timers: time, log, isBusy: () => false }).add(delivery);
  return Object.assign(post, { delivery });
}

describe('hinted handoff', () => {
  it('brings all that a peer is owed when it comes back, records and references alike', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    const { book, network } = post;
    network.set(2, false);
    await book.keep(2, 'kept', recordBy(3));
    const record = recordBy(1);
    book.records.change(at('held'), 'always', {
      transform: () => ({ record, summary: summarise(record) }),
      onRefused() {},
      onApplied() {},
      onDurable() {},
      onFailed() {},
    });
    book.owe(2, 'held');
    book.owe(2, 'collected since');
    await book.time.advance(5_000);
    expect(post.taken).toEqual([]);
    network.set(2, true);
    await book.time.advance(500);
    expect(post.taken.sort()).toEqual(['2 held', '2 kept']);
    expect(book.book.ledger()).toMatchObject([{ owed: 0, sent: 3, givenUp: 0, expired: 0 }]);
  });

  it('does not let one hint that its peer refuses hold up those behind it, and gives it up in the end', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    const { book } = post;
    const names = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (const name of names) await book.keep(2, name, recordBy(3));
    const first = (await book.owed(2))[0].address.key.toString();
    post.refused.add(first);
    await book.time.advance(5_000);
    expect(new Set(post.taken)).toEqual(
      new Set(names.filter((name) => name !== first).map((name) => `2 ${name}`)),
    );
    expect(book.book.ledger()).toMatchObject([{ owed: 1, sent: 19 }]);
    await book.time.advance(15_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 0, sent: 19, givenUp: 1 }]);
  });

  it('gives nothing up while its peer is away, and counts refusals anew for a hint that was delivered', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    const { book, network, refused } = post;
    await book.keep(2, 'k', recordBy(3));
    refused.add('k');
    await book.time.advance(3_000);
    network.set(2, false);
    await book.time.advance(60_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 1, givenUp: 0 }]);
    refused.clear();
    network.set(2, true);
    await book.time.advance(3_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 0, sent: 1, givenUp: 0 }]);
    refused.add('k');
    await book.keep(2, 'k', recordBy(3, 2));
    await book.time.advance(5_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 1, givenUp: 0 }]);
  });

  it('of a node that left the layout goes to every present replica, this node among them', async () => {
    const post = postOf(layoutOf({ here: 4 }));
    const { book, network } = post;
    network.set(4, false);
    await book.keep(4, 'k', recordBy(3));
    await book.time.advance(5_000);
    expect(post.taken).toEqual([]);
    post.layout = layoutOf({ here: 3 });
    await book.time.advance(5_000);
    expect(post.taken.sort()).toEqual(['2 k', '3 k']);
    expect(await book.time.until(book.records.get(at('k')))).toEqual(recordBy(3));
    expect(book.book.ledger()).toMatchObject([{ peer: 4, owed: 0, sent: 1 }]);
  });

  it('stays until every receiver has it', async () => {
    const post = postOf(layoutOf({ here: 4 }));
    const { book, network } = post;
    network.set(4, false);
    network.set(2, false);
    await book.keep(4, 'k', recordBy(3));
    post.layout = layoutOf({ here: 3 });
    await book.time.advance(5_000);
    expect(post.book.book.owedTo(4)).toBe(1);
    network.set(2, true);
    await book.time.advance(5_000);
    expect(post.book.book.owedTo(4)).toBe(0);
    expect(post.taken).toContain('2 k');
  });

  it('of a keyspace that is gone expires', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    const { book } = post;
    await book.keep(2, 'k', recordBy(3));
    post.layout = { ...post.layout, keyspaces: [] };
    await book.time.advance(5_000);
    expect(book.book.ledger()).toMatchObject([{ owed: 0, expired: 1 }]);
    expect(post.taken).toEqual([]);
  });

  it('keeps its pace', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    const { book, network } = post;
    network.set(2, false);
    for (let index = 0; index < 100; index++) await book.keep(2, `key-${index}`, recordBy(3));
    network.set(2, true);
    await book.time.advance(50);
    expect(post.taken.length).toBeLessThanOrEqual(54);
    await book.time.advance(200);
    expect(post.taken).toHaveLength(100);
  });

  it('stops when it is closed', async () => {
    const post = postOf(layoutOf({ here: 3 }));
    await post.book.keep(2, 'k', recordBy(3));
    post.delivery.close();
    post.network.set(2, true);
    await post.book.time.advance(10_000);
    expect(post.taken).toEqual([]);
  });
});
