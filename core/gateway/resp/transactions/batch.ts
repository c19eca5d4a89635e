/**
 * A transaction on its way from the client's node to the one that has the last word of its keys, and there. It travels as one
 * internal command whose first key names the slot:
 *   CT.EXEC routing-key number-of-watched (key context expiry)… (command as RESP)…
 */
import { addressOf } from '../../../base/token.ts';
import type { Mutation, TogetherKey, TogetherValue } from '../../../ports/key-value-store.ts';
import { togetherBytesMax } from '../../../wire/peer/put-together.ts';
import { encodeCommand, type RespEncoder } from '../../../wire/resp/encoder.ts';
import { RespRequestParser, respParserDefaults } from '../../../wire/resp/parser.ts';
import { RespErrorReply, type RespReply, RespReplyParser } from '../../../wire/resp/reply-parser.ts';
import { word } from '../arguments.ts';
import { keyPositions } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { type ReplySink, Request } from '../request.ts';
import { Session } from '../session.ts';
import { BatchStore } from './batch-store.ts';
import type { Queued, Watched } from './transaction.ts';

const wordExec = word('ct.exec');
/** Nothing else is done meanwhile. Longer, and this node would be taken for one that stood still (standstill.ts). */
const runMsMax = 2_000;

/** Null: it names no key, and may run anywhere. */
export function batchWords(queued: readonly Queued[], watched: readonly Watched[]): Buffer[] | null {
  const routingKey = watched[0]?.key ?? queued.flatMap(keysOf)[0];
  if (routingKey === undefined) return null;
  const words: Buffer[] = [wordExec, routingKey, Buffer.from(String(watched.length))];
  for (const { key, context, expiresAtMs } of watched) {
    words.push(key, Buffer.from(context, 'latin1'), Buffer.from(String(expiresAtMs)));
  }
  for (const { argv } of queued) words.push(encodeCommand(argv));
  return words;
}

function keysOf({ command, argv }: Queued): Buffer[] {
  return keyPositions(command, argv.length).map((at) => argv[at]);
}

interface Batch {
  readonly watched: readonly Watched[];
  readonly queued: readonly Queued[];
}

/** Read for what it needs, and again for running it: up to ten thousand commands are parsed once. */
const batches = new WeakMap<Request, Batch>();

function batchOf(request: Request): Batch {
  const batch = batches.get(request) ?? readBatch(request);
  batches.set(request, batch);
  return batch;
}

function readBatch({ argv, gateway }: Request): Batch {
  const watchedCount = Number(argv[2].toString('latin1'));
  const commandsFrom = 3 + 3 * watchedCount;
  if (!Number.isSafeInteger(watchedCount) || commandsFrom > argv.length) throw malformed();
  const watched = Array.from({ length: watchedCount }, (_, index) => ({
    key: argv[3 + 3 * index],
    context: argv[4 + 3 * index].toString('latin1'),
    expiresAtMs: Number(argv[5 + 3 * index].toString('latin1')),
  }));
  const queued = argv.slice(commandsFrom).map((bytes) => {
    const parser = new RespRequestParser({
      ...respParserDefaults,
      bulkBytesMax: gateway.settings.valueBytesMax,
    });
    parser.push(bytes);
    const words = parser.next();
    const command = words === null ? null : gateway.table.find(words[0]);
    if (words === null || command === null) throw malformed();
    return { command, argv: words };
  });
  return { watched, queued };
}

function malformed(): CommandError {
  return new CommandError('ERR a transaction from another node is malformed. Do all run the same version?');
}

/**
 * Runs them one after the other; each has answered within its call. Answers the replies, in order. Throws when they come to more than
 * one step may be.
 */
export function runQueued(parent: Request, queued: readonly Queued[], session: Session): Buffer[][] {
  const { gateway } = parent;
  const startedAtMs = gateway.clock.monotonicMs();
  const replyBytesMax = Math.min(gateway.settings.outputBufferBytesMax, togetherBytesMax);
  let bytes = 0;
  return queued.map(({ argv }) => {
    let reply: Buffer[] | null = null;
    const sink: ReplySink = {
      client: null,
      deliver(_request: Request, encoder: RespEncoder) {
        reply = encoder.take();
      },
    };
    const request = new Request(gateway, session, argv, sink);
    if (gateway.admit(request)) gateway.run(request);
    // One that waits for something has not been thought of: nothing of the transaction is written.
    if (reply === null) throw new CommandError(errorTexts.internal);
    for (const piece of reply as Buffer[]) bytes += piece.length;
    if (bytes > replyBytesMax) throw tooMuch(`the replies would be larger than ${replyBytesMax} bytes`);
    if (session.store instanceof BatchStore && session.store.isTooLarge) {
      throw tooMuch(`the values would be larger than ${togetherBytesMax} bytes`);
    }
    if (gateway.clock.monotonicMs() - startedAtMs > runMsMax) {
      throw tooMuch(`it would hold up this node for more than ${runMsMax} ms`);
    }
    return reply;
  });
}

