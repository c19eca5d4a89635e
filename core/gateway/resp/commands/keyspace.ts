/** The keyspace as a whole: KEYS, SCAN, RANDOMKEY, DBSIZE, FLUSHDB, FLUSHALL. They see the whole cluster's keys. */
import { partitionCount, partitionStart, slotOf, slotsPerPartition } from '../../../base/token.ts';
import type { ScanPage } from '../../../ports/key-value-store.ts';
import { isWord, lowerText, readInteger, readNumber, word } from '../arguments.ts';
import { type Command, defineCommand, needs } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { Gathering } from '../gathering.ts';
import { Glob } from '../glob.ts';
import type { Request } from '../request.ts';

/** Keys per page when everything is walked: large enough to be few pages, small enough not to hold up the node. */
const pageKeyCount = 1_000;
/** A SCAN of no more keys begins at once. */
const countInPassing = 100;
/** A client may ask for more per SCAN; it would only hold up everybody else. */
const scanCountMax = 10_000;
/** What a key costs in a reply that is being gathered, beside its bytes. */
const keyOverheadBytes = 128;
const ringEnd = partitionStart(partitionCount);

/** Steps of matching (Glob.costOf) at a time: about two milliseconds. One long key may cost four times that, and no more. */
const matchStepsAtOnce = 500_000;
/** Matching that costs no more is done at once: it is over sooner than a turn. */
const matchStepsInPassing = 50_000;

/** Walks the whole keyspace; `visit` gets each page and goes on with `next`, `done` runs at the end. Failures answer the request. */
function walk(
  request: Request,
  visit: (keys: readonly Buffer[], next: () => void) => void,
  done: () => void,
): void {
  const keyspace = request.session.keyspace.id;
  const next = (position: number): void =>
    scanPage(request, { keyspace, position, countMax: pageKeyCount }, ({ keys, nextPosition }) =>
      visit(keys, () => {
        if (nextPosition === null) done();
        else nextTurn(request, () => next(nextPosition));
      }),
    );
  nextTurn(request, () => next(0));
}

/** Hands those keys that match to `take`, in as many turns as that needs, then goes on with `next`. */
function eachMatch(
  request: Request,
  glob: Glob,
  keys: readonly Buffer[],
  take: (key: Buffer) => void,
  next: () => void,
): void {
  let index = 0;
  const slice = (): void => {
    for (let steps = 0; index < keys.length && steps < matchStepsAtOnce; index++) {
      const key = keys[index];
      steps += glob.costOf(key.length);
      if (glob.matches(key)) take(key);
    }
    if (index < keys.length) nextTurn(request, slice);
    else next();
  };
  const whole = keys.reduce((sum, key) => sum + glob.costOf(key.length), 0);
  if (whole <= matchStepsInPassing) slice();
  else nextTurn(request, slice);
}

/** Keys for a reply. Each is copied: what was read together with it would be kept as long as the key is. */
class FoundKeys {
  readonly keys: Buffer[] = [];
  private readonly gathering: Gathering;

  constructor(request: Request) {
    this.gathering = new Gathering(request);
    this.gathering.onStop = () => {
      this.keys.length = 0;
    };
  }

  /** Throws what the client is to be told when there is no room for it. */
  add(key: Buffer): void {
    if (!this.gathering.add(key.length + keyOverheadBytes)) {
      throw new CommandError(this.gathering.stopped!);
    }
    this.keys.push(Buffer.from(key));
  }
}

function scanPage(
  request: Request,
  from: { keyspace: number; position: number; countMax: number },
  answer: (page: ScanPage) => void,
): void {
  request.gateway.store.scan(from.keyspace, from.position, from.countMax, request.onAnswer(answer));
}

/** A turn for each page, behind other long work: clients go on, and a store that answers at once does not deepen the stack. */
function nextTurn(request: Request, step: () => void): void {
  request.gateway.turns.take(() =>
    request.attempt(() => {
      if (request.isAbandoned) throw new CommandError(errorTexts.clientGone);
      step();
    }),
  );
}

function answerKeys(request: Request, keys: readonly Buffer[]): void {
  const encoder = request.begin();
  encoder.array(keys.length);
  for (const key of keys) encoder.bulk(key);
  request.end();
}

function keys(request: Request): void {
  const glob = new Glob(request.argv[1]);
  const found = new FoundKeys(request);
  walk(
    request,
    (page, next) => eachMatch(request, glob, page, (key) => found.add(key), next),
    () => answerKeys(request, found.keys),
  );
}

const wordMatch = word('match');
const wordCount = word('count');
const wordType = word('type');

function readCursor(bytes: Buffer): number {
  const text = bytes.toString('latin1');
  const value = /^-?[0-9]{1,20}$/.test(text) ? BigInt(text) : 1n << 64n;
  if (value >= 1n << 64n) throw new CommandError(errorTexts.invalidCursor);
  // Redis reads a negative number as a huge one: a place behind the end.
  return value < 0n ? ringEnd : Number(value);
}

