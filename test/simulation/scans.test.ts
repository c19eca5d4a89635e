/**
 * Walks over whole keyspaces while partitions cannot be reached, keyspaces go, and peers answer nonsense: each ends once,
 * with an answer or an error, and nothing is thrown past it.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { CoterieError } from '../../core/base/errors.ts';
import { partitionCount, partitionStart } from '../../core/base/token.ts';
import type { Layout } from '../../core/layout/layout.ts';
import type { ScanPage } from '../../core/ports/key-value-store.ts';
import type { CoordinatorStore } from '../../core/replication/coordinator/store.ts';
import { encodeStatus, frameType, requestIdOf, status, typeOf } from '../../core/wire/peer/frames.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';

let cluster: SimulatedCluster;

interface Outcome<T> {
  readonly error: CoterieError | null;
  readonly value: T | null;
  readonly times: number;
}

/** Runs a walk and gives it ten seconds of virtual time: how often it ended, and how. */
async function outcomeOf<T>(
  start: (done: (error: CoterieError | null, value?: T | null) => void) => void,
  meanwhile: () => void = () => {},
): Promise<Outcome<T>> {
  let outcome: Outcome<T> = { error: null, value: null, times: 0 };
  start((error, value = null) => {
    outcome = { error, value, times: outcome.times + 1 };
  });
  meanwhile();
  await cluster.time.advance(10_000);
  return outcome;
}

/** Every key on one node only, so that losing a node loses its partitions. */
async function startUnreplicated(options: { sloppy?: boolean; garbageFrom?: number } = {}): Promise<void> {
  cluster = new SimulatedCluster(7, {
    nodeCount: 3,
    readLevel: 'ONE',
    writeLevel: 'ONE',
    conflicts: 'siblings',
    sloppy: options.sloppy ?? false,
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 300 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 2,
  });
  const keyspaces = cluster.layout.keyspaces.map((keyspace) => ({ ...keyspace, factors: { office: 1 } }));
  cluster.setLayout({ ...cluster.layout, keyspaces });
  if (options.garbageFrom !== undefined) answerGarbage(options.garbageFrom);
  await cluster.startAll();
}

let garbage: Buffer | null = null;

/** While `garbage` is set, it is what this node's answers to calls say. */
function answerGarbage(nodeId: number): void {
  const attach = cluster.network.attach.bind(cluster.network);
  cluster.network.attach = (id) => {
    const network = attach(id);
    if (id !== nodeId) return network;
    return {
      ...network,
      send(to, frame) {
        const isAnswer = garbage !== null && typeOf(frame) === frameType.callReply;
        return network.send(
          to,
          isAnswer ? encodeStatus(frameType.callReply, requestIdOf(frame), status.ok, garbage) : frame,
        );
      },
    };
  };
}

async function writeKeys(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await cluster.time.until(cluster.write(cluster.members[0], `key-${index}`, 'x'.repeat(200), 'held'));
  }
}

const store = (): CoordinatorStore => cluster.members[0].node!.store;

/** Without a keyspace: the layout that each member gets when it has been dropped. */
function drop(keyspace: number): Layout {
  return {
    ...cluster.layout,
    version: cluster.layout.version + 1,
    keyspaces: cluster.layout.keyspaces.filter(({ id }) => id !== keyspace),
  };
}

