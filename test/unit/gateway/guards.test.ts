/** Whatever goes wrong in a command or beneath it: one reply for that command, a line in the log, nothing thrown. */
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { encodeForwarded, serveForwarded } from '../../../core/gateway/resp/forwarding.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { VirtualGateway } from '../../support/virtual-gateway.ts';

const internal = '-ERR internal error; it is logged\r\n';

/** One call of each command that asks the store something and answers later. */
const calls =
  `get k|set k v|set k v nx|setex k 10 v|incr k|append k v|del k|del k l|exists k|exists k l|type k|strlen k
getrange k 0 1|ttl k|persist k|expire k 10|mget k l|mset k v l w|msetnx k v l w|rename k l|copy k l|keys *|scan 0
randomkey|dbsize|flushdb|flushall|ct.get k|ct.get k details|ct.put k v|ct.del k|ct.replicas k|object encoding k
memory usage k|cluster countkeysinslot 7|cluster getkeysinslot 7 10`
    .split(/[|\n]/)
    .map((line) => line.split(' '));

const methods = ['read', 'write', 'replicas', 'scan', 'count', 'flush', 'forward'] as const;
const bug = (): TypeError => new TypeError("Cannot read properties of undefined (reading 'siblings')");

/** A store whose every question goes wrong in one way. */
function brokenStore(behave: (done: (...answer: unknown[]) => void) => void): MemoryStore {
  const store = new MemoryStore();
  for (const method of methods) {
    Object.assign(store, {
      [method]: (...parameters: unknown[]) => behave(parameters.at(-1) as (...answer: unknown[]) => void),
    });
  }
  return store;
}

describe.each([
  [
    'throws',
    () => () => {
      throw bug();
    },
  ],
  ['reports a bug at once', () => (done: (error: unknown, answer: null) => void) => done(bug(), null)],
  [
    'reports a bug later',
    (late: (action: () => void) => void) => (done: (error: unknown, answer: null) => void) =>
      late(() => done(bug(), null)),
  ],
] as const)('a store that %s', (_, make) => {
  it.each(calls)('fails the command alone, and the log has the place: %s %s', async (...words) => {
    let gateway!: VirtualGateway;
    const behave = make((action) => void gateway.time.after(5, action)) as never;
    gateway = new VirtualGateway(brokenStore(behave));
    expect(await gateway.run(words.filter((word) => word !== undefined))).toEqual([internal]);
    expect(gateway.errors.length).toBeGreaterThan(0);
    expect(gateway.errors[0].facts.cause).toMatch(/^TypeError: Cannot read[\s\S]*guards\.test\.ts/);
  });
});

describe('a store that answers nonsense', () => {
  it.each(calls)('gets the command one reply: %s %s', async (...words) => {
    let gateway!: VirtualGateway;
    gateway = new VirtualGateway(brokenStore((done) => void gateway.time.after(5, () => done(null, null))));
    expect(await gateway.run(words.filter((word) => word !== undefined))).toHaveLength(1);
  });
});

describe('conditions of the cluster', () => {
  it.each([
    ['unavailable', 'CLUSTERDOWN'],
    ['quorum-not-met', 'NOQUORUM'],
    ['busy', 'BUSY'],
    ['disk-full', 'MISCONF'],
  ] as const)('%s is %s, and no matter for the log', async (code, prefix) => {
    const gateway = new VirtualGateway(
      brokenStore((done) => done(new CoterieError(code, 'for a reason'), null)),
    );
    expect(await gateway.run(['get', 'k'])).toEqual([`-${prefix} for a reason\r\n`]);
    expect(gateway.errors).toEqual([]);
  });
});

describe('a mistake in the decision of a write', () => {
  it('fails that write, is logged, and writes nothing', async () => {
    const store = new MemoryStore();
    const gateway = new VirtualGateway(store);
    await gateway.run(['set', 'k', '1']);
    const { apply } = store as unknown as { apply: (...parameters: unknown[]) => unknown };
    // The siblings that it is shown are not what it expects.
    Object.assign(store, {
      apply(address: unknown, options: unknown, decide: (siblings: unknown) => unknown) {
        return apply.call(store, address, options, () => decide([null]));
      },
    });
    expect(await gateway.run(['incr', 'k'])).toEqual([internal]);
    expect(gateway.errors).toHaveLength(1);
    expect(await gateway.run(['get', 'k'])).toEqual(['$1\r\n1\r\n']);
  });
});