function scan(request: Request): void {
  const { argv, session } = request;
  const cursor = readCursor(argv[1]);
  let glob: Glob | null = null;
  let count = 10;
  let onlyType: string | null = null;
  for (let index = 2; index < argv.length; index += 2) {
    if (index + 1 >= argv.length) throw new CommandError(errorTexts.syntax);
    const value = argv[index + 1];
    if (isWord(argv[index], wordMatch)) glob = new Glob(value);
    else if (isWord(argv[index], wordCount)) {
      count = readNumber(value);
      if (count < 1) throw new CommandError(errorTexts.syntax);
    } else if (isWord(argv[index], wordType)) onlyType = lowerText(value);
    else throw new CommandError(errorTexts.syntax);
  }
  const answer = (found: readonly Buffer[], next: number | null): void => {
    const encoder = request.begin();
    encoder.array(2);
    encoder.text(String(next ?? 0));
    encoder.array(found.length);
    for (const key of found) encoder.bulk(key);
    request.end();
  };
  // Beyond the ring's end: a cursor we never gave. Redis answers such with an empty page, too. And where only a type is
  // wanted that no key here has, nothing need be walked to find none.
  if (cursor >= ringEnd || (onlyType !== null && onlyType !== 'string')) {
    answer([], null);
    return;
  }
  const from = { keyspace: session.keyspace.id, position: cursor, countMax: Math.min(count, scanCountMax) };
  const begin = (step: () => void): void => {
    if (from.countMax <= countInPassing) step();
    else nextTurn(request, step);
  };
  const found = (page: ScanPage): void => {
    if (glob === null) {
      answer(page.keys, page.nextPosition);
      return;
    }
    const matching: Buffer[] = [];
    const take = (key: Buffer): void => void matching.push(key);
    eachMatch(request, glob, page.keys, take, () => answer(matching, page.nextPosition));
  };
  begin(() => scanPage(request, from, found));
}

/** A random place on the ring, then the next keys: as even as the keys lie. An empty tail goes on at the start. */
function randomkey(request: Request): void {
  const { gateway, session } = request;
  const keyspace = session.keyspace.id;
  const look = (position: number, mayWrap: boolean): void =>
    scanPage(request, { keyspace, position, countMax: 8 }, ({ keys: found, nextPosition }) => {
      if (found.length > 0) request.bulk(found[Math.floor(gateway.random.next() * found.length)]);
      else if (nextPosition !== null) nextTurn(request, () => look(nextPosition, mayWrap));
      else if (mayWrap) look(0, false);
      else request.nil();
    });
  look(Math.floor(gateway.random.next() * ringEnd), true);
}

function dbsize(request: Request): void {
  const answer = request.onAnswer<number>((count) => request.integer(count));
  request.gateway.store.count(request.session.keyspace.id, null, answer);
}

const flushModes = [word('async'), word('sync')];

function checkFlushMode(argv: readonly Buffer[]): void {
  if (argv.length === 1) return;
  if (argv.length > 2 || !flushModes.some((mode) => isWord(argv[1], mode)))
    throw new CommandError(errorTexts.syntax);
}

function flushdb(request: Request): void {
  checkFlushMode(request.argv);
  const answer = request.onAnswer(() => request.ok());
  request.gateway.store.flush(request.session.keyspace.id, answer);
}

/** Every keyspace that has a database number: the others are out of a Redis client's sight, and so of its reach. */
function flushall(request: Request): void {
  checkFlushMode(request.argv);
  const { store } = request.gateway;
  const keyspaces = store.keyspaces().filter((keyspace) => keyspace.database !== null);
  const next = (index: number): void => {
    if (index === keyspaces.length) {
      request.ok();
      return;
    }
    store.flush(
      keyspaces[index].id,
      request.onAnswer(() => next(index + 1)),
    );
  };
  next(0);
}

/** Keys of one Redis Cluster slot, at most `count`: CLUSTER GETKEYSINSLOT. */
export function answerKeysInSlot(request: Request, slot: number, countBytes: Buffer): void {
  const count = readInteger(countBytes);
  if (count < 0) throw new CommandError('ERR Invalid number of keys');
  const keyspace = request.session.keyspace.id;
  const found = new FoundKeys(request);
  // The keys of a slot are spread over its partition: positions leave the slot's own bits out.
  const partition = Math.floor(slot / slotsPerPartition);
  const end = partitionStart(partition + 1);
  const next = (position: number): void =>
    scanPage(request, { keyspace, position, countMax: 100 }, (page) => {
      for (const key of page.keys) if (slotOf(key) === slot && found.keys.length < count) found.add(key);
      const { nextPosition } = page;
      if (nextPosition === null || nextPosition >= end || found.keys.length >= count)
        answerKeys(request, found.keys);
      else nextTurn(request, () => next(nextPosition));
    });
  next(partitionStart(partition));
}

const group = 'generic';

export const keyspaceCommands: readonly Command[] = [
  defineCommand(group, 'keys', 2, ['readonly'], keys),
  defineCommand(group, 'scan', -2, ['readonly'], scan),
  defineCommand(group, 'randomkey', 1, ['readonly'], randomkey),
  defineCommand('server', 'dbsize', 1, ['readonly', 'fast'], dbsize),
  defineCommand('server', 'flushdb', -1, ['write'], flushdb, {
    need: { access: 'admin', keyspaces: 'selected' },
  }),
  defineCommand('server', 'flushall', -1, ['write'], flushall, { need: needs.administeringAll }),
];