afterEach(() => {
  garbage = null;
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

describe.each([false, true])('with a node gone that alone held its partitions (sloppy: %s)', (sloppy) => {
  async function loseOne(): Promise<void> {
    await startUnreplicated({ sloppy });
    await writeKeys(200);
    cluster.crash(cluster.members[1]);
    await cluster.time.advance(1_000);
  }

  it('a scan from any position ends once, with a page or with the partitions that cannot be reached', async () => {
    await loseOne();
    const seen = new Set<string>();
    for (let partition = 0; partition < partitionCount; partition += 50) {
      const { error, value, times } = await outcomeOf<ScanPage>((done) =>
        store().scan(0, partitionStart(partition), 1, done),
      );
      expect(times).toBe(1);
      seen.add(error === null ? 'page' : error.code);
      if (error === null) expect(value!.keys.length).toBeGreaterThan(0);
      else expect(error.message).toMatch(/^Partitions \d+, \d+ and \d+ more cannot be reached: /);
    }
    expect([...seen].sort()).toEqual(['page', 'unavailable']);
  });

  it('counting all, counting a slot and flushing say so, too', async () => {
    await loseOne();
    const counted = await outcomeOf<number>((done) => store().count(0, null, done));
    expect(counted).toMatchObject({ times: 1, error: { code: 'unavailable' } });
    expect(counted.error!.message).toMatch(/cannot be reached: none of their replicas answers\./);
    const flushed = await outcomeOf<never>((done) => store().flush(0, done));
    expect(flushed).toMatchObject({ times: 1, error: { code: 'unavailable' } });
    const codes = new Set<string>();
    for (let slot = 0; slot < 16_384; slot += 1_600) {
      const { error, times } = await outcomeOf<number>((done) => store().count(0, slot, done));
      expect(times).toBe(1);
      codes.add(error?.code ?? 'counted');
    }
    expect([...codes].sort()).toEqual(['counted', 'unavailable']);
  });

  it('and back again, everything is walked', async () => {
    await loseOne();
    await cluster.time.until(cluster.start(cluster.members[1]));
    await cluster.time.advance(1_000);
    expect((await outcomeOf<number>((done) => store().count(0, null, done))).value).toBe(200);
  });
});

describe('a keyspace dropped in the middle of a walk', () => {
  it.each([
    ['a scan', (done: (error: CoterieError | null) => void) => store().scan(0, 0, 10_000, done)],
    ['a count', (done: (error: CoterieError | null) => void) => store().count(0, 77, done)],
    ['a flush', (done: (error: CoterieError | null) => void) => store().flush(0, done)],
  ])('ends %s once, and nothing is thrown', async (_, start) => {
    await startUnreplicated();
    await writeKeys(40);
    const { times, error } = await outcomeOf<never>(start, () => {
      cluster.time.after(3, () => {
        for (const member of cluster.members)
          void member.node!.offerLayouts([{ layout: drop(0), digest: 'dropped' }]);
      });
    });
    expect(times).toBe(1);
    if (error !== null) expect(error.code).toBe('not-found');
  });

  it('a peer that has dropped it already says so instead of answering that it is empty', async () => {
    await startUnreplicated();
    await writeKeys(40);
    void cluster.members[1].node!.offerLayouts([{ layout: drop(0), digest: 'dropped' }]);
    for (const start of [
      (done: (error: CoterieError | null) => void) => store().scan(0, 0, 10_000, done),
      (done: (error: CoterieError | null) => void) => store().count(0, null, done),
    ]) {
      expect(await outcomeOf<never>(start)).toMatchObject({ times: 1, error: { code: 'not-found' } });
    }
  });
});

describe('a peer that answers nonsense', () => {
  const key = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no line end', Buffer.from('12345')],
    ['no number', Buffer.from('soon\n')],
    ['a place before the one asked for', Buffer.from('0\n')],
    ['a place behind the ring', Buffer.from(`${2 ** 53}\n`)],
    ['a key longer than the answer', Buffer.concat([Buffer.from('\n'), Buffer.from([0, 0, 1, 0, 65])])],
    ['half a length', Buffer.concat([Buffer.from('\n'), Buffer.from([0, 0])])],
    ['a key of another partition', Buffer.concat([Buffer.from('\n'), key('a'), key('b'), key('c')])],
  ])('fails a scan with an error: %s', async (_, bytes) => {
    await startUnreplicated({ garbageFrom: 2 });
    garbage = bytes;
    const { times, error } = await outcomeOf<ScanPage>((done) => store().scan(0, 0, 10_000, done));
    expect({ times, code: error?.code }).toEqual({ times: 1, code: 'bad-input' });
  });

  it.each(['', 'many', '-1', '1.5', '1e99', 'NaN'])('fails a count with an error: "%s"', async (text) => {
    await startUnreplicated({ garbageFrom: 2 });
    garbage = Buffer.from(text);
    const { times, error } = await outcomeOf<number>((done) => store().count(0, null, done));
    expect({ times, code: error?.code }).toEqual({ times: 1, code: 'bad-input' });
  });
});
