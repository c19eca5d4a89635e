/** A key under another name: RENAME, RENAMENX, COPY, made of a load, a store and a delete, each where its key is decided. */
import type { LiveValue } from '../../../ports/key-value-store.ts';
import { isWord, readNumber, word } from '../arguments.ts';
import { type Command, defineCommand, oneKey } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { isErrorReply, runPart } from '../parts.ts';
import { checkKeyspace } from '../permissions.ts';
import type { Request } from '../request.ts';
import { Session } from '../session.ts';
import { deleteMutation, modify, noMutation, putOrExpired } from './strings.ts';

const nx = word('nx');
const loadName = word('ct.load');
/** Of their own, so that whoever decides the key can tell listeners what was done to it. */
const names = { copied: word('ct.store'), renamed: word('ct.rename'), from: word('ct.renamed') };
const emptyReply = '*0\r\n';

/** Between gateways only: value and expiry of a key, read at the place where read-modify-write commands meet. */
function load(request: Request): void {
  let found: LiveValue | undefined;
  modify(
    request,
    (current) => {
      found = current;
      return noMutation;
    },
    () => {
      const encoder = request.begin();
      encoder.array(found === undefined ? 0 : 3);
      if (found !== undefined) {
        encoder.bulk(found.value);
        encoder.text(String(found.expiresAtMs));
        encoder.text(found.contentType ?? '');
      }
      request.end();
    },
  );
}

interface Loaded {
  readonly value: Buffer;
  readonly expiresAt: Buffer;
  /** Empty: none. */
  readonly contentType: Buffer;
}

/** Answers the request itself when the key cannot be read; null = no such key. */
function loadKey(request: Request, key: Buffer, done: (loaded: Loaded | null) => void): void {
  runPart(request, [loadName, key], (reply) => {
    if (isErrorReply(reply)) {
      request.raw(reply);
      return;
    }
    const bytes = reply.length === 1 ? reply[0] : Buffer.concat(reply);
    if (bytes.length === emptyReply.length) {
      done(null);
      return;
    }
    // *3 CRLF, then three times $n CRLF bytes CRLF
    const bulkAt = (start: number): Buffer => {
      const from = bytes.indexOf('\r\n', start) + 2;
      return bytes.subarray(from, from + Number(bytes.toString('latin1', start + 1, from - 2)));
    };
    const after = (bulk: Buffer): number => bulk.byteOffset - bytes.byteOffset + bulk.length + 2;
    const value = bulkAt(4);
    const expiresAt = bulkAt(after(value));
    done({ value, expiresAt, contentType: bulkAt(after(expiresAt)) });
  });
}

/** SET of a loaded value. `replace` false: only where nothing is; then `done` learns whether it was written. */
function storeLoaded(
  request: Request,
  key: Buffer,
  loaded: Loaded,
  options: { name: Buffer; replace: boolean; session: Session },
  done: (written: boolean) => void,
): void {
  const forever = loaded.expiresAt.length === 1 && loaded.expiresAt[0] === 0x30;
  // Internal: a SET that names no expiry would get the keyspace's default time to live.
  const expiresAt = forever ? word('0') : loaded.expiresAt;
  const argv = [options.name, key, loaded.value, expiresAt, loaded.contentType];
  if (!options.replace) argv.push(nx);
  runPart(
    request,
    argv,
    (reply) => {
      if (isErrorReply(reply)) request.raw(reply);
      else done(reply[0][1] === 0x31);
    },
    options.session,
  );
}

/** Between gateways only: `CT.STORE key value expiresAtMs content-type [NX]`, also as CT.RENAME → 1 when written. */
function store(request: Request): void {
  const { argv } = request;
  const expiresAtMs = readNumber(argv[3]);
  let written = false;
  modify(
    request,
    (current) => {
      written = argv.length === 5 || current === undefined;
      const contentType = argv[4].length === 0 ? undefined : argv[4].toString('latin1');
      return written ? putOrExpired({ value: argv[2], contentType }, expiresAtMs, 0) : noMutation;
    },
    () => request.integer(written ? 1 : 0),
  );
}

/** Between gateways only: `CT.RENAMED from to`, once the value is under the new name. */
function renamed(request: Request): void {
  modify(
    request,
    (current) => (current === undefined ? noMutation : deleteMutation),
    () => {
      request.gateway.notifications.renamed(request, request.argv[2]);
      request.ok();
    },
  );
}

/**
 * Load, store, delete: three steps on two keys, not one. A crash in between leaves the value under both names; it is
 * never lost. A write to the old name between load and delete is lost with it.
 */
function rename(replace: boolean): Command['run'] {
  return (request) => {
    const [, from, to] = request.argv;
    const answer = (done: boolean): void => {
      if (replace) request.ok();
      else request.integer(done ? 1 : 0);
    };
    loadKey(request, from, (loaded) => {
      if (loaded === null) {
        request.error(errorTexts.noSuchKey);
        return;
      }
      if (from.equals(to)) {
        answer(false);
        return;
      }
      const { session } = request;
      storeLoaded(request, to, loaded, { name: names.renamed, replace, session }, (written) => {
        if (!written) {
          answer(false);
          return;
        }
        runPart(request, [names.from, from, to], (reply) => {
          if (isErrorReply(reply)) request.raw(reply);
          else answer(true);
        });
      });
    });
  };
}

const wordDb = word('db');
const wordReplace = word('replace');

function copy(request: Request): void {
  const { argv, session } = request;
  const target = new Session(session.store, session.forwarded);
  target.afterwards = session.afterwards;
  target.protocol = session.protocol;
  target.setLevels(session.readLevel, session.writeLevel);
  target.selectKeyspace(session.keyspace.id);
  let replace = false;
  for (let index = 3; index < argv.length; index++) {
    if (isWord(argv[index], wordReplace)) replace = true;
    else if (isWord(argv[index], wordDb) && index + 1 < argv.length) {
      index += 1;
      const found = target.keyspaceOfDatabase(readNumber(argv[index]));
      if (found === null) throw new CommandError(errorTexts.databaseOutOfRange);
      checkKeyspace(request, found);
      target.selectKeyspace(found.id);
    } else throw new CommandError(errorTexts.syntax);
  }
  if (argv[1].equals(argv[2]) && target.keyspace.id === session.keyspace.id) {
    throw new CommandError(errorTexts.sameObject);
  }
  loadKey(request, argv[1], (loaded) => {
    if (loaded === null) request.integer(0);
    else {
      storeLoaded(request, argv[2], loaded, { name: names.copied, replace, session: target }, (written) =>
        request.integer(written ? 1 : 0),
      );
    }
  });
}

const two = [1, 2, 1] as const;
const internal = { keys: oneKey, exclusive: true, internal: true } as const;

export const movingCommands: readonly Command[] = [
  defineCommand('generic', 'rename', 3, ['write'], rename(true), { keys: two }),
  defineCommand('generic', 'renamenx', 3, ['write', 'fast'], rename(false), { keys: two }),
  defineCommand('generic', 'copy', -3, ['write', 'denyoom'], copy, { keys: two }),
  defineCommand('generic', 'ct.load', 2, ['readonly'], load, internal),
  defineCommand('generic', 'ct.store', -5, ['write'], store, internal),
  defineCommand('generic', 'ct.rename', -5, ['write'], store, internal),
  defineCommand('generic', 'ct.renamed', 3, ['write'], renamed, internal),
];