function tooMuch(what: string): CommandError {
  return new CommandError(`ERR ${what}. Nothing was done; make it several transactions`);
}

export function answerAll(request: Request, replies: readonly Buffer[][]): void {
  const encoder = request.begin();
  encoder.array(replies.length);
  for (const reply of replies) for (const piece of reply) encoder.raw(piece);
  request.end();
}

const [arrayKind, errorKind] = [0x2a, 0x2d];

/** Which of the commands failed, by the reply of CT.EXEC; null: none was done. */
export function failuresIn(reply: readonly Buffer[]): ReadonlySet<number> | null {
  if (reply[0][0] !== arrayKind || reply[0][1] === errorKind) return null;
  const failed = new Set<number>();
  // Replies are rarely errors and may be long: looked into only where something looks like one.
  if (!reply.some((piece) => piece[0] === errorKind || piece.includes('\r\n-'))) return failed;
  const parser = new RespReplyParser();
  for (const piece of reply) parser.push(piece);
  for (const [index, each] of (parser.next() as RespReply[]).entries()) {
    if (each instanceof RespErrorReply) failed.add(index);
  }
  return failed;
}

/**
 * Bytes that CT.EXEC needs: what is there of its keys is read and copied, what is new goes to each replica, and the replies wait for
 * each other.
 */
export function workBytesOf(request: Request): number {
  const { gateway, session } = request;
  try {
    const { watched, queued } = batchOf(request);
    const { id } = session.keyspace;
    const sizes = new Map<string, number>();
    const sizeOf = (key: Buffer): number => {
      const name = key.toString('latin1');
      const size = sizes.get(name) ?? gateway.store.sizeOf(addressOf(id, key));
      sizes.set(name, size);
      return size;
    };
    for (const { key } of watched) sizeOf(key);
    let grownBytes = 0;
    let replyBytes = 0;
    for (const { command, argv } of queued) {
      grownBytes += command.growth?.(argv) ?? 0;
      for (const at of keyPositions(command, argv.length)) replyBytes += sizeOf(argv[at]);
    }
    const heldBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const newBytes = request.bytes + Math.min(grownBytes, togetherBytesMax);
    return 2 * (heldBytes + Math.min(replyBytes, togetherBytesMax)) + 3 * newBytes;
  } catch {
    // It itself will say what is wrong with it.
    return 0;
  }
}

/** CT.EXEC, at the node that has the last word. */
export function executeBatch(request: Request): void {
  const { gateway, session } = request;
  const { watched, queued } = batchOf(request);
  const keyspace = session.keyspace.id;
  const keys = new Map<string, TogetherKey & { readonly key: Buffer }>();
  for (const { key, context } of watched) {
    keys.set(key.toString('latin1'), { key, address: addressOf(keyspace, key), onlyIf: context });
  }
  for (const key of queued.flatMap(keysOf)) {
    const name = key.toString('latin1');
    if (!keys.has(name)) keys.set(name, { key, address: addressOf(keyspace, key) });
  }
  const all = [...keys.values()];
  /** Null: a watched key has changed. */
  let replies: Buffer[][] | null = null;
  let afterwards: (() => void)[] = [];
  const decide = (values: readonly TogetherValue[]): readonly Mutation[] => {
    const store = new BatchStore(gateway.store.keyspaces(), keyspace);
    replies = null;
    afterwards = [];
    // A value that has expired since is gone, though nobody wrote.
    const nowMs = gateway.clock.nowMs();
    const hasExpired = watched.some(({ expiresAtMs }) => expiresAtMs !== 0 && expiresAtMs <= nowMs);
    if (hasExpired || values.some(({ isAsExpected }) => !isAsExpected)) {
      return all.map(() => ({ kind: 'none' }));
    }
    for (const [index, { key }] of all.entries()) store.add(key, values[index].siblings);
    const own = new Session(store, true);
    own.protocol = session.protocol;
    own.afterwards = afterwards = [];
    own.selectKeyspace(keyspace);
    own.setLevels(session.readLevel, session.writeLevel);
    replies = runQueued(request, queued, own);
    return all.map(({ key }) => store.mutationOf(key));
  };
  const { level, readLevel, order } = session.quorumWrite;
  gateway.store.writeTogether(
    all,
    { level, readLevel, order },
    (values) => request.decide(() => decide(values)),
    request.onAnswer((result) => {
      if (result.written) request.noteWritten(result, false);
      for (const deed of afterwards) deed();
      if (replies !== null) {
        answerAll(request, replies);
        return;
      }
      request.begin().nilArray();
      request.end();
    }),
  );
}
