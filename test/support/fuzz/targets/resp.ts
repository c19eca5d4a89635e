/** Redis' protocol: parsers, every command with its arguments, and what gateways pass on to each other. */
import type { Socket } from 'node:net';
import type { CoterieError } from '../../../../core/base/errors.ts';
import { wishOf } from '../../../../core/gateway/resp/acl-rules.ts';
import { createCommandTable } from '../../../../core/gateway/resp/command-table.ts';
import { Connection } from '../../../../core/gateway/resp/connection.ts';
import {
  encodeForwarded,
  readForwardedReply,
  serveForwarded,
} from '../../../../core/gateway/resp/forwarding.ts';
import { Gateway } from '../../../../core/gateway/resp/gateway.ts';
import { Glob } from '../../../../core/gateway/resp/glob.ts';
import { Publishing } from '../../../../core/gateway/resp/pubsub/publishing.ts';
import { Session } from '../../../../core/gateway/resp/session.ts';
import { respServerDefaults } from '../../../../core/gateway/resp/settings.ts';
import { encodeCommand } from '../../../../core/wire/resp/encoder.ts';
import { RespProtocolError, RespRequestParser } from '../../../../core/wire/resp/parser.ts';
import { RespReplyParser } from '../../../../core/wire/resp/reply-parser.ts';
import { LogCapture } from '../../log-capture.ts';
import { keyspaceView, MemoryStore } from '../../memory-store.ts';
import { commandsOf, scripts } from '../../resp-scripts.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { VirtualTime } from '../../virtual-time.ts';
import { PlainSocket } from '../plain-socket.ts';
import { type FuzzTarget, reader } from '../target.ts';

const table = createCommandTable();
const scriptSeeds = Object.values(scripts).map((script) =>
  Buffer.concat(
    commandsOf(script)
      .slice(0, 12)
      .map((words) => encodeCommand(words)),
  ),
);
/** Every word of the scripts is one that some command knows, or nearly. */
const scriptWords = [
  ...new Set(Object.values(scripts).flatMap((script) => commandsOf(script).flat())),
].filter((word) => word.length < 24);
const protocolWords = [
  '*1\r\n',
  '*2\r\n$3\r\n',
  '$-1\r\n',
  '$0\r\n\r\n',
  ':',
  '+OK\r\n',
  '%1\r\n',
  '~1\r\n',
  '>2\r\n',
  '|1\r\n',
  '_\r\n',
  '#t\r\n',
  '\\x',
  '"',
];