describe('a forwarded command', () => {
  function forwarding(answer: Buffer): VirtualGateway {
    const store = new MemoryStore();
    store.coordinator = () => 99;
    Object.assign(store, {
      forward: (...[, , done]: [number, Buffer, (error: null, reply: Buffer) => void]) => done(null, answer),
    });
    return new VirtualGateway(store);
  }

  it('passes the other node’s reply on', async () => {
    expect(await forwarding(Buffer.from('\x01+OK\r\n', 'latin1')).run(['set', 'k', 'v'])).toEqual([
      '+OK\r\n',
    ]);
  });

  it('that reads, and that too few replicas answered there, is read from here: nothing was changed by it', async () => {
    const refusal = Buffer.from(
      '\x00-NOQUORUM Reading at QUORUM needs 2 of 3 replicas; 1 answered.\r\n',
      'latin1',
    );
    expect(await forwarding(refusal).run(['get', 'k'])).toEqual(['$-1\r\n']);
    // What was written there may be half done: the client is told.
    expect((await forwarding(refusal).run(['set', 'k', 'v']))[0]).toMatch(/^-NOQUORUM /);
    expect((await forwarding(refusal).run(['incr', 'k']))[0]).toMatch(/^-NOQUORUM /);
  });

  it('that reads, and that nobody answered because the node died, is read elsewhere; what may be written is told', async () => {
    const store = new MemoryStore();
    let isThere = true;
    store.coordinator = () => (isThere ? 99 : null);
    Object.assign(store, {
      forward: (...[, , done]: [number, Buffer, (error: CoterieError, reply: null) => void]) => {
        isThere = false;
        done(new CoterieError('unavailable', 'It did not answer.'), null);
      },
    });
    const gateway = new VirtualGateway(store);
    expect(await gateway.run(['get', 'k'])).toEqual(['$-1\r\n']);
    for (const words of [
      ['set', 'k', 'v'],
      ['incr', 'k'],
    ]) {
      isThere = true;
      expect(await gateway.run(words)).toEqual(['-CLUSTERDOWN It did not answer.\r\n']);
    }
  });

  it('that reads is not put again to a node that is there and does not answer', async () => {
    const store = new MemoryStore();
    let count = 0;
    store.coordinator = () => 99;
    Object.assign(store, {
      forward: (...[, , done]: [number, Buffer, (error: CoterieError, reply: null) => void]) => {
        count++;
        done(new CoterieError('unavailable', 'It did not answer.'), null);
      },
    });
    expect(await new VirtualGateway(store).run(['get', 'k'])).toEqual([
      '-CLUSTERDOWN It did not answer.\r\n',
    ]);
    expect(count).toBe(1);
  });

  it.each(['', '\x01', '\x01OK\r\n', '\x01+OK'])(
    'whose answer is no reply is an error, not bytes: "%s"',
    async (text) => {
      const replies = await forwarding(Buffer.from(text, 'latin1')).run(['set', 'k', 'v']);
      expect(replies).toHaveLength(1);
      expect(replies[0]).toMatch(/^-CLUSTERDOWN /);
    },
  );

  /** What this gateway answers to a node that forwards something to it. */
  function serving(store: MemoryStore) {
    const gateway = new VirtualGateway(store);
    serveForwarded(gateway.gateway);
    const { handler } = store as unknown as { handler: Parameters<MemoryStore['onForwarded']>[0] };
    const answers: string[] = [];
    const take = (...words: string[]) =>
      handler(
        encodeForwarded(
          gateway.session,
          words.map((word) => Buffer.from(word)),
          0,
        ),
        (error, bytes) =>
          answers.push(
            error === null ? String(bytes?.toString('latin1')) : `${error.code}: ${error.message}`,
          ),
      );
    return { gateway, answers, take };
  }

  it('is an error, and no reply, where it was not begun for want of replicas; what may be half done is a reply', () => {
    const store = new MemoryStore();
    const { answers, take } = serving(store);
    store.failure = new CoterieError('quorum-not-met', 'Too few.', { written: false });
    take('set', 'k', 'v');
    take('incr', 'k');
    store.failure = new CoterieError('quorum-not-met', 'Too few.');
    take('set', 'k', 'v');
    expect(answers).toEqual([
      'quorum-not-met: Too few.',
      'quorum-not-met: Too few.',
      '\0-NOQUORUM Too few.\r\n',
    ]);
  });

  it('that was not begun is sent on while others are there, and then its client is told', async () => {
    const store = new MemoryStore();
    const asked: number[] = [];
    let others = [97, 98];
    store.coordinator = () => others[0] ?? null;
    Object.assign(store, {
      forward: (...[node, , done]: [number, Buffer, (error: CoterieError, reply: null) => void]) => {
        asked.push(node);
        if (others.length > 1 || node === 98) others = others.slice(1);
        done(new CoterieError('quorum-not-met', 'Too few.'), null);
      },
    });
    const gateway = new VirtualGateway(store);
    expect(await gateway.run(['incr', 'k'])).toEqual([':1\r\n']);
    expect(asked).toEqual([97, 98]);
    others = [99];
    expect(await gateway.run(['incr', 'k'])).toEqual(['-NOQUORUM Too few.\r\n']);
    expect(asked.slice(2)).toEqual([99, 99, 99, 99]);
  });

  it('that fails there by a bug is logged there, and answered', () => {
    const store = new MemoryStore();
    const { gateway, answers, take } = serving(store);
    Object.assign(store, {
      read: () => {
        throw bug();
      },
    });
    take('get', 'k');
    expect(answers).toEqual([`\0${internal}`]);
    expect(gateway.errors).toHaveLength(1);
  });
});
