/** What Redis has no words for: contexts and siblings, consistency per request, the replicas of a key. Prefix CT. */

import { type ConsistencyLevel, parseConsistencyLevel } from '../../../base/levels.ts';
import { hexId } from '../../../base/words.ts';
import type { ReadResult, ReplicaView, WriteOptions, WriteResult } from '../../../ports/key-value-store.ts';
import { isWord, readExpiry, readNumber, word } from '../arguments.ts';
import { type Command, defineCommand, needs, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { checkKeyspace } from '../permissions.ts';
import type { Request } from '../request.ts';
import { deleteMutation, putOrExpired, warnIfLarge } from './strings.ts';

function readLevel(bytes: Buffer): ConsistencyLevel {
  const level = parseConsistencyLevel(bytes.toString('latin1'));
  if (level === undefined)
    throw new CommandError(`ERR unknown consistency level '${bytes.toString('utf8', 0, 64)}'`);
  return level;
}

const wordContext = word('context');
const wordConsistency = word('consistency');
const wordEx = word('ex');
const wordDetails = word('details');

interface Options {
  context: string | null;
  level: ConsistencyLevel | null;
  expiresAtMs: number | null;
}

function readOptions(
  request: Request,
  from: number,
  allowed: readonly Buffer[],
  end = request.argv.length,
): Options {
  const { argv, gateway } = request;
  const options: Options = { context: null, level: null, expiresAtMs: null };
  for (let index = from; index < end; index += 2) {
    const name = allowed.find((candidate) => isWord(argv[index], candidate));
    if (name === undefined || index + 1 >= end) throw new CommandError(errorTexts.syntax);
    const value = argv[index + 1];
    if (name === wordContext) options.context = value.toString('latin1');
    else if (name === wordConsistency) options.level = readLevel(value);
    else {
      const baseMs = gateway.clock.nowMs();
      options.expiresAtMs = readExpiry(value, {
        unit: 'seconds',
        baseMs,
        positive: true,
        commandName: 'ct.put',
      });
    }
  }
  return options;
}

/**
 * CT.GET key [CONSISTENCY level] [DETAILS] → [context, [value …, newest first]]; an absent key has a context, too. With
 * DETAILS, which stands last, each value is [value, hybrid clock reading, expiry in ms or 0].
 */
function get(request: Request): void {
  const { argv, gateway, session } = request;
  const details = isWord(argv[argv.length - 1], wordDetails) && argv.length % 2 === 1;
  const { level } = readOptions(request, 2, [wordConsistency], argv.length - (details ? 1 : 0));
  const options = level === null ? session.readOptions : { level };
  const answer = (result: ReadResult): void => {
    const { siblings } = result;
    const context = result.context();
    const encoder = request.begin();
    encoder.array(2);
    encoder.text(context);
    encoder.array(siblings.length);
    for (const sibling of siblings) {
      if (details) encoder.array(3);
      encoder.bulk(sibling.value);
      if (!details) continue;
      encoder.integer(sibling.timestamp);
      encoder.integer(sibling.expiresAtMs);
    }
    request.end();
  };
  gateway.store.read(request.address!, options, request.onAnswer(answer));
}

/** Without CONTEXT a blind write: it stands beside what is there. */
function writeOptions(request: Request, options: Options): WriteOptions {
  const level = options.level ?? request.session.writeLevel;
  return { basis: { context: options.context ?? '' }, ...(level === null ? {} : { level }) };
}

function answerContext(request: Request, result: WriteResult): void {
  request.noteWrite(result);
  request.text(result.context());
}

/** CT.PUT key value [CONTEXT c] [CONSISTENCY level] [EX seconds] → context that covers the write. */
function put(request: Request): void {
  const { argv, gateway, session } = request;
  const options = readOptions(request, 3, [wordContext, wordConsistency, wordEx]);
  const nowMs = gateway.clock.nowMs();
  const mutation = putOrExpired(argv[2], options.expiresAtMs ?? session.defaultExpiry(nowMs), nowMs);
  warnIfLarge(request, argv[2]);
  gateway.store.write(
    request.address!,
    writeOptions(request, options),
    () => mutation,
    request.onAnswer((result) => answerContext(request, result)),
  );
}

/** CT.DEL key [CONTEXT c] [CONSISTENCY level] → context. */
function del(request: Request): void {
  const options = readOptions(request, 2, [wordContext, wordConsistency]);
  request.gateway.store.write(
    request.address!,
    writeOptions(request, options),
    () => deleteMutation,
    request.onAnswer((result) => answerContext(request, result)),
  );
}

function writeReplica(encoder: ReturnType<Request['begin']>, replica: ReplicaView): void {
  encoder.map(8);
  encoder.text('node');
  encoder.text(hexId(replica.nodeId));
  encoder.text('name');
  encoder.text(replica.nodeName);
  encoder.text('data-center');
  encoder.text(replica.dataCenter);
  encoder.text('state');
  encoder.text(replica.state);
  encoder.text('siblings');
  encoder.integer(replica.siblings.length);
  encoder.text('tombstone');
  encoder.boolean(replica.tombstone);
  encoder.text('relation');
  encoder.text(replica.relation);
  encoder.text('context');
  encoder.text(replica.context);
}

/** CT.REPLICAS key → a map for each replica (flat pairs in RESP2). */
function replicas(request: Request): void {
  const answer = (found: readonly ReplicaView[]): void => {
    const encoder = request.begin();
    encoder.array(found.length);
    for (const replica of found) writeReplica(encoder, replica);
    request.end();
  };
  request.gateway.store.replicas(request.address!, request.onAnswer(answer));
}

const wordRead = word('read');
const wordWrite = word('write');
const wordDefault = word('default');
const wordId = word('id');

/** CT.CONSISTENCY [READ level] [WRITE level]: the connection's own levels; DEFAULT gives them back to the keyspace. */
function consistency(request: Request): void {
  const { argv, session } = request;
  if (argv.length === 1) {
    const { keyspace } = session;
    const encoder = request.begin();
    encoder.map(2);
    encoder.text('read');
    encoder.text(session.readLevel ?? keyspace.readLevel);
    encoder.text('write');
    encoder.text(session.writeLevel ?? keyspace.writeLevel);
    request.end();
    return;
  }
  if (argv.length === 2 && isWord(argv[1], wordDefault)) {
    session.setLevels(null, null);
    request.ok();
    return;
  }
  let { readLevel: read, writeLevel: write } = session;
  for (let index = 1; index < argv.length; index += 2) {
    if (index + 1 >= argv.length) throw new CommandError(errorTexts.syntax);
    const level = isWord(argv[index + 1], wordDefault) ? null : readLevel(argv[index + 1]);
    if (isWord(argv[index], wordRead)) read = level;
    else if (isWord(argv[index], wordWrite)) write = level;
    else throw new CommandError(errorTexts.syntax);
  }
  session.setLevels(read, write);
  request.ok();
}

/**
 * CT.KEYSPACE name [ID number]: as SELECT, for keyspaces that have no number, too. With its number it is that very one, not
 * another that has had the name before or has it now.
 */
function keyspace(request: Request): void {
  const { argv, gateway, session } = request;
  const name = argv[1].toString('utf8');
  if (argv.length !== 2 && !(argv.length === 4 && isWord(argv[2], wordId)))
    throw new CommandError(errorTexts.syntax);
  const id = argv.length === 4 ? readNumber(argv[3]) : null;
  const found = gateway.store
    .keyspaces()
    .find((candidate) => candidate.name === name && (id === null || candidate.id === id));
  if (found === undefined) throw new CommandError(`ERR there is no keyspace '${name.slice(0, 64)}'`);
  checkKeyspace(request, found);
  session.selectKeyspace(found.id);
  request.ok();
}

const group = 'coterie';

export const extensionCommands: readonly Command[] = [
  defineCommand(group, 'ct.get', -2, ['readonly'], get, { keys: oneKey }),
  defineCommand(group, 'ct.put', -3, ['write', 'denyoom'], put, { keys: oneKey }),
  defineCommand(group, 'ct.del', -2, ['write'], del, { keys: oneKey }),
  defineCommand(group, 'ct.keyspace', -2, ['fast'], keyspace, { need: needs.nothing }),
  defineCommand(group, 'ct.replicas', 2, ['readonly'], replicas, { keys: oneKey }),
  defineCommand(group, 'ct.consistency', -1, ['fast'], consistency, { need: needs.nothing }),
];