/** What a parser finds in bytes that are cut after `size` bytes each time: what was read, and the refusal that ended it. */
function found(parser: RespRequestParser | RespReplyParser, bytes: Buffer, size: number): string {
  const items: unknown[] = [];
  // Of commands none is null, of replies none is undefined.
  const nothing = parser instanceof RespReplyParser ? undefined : null;
  try {
    for (let at = 0; at < bytes.length; at += size) {
      parser.push(bytes.subarray(at, at + size));
      for (let next = parser.next(); next !== nothing; next = parser.next()) items.push(next);
    }
  } catch (cause) {
    if (!(cause instanceof RespProtocolError)) throw cause;
    items.push(cause.message);
  }
  return JSON.stringify(items, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

function parser(
  name: string,
  open: () => RespRequestParser | RespReplyParser,
  seeds: readonly Buffer[],
): FuzzTarget {
  return {
    ...{ name, seeds, words: protocolWords },
    run(bytes) {
      const whole = found(open(), bytes, bytes.length || 1);
      for (const size of [1, 7]) {
        if (found(open(), bytes, size) !== whole)
          throw new Error('What it reads depends on where the bytes are cut.');
      }
      return /Protocol error: [a-z ]*/.exec(whole)?.[0] ?? `${whole.length > 2}`;
    },
  };
}

/** A new gateway over a store that is empty, and what it says to whom. */
function gatewayOf(store = new MemoryStore({ keyspaces: [keyspaceView(0), keyspaceView(1)] })) {
  const time = new VirtualTime();
  const log = new LogCapture();
  const components = { store, clock: time, timers: time, log, random: new SeededRandom(1) };
  // Small enough for a step to stay within the memory that an input may take.
  const gateway = new Gateway(components, { ...respServerDefaults, valueBytesMax: 1_048_576 }, table);
  const settled = async () => {
    await time.advance(1_000);
    const [error] = log.errors;
    if (error !== undefined) throw new Error(`${error.message} ${JSON.stringify(error.facts)}`);
  };
  return { gateway, store, settled };
}

/** Throws for anything but replies, whole ones. */
function checkReplies(bytes: Buffer, count: number | null): string {
  const replies = new RespReplyParser();
  replies.push(bytes);
  let heard = 0;
  let kinds = '';
  for (let next = replies.next(); next !== undefined; next = replies.next()) {
    heard++;
    kinds += next === null ? '_' : (next.constructor?.name ?? typeof next)[0];
  }
  if (count !== null && heard !== count) throw new Error(`${count} replies were due, ${heard} came.`);
  return kinds;
}

/** Many commands are many milliseconds. */
const commandBytesMax = 1_024;

const commands: FuzzTarget = {
  ...{ name: 'resp-commands', seeds: scriptSeeds, words: scriptWords },
  async run(bytes) {
    const { gateway, settled } = gatewayOf();
    const socket = new PlainSocket();
    const owner = {
      markDirty: (one: Connection) => gateway.timers.atTurnEnd(() => one.flush()),
      ...{ spoke() {}, proven() {}, closed() {} },
    };
    const components = { gateway, owner, socket: socket as unknown as Socket };
    const connection = new Connection(components, { id: 1, isOnProbation: false });
    gateway.clients.set(1, connection);
    socket.emit('data', Buffer.from(bytes.subarray(0, commandBytesMax)));
    await settled();
    socket.emit('end');
    await settled();
    const said = Buffer.concat(socket.written);
    socket.destroy();
    return checkReplies(said, null).slice(0, 3);
  },
};

const session = new Session(new MemoryStore(), true);
const forwarded: FuzzTarget = {
  name: 'forwarded-command',
  seeds: ['SET k v', 'GET k', 'INCRBY k 5', 'APPEND k abc', 'GETRANGE k 0 -1'].map((text) =>
    encodeForwarded(
      session,
      text.split(' ').map((word) => Buffer.from(word)),
      7,
    ),
  ),
  words: ['1 2 1 - -', '1 2 1 - - 8', '1 3 1 ONE QUORUM', '1 2 999 ALL LOCAL_QUORUM', ...protocolWords],
  async run(bytes) {
    const { gateway, store, settled } = gatewayOf();
    let serve: Parameters<MemoryStore['onForwarded']>[0] = () => {};
    store.onForwarded = (handler) => {
      serve = handler;
    };
    serveForwarded(gateway);
    const answers: [CoterieError | null, Buffer | null][] = [];
    serve(bytes, (...answer) => answers.push(answer));
    await settled();
    if (answers.length !== 1) throw new Error(`${answers.length} answers to one command.`);
    const [[error, body]] = answers;
    if (error !== null) return error.code;
    return checkReplies(readForwardedReply(body!).body, 1);
  },
};

export const respTargets: readonly FuzzTarget[] = [
  parser('resp-requests', () => new RespRequestParser(), [
    ...scriptSeeds.slice(0, 4),
    Buffer.from('set k "a\\x41\\n b" \'c\'\r\nPING\r\n\r\n'),
  ]),
  parser('resp-replies', () => new RespReplyParser(), [
    Buffer.from('+OK\r\n-ERR no\r\n:12\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:1\r\n*-1\r\n'),
    Buffer.from(
      '%1\r\n+a\r\n~1\r\n_\r\n|1\r\n+k\r\n+v\r\n#t\r\n,1.5\r\n(123456789012345678901\r\n=7\r\ntxt:abc\r\n!3\r\nERR\r\n>2\r\n+message\r\n+x\r\n',
    ),
  ]),
  commands,
  forwarded,
  reader({
    ...{
      name: 'forwarded-reply',
      refusals: ['unavailable'],
      words: protocolWords,
      seeds: ['\x02+OK\r\n', '\x00$3\r\nabc\r\n', '\xff:1\r\n'],
    },
    read: readForwardedReply,
    holds({ acknowledgedCount, body }, input) {
      if (acknowledgedCount !== input[0] || !body.equals(input.subarray(1)))
        throw new Error('Another reply.');
      return undefined;
    },
  }),
  reader({
    ...{ name: 'published', refusals: ['bad-input'], words: protocolWords },
    seeds: [encodeCommand(['channel', 'news', 'text']), encodeCommand(['shard', '', '\0'])],
    read(bytes) {
      let hear: (message: Buffer) => void = () => {};
      const messages = {
        tellOthers() {},
        droppedCount: 0,
        onTold: (handler: typeof hear) => {
          hear = handler;
        },
      };
      const publishing = new Publishing(messages, { take: (action) => action() });
      hear(bytes);
      return publishing.deliveredCount;
    },
  }),
  reader({
    ...{ name: 'acl-rules', refusals: ['bad-input'] },
    seeds: [
      'on >secret ~* +@all',
      'on >pw allkeys -@all +@read db=db0 &*',
      'reset on >a ~* +@write resetdbs db=db1',
      'nopass',
      '+get ~a* -@admin',
    ],
    words: [
      'on',
      'off',
      ' ~*',
      ' +@all',
      ' -@all',
      ' +@admin',
      ' >p',
      ' <p',
      ' db=db0',
      ' alldbs',
      ' reset',
      ' resetkeys',
      ' allchannels',
      ' constructor',
      ' +@__proto__',
      ' (~a)',
    ],
    read(bytes) {
      const words = bytes
        .toString('latin1')
        .split(' ')
        .map((word) => Buffer.from(word, 'latin1'));
      const keyspaces = [keyspaceView(0), keyspaceView(1)];
      return [null, { access: 'read' as const, keyspaces: ['db0'] }].map((before) =>
        wishOf('anna', words, { before, keyspaces }),
      );
    },
    holds([wish]) {
      const isSound = [null, 'none', 'read', 'write', 'admin'].includes(wish.access);
      if (!isSound || (wish.isNew && wish.password === null)) throw new Error('A user that may not be.');
      return `${wish.access} ${wish.keyspaces?.length}`;
    },
  }),
  reader({
    ...{
      name: 'glob',
      refusals: ['bad-input'],
      words: ['*', '?', '[', ']', '^', '-', '\\', '[^', '[a-', '**'],
    },
    seeds: [
      '*\nkey',
      'k?y*\nkeys',
      '[a-c]x[^d]\nbxe',
      '\\*a*b*c\n*abc',
      'h[\\]a]*llo\nh]llo',
      `${'a*'.repeat(20)}\n${'a'.repeat(200)}`,
    ],
    read(bytes) {
      const end = bytes.indexOf(0x0a);
      const pattern = end < 0 ? bytes : bytes.subarray(0, end);
      const text = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 1);
      const glob = new Glob(pattern);
      if (!(glob.costOf(text.length) > 0) || !(glob.heldBytes >= 0))
        throw new Error('It says that it costs nothing.');
      return glob.matches(text);
    },
    holds: (isMatch) => `${isMatch}`,
  }),
];
