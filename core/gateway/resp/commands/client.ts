/** CLIENT: what a connection says and learns of itself. What one may do with the others is in other-clients.ts. */
import { lowerText } from '../arguments.ts';
import { type Command, needs, type Subcommand, type Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { ClientControl, Request } from '../request.ts';
import { otherClientParts } from './other-clients.ts';
import { defineContainer } from './subcommands.ts';

const clientOf = (request: Request): ClientControl => request.sink.client!;

/** A name is kept as long as its connection, and listed with all others. */
const nameBytesMax = 512;

/** Printable characters without space, as in Redis: the name stands in one line of CLIENT LIST. */
function isPlainWord(bytes: Buffer): boolean {
  if (bytes.length > nameBytesMax) throw new CommandError(`ERR a name has at most ${nameBytesMax} bytes`);
  return bytes.every((byte) => byte > 0x20 && byte < 0x7f);
}

export function setClientName(client: ClientControl, name: Buffer): void {
  if (!isPlainWord(name)) {
    throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  client.name = name.toString('latin1');
}

function setInformation(request: Request): void {
  const [, , attribute, value] = request.argv;
  const name = lowerText(attribute);
  if (name !== 'lib-name' && name !== 'lib-ver') {
    throw new CommandError(`ERR Unrecognized option '${attribute.toString('utf8', 0, 128)}'`);
  }
  if (!isPlainWord(value)) {
    throw new CommandError(`ERR ${name} cannot contain spaces, newlines or special characters.`);
  }
  if (name === 'lib-name') clientOf(request).libraryName = value.toString('latin1');
  else clientOf(request).libraryVersion = value.toString('latin1');
  request.ok();
}

function onOff(request: Request, apply: (on: boolean) => void): void {
  const value = lowerText(request.argv[2]);
  if (value !== 'on' && value !== 'off') throw new CommandError(errorTexts.syntax);
  apply(value === 'on');
  request.ok();
}

function reply(request: Request): void {
  const mode = lowerText(request.argv[2]);
  if (mode !== 'on' && mode !== 'off' && mode !== 'skip') throw new CommandError(errorTexts.syntax);
  clientOf(request).setReplyMode(mode);
  request.ok();
}

function refuseTracking(): never {
  throw new CommandError('ERR client side caching is not supported: several nodes may write a key');
}

/** What a client says and learns of itself. */
const own: Subcommands = {
  id: { arity: 2, run: (request) => request.integer(clientOf(request).id) },
  setname: {
    arity: 3,
    run: (request) => {
      setClientName(clientOf(request), request.argv[2]);
      request.ok();
    },
  },
  getname: {
    arity: 2,
    run: (request) => {
      const { name } = clientOf(request);
      if (name === '') request.nil();
      else request.text(name);
    },
  },
  setinfo: { arity: 4, run: setInformation },
  info: {
    arity: 2,
    run: (request) => {
      request.begin().verbatim(`${clientOf(request).describe()}\n`);
      request.end();
    },
  },
  'no-evict': { arity: 3, run: (request) => onOff(request, (on) => setNoEvict(request, on)) },
  'no-touch': { arity: 3, run: (request) => onOff(request, () => {}) },
  reply: { arity: 3, run: reply },
  getredir: { arity: 2, run: (request) => request.integer(-1) },
  tracking: { arity: -3, run: refuseTracking },
  caching: { arity: 3, run: refuseTracking },
};

/** The others are for who administers. */
const subcommands: Subcommands = {
  ...Object.fromEntries(
    Object.entries(own).map(([name, part]): [string, Subcommand] => [name, { ...part, need: needs.nothing }]),
  ),
  ...otherClientParts,
};

function setNoEvict(request: Request, on: boolean): void {
  clientOf(request).noEvict = on;
}

export const clientCommands: readonly Command[] = [
  defineContainer({ group: 'connection', name: 'client', arity: -2 }, ['noscript', 'stale'], subcommands),
];
