/** What Redis has no words for: contexts and siblings, consistency per request, the replicas of a key. Prefix CT. */

import { contentTypeOf } from '../../../base/content-type.ts';
import { type ConsistencyLevel, parseConsistencyLevel } from '../../../base/levels.ts';
import { hexId } from '../../../base/words.ts';
import type { Mutation, ReadResult, ReplicaView, WriteOptions } from '../../../ports/key-value-store.ts';
import { isWord, readExpiry, readNumber, word } from '../arguments.ts';
import { type Command, defineCommand, needs, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { checkKeyspace } from '../permissions.ts';
import type { Request } from '../request.ts';
import { deleteMutation, noMutation, putOrExpired, warnIfLarge } from './strings.ts';

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
const wordType = word('type');

const wordPlain = word('plain');
const wordNx = word('nx');
const wordXx = word('xx');
const wordIf = word('if');
/** What a write goes by: one of them at most. */
const basisWords = [wordContext, wordPlain, wordNx, wordXx, wordIf];
const conditionWords = [wordNx, wordXx, wordIf];
/** Options without a value. */
const flagWords = [wordPlain, wordNx, wordXx];

interface Options {
  /** One of `basisWords`. */
  basis: Buffer | null;
  context: string;
  level: ConsistencyLevel | null;
  expiresAtMs: number | null;
  contentType: string | undefined;
}

function readOptions(
  request: Request,
  from: number,
  allowed: readonly Buffer[],
  end = request.argv.length,
): Options {
  const { argv, gateway } = request;
  const options: Options = {
    ...{ basis: null, context: '', level: null, expiresAtMs: null },
    contentType: undefined,
  };
  for (let index = from; index < end; index++) {
    const name = allowed.find((candidate) => isWord(argv[index], candidate));
    if (name === undefined) throw new CommandError(errorTexts.syntax);
    if (basisWords.includes(name)) {
      if (options.basis !== null) throw new CommandError(errorTexts.syntax);
      options.basis = name;
    }
    if (flagWords.includes(name)) continue;
    index += 1;
    if (index >= end) throw new CommandError(errorTexts.syntax);
    const value = argv[index];
    if (name === wordContext || name === wordIf) options.context = value.toString('latin1');
    else if (name === wordConsistency) options.level = readLevel(value);
    else if (name === wordType) options.contentType = contentTypeOf(value.toString('latin1', 0, 256));
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
 * DETAILS, which stands last, each value is [value, hybrid clock reading, expiry in ms or 0, content type or ''].
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
      if (details) encoder.array(4);
      encoder.bulk(sibling.value);
      if (!details) continue;
      encoder.integer(sibling.timestamp);
      encoder.integer(sibling.expiresAtMs);
      encoder.text(sibling.contentType ?? '');
    }
    request.end();
  };
  gateway.store.read(request.address!, options, request.onAnswer(answer));
}

const isConditional = ({ basis }: Options) => basis !== null && conditionWords.includes(basis);

/** Without any of `basisWords` a blind write: it stands beside what is there. */
function writeOptions({ session }: Request, options: Options): WriteOptions {
  const { basis, context } = options;
  const level = options.level ?? session.writeLevel;
  const at = level === null ? {} : { level };
  if (basis === wordPlain) return { basis: 'held', ...at };
  if (!isConditional(options)) return { basis: { context }, ...at };
  // A level that is named is for what is read first as well; at ANY nothing can be read.
  const readLevel = options.level === null || options.level === 'ANY' ? session.readLevel : options.level;
  return {
    basis: 'quorum',
    ...at,
    ...(readLevel === null ? {} : { readLevel }),
    ...(session.order === 0 ? {} : { order: session.order }),
    ...(basis === wordIf ? { onlyIf: context } : {}),
  };
}

function change(request: Request, options: Options, mutation: Mutation): void {
  const conditional = isConditional(options);
  let found = 0;
  request.gateway.store.write(
    request.address!,
    writeOptions(request, options),
    ({ length }) => {
      found = length;
      return conditional && (options.basis === wordNx) !== (length === 0) ? noMutation : mutation;
    },
    request.onAnswer((result) => {
      if (result.written) request.noteWrite(result, mutation);
      const context = result.context();
      const encoder = request.begin();
      if (conditional) {
        encoder.array(3);
        encoder.integer(result.written ? 1 : 0);
      }
      encoder.text(context);
      if (conditional) encoder.integer(found);
      request.end();
    }),
  );
}

const putWords = [...basisWords, wordConsistency, wordEx, wordType];
const delWords = [wordContext, wordXx, wordIf, wordConsistency];

/**
 * CT.PUT key value [CONTEXT c | PLAIN | NX | XX | IF c] [CONSISTENCY level] [EX seconds] [TYPE t] → context that covers the write. PLAIN: over
 * all that its coordinator holds, as SET. With a condition (NX: no value is there; XX: one is; IF: one is, and the context covers
 * all there is), decided where INCR is: [1, that context, values found], or [0, context of what is there, values found].
 */
function put(request: Request): void {
  const { argv, gateway, session } = request;
  const options = readOptions(request, 3, putWords);
  const nowMs = gateway.clock.nowMs();
  const expiresAtMs = options.expiresAtMs ?? session.defaultExpiry(nowMs);
  warnIfLarge(request, argv[2]);
  const { contentType } = options;
  change(request, options, putOrExpired({ value: argv[2], contentType }, expiresAtMs, nowMs));
}

/** CT.DEL key [CONTEXT c | XX | IF c] [CONSISTENCY level] → as CT.PUT. */
function del(request: Request): void {
  change(request, readOptions(request, 2, delWords), deleteMutation);
}

/** Commands with a condition meet in one place; a value that looks like one costs a hop, and nothing else. */
function hasCondition(argv: readonly Buffer[]): boolean {
  return argv.some((word, index) => index > 1 && conditionWords.some((condition) => isWord(word, condition)));
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
  defineCommand(group, 'ct.put', -3, ['write', 'denyoom'], put, {
    keys: oneKey,
    exclusive: hasCondition,
  }),
  defineCommand(group, 'ct.del', -2, ['write'], del, { keys: oneKey, exclusive: hasCondition }),
  defineCommand(group, 'ct.keyspace', -2, ['fast'], keyspace, { need: needs.nothing }),
  defineCommand(group, 'ct.replicas', 2, ['readonly'], replicas, { keys: oneKey }),
  defineCommand(group, 'ct.consistency', -1, ['fast'], consistency, { need: needs.nothing }),
];
