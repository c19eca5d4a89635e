/** CLIENT: what a connection says of itself, and what one may learn of the others. */
import { isWord, lowerText, readInteger, word } from '../arguments.ts';
import { type Command, needs, type Subcommand, type Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { ClientControl, Request } from '../request.ts';
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

function list(request: Request): void {
  const { argv, gateway } = request;
  let clients = [...gateway.clients.values()];
  if (argv.length > 2) {
    const filter = lowerText(argv[2]);
    if (filter === 'id' && argv.length > 3) {
      const wanted = new Set(
        argv.slice(3).map((bytes) => Number(readInteger(bytes, 'ERR Invalid client ID'))),
      );
      clients = clients.filter((client) => wanted.has(client.id));
    } else if (filter === 'type' && argv.length === 4) {
      const type = lowerText(argv[3]);
      if (!['normal', 'master', 'replica', 'slave', 'pubsub'].includes(type)) {
        throw new CommandError(`ERR Unknown client type '${argv[3].toString('utf8', 0, 128)}'`);
      }
      clients = type === 'normal' ? clients.filter((client) => !client.identity.isHost) : [];
    } else throw new CommandError(errorTexts.syntax);
  }
  request.begin().verbatim(clients.map((client) => `${client.describe()}\n`).join(''));
  request.end();
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

/** The host's own connections are its business: without them it could neither show nor change anything. */
function withinReach(request: Request): ClientControl[] {
  const { isHost } = clientOf(request).identity;
  return [...request.gateway.clients.values()].filter((client) => isHost || !client.identity.isHost);
}

/** Kills after the answer when the client is the one that asks, so that it learns the outcome. */
function killAll(request: Request, victims: readonly ClientControl[]): void {
  for (const victim of victims) {
    if (victim === clientOf(request)) victim.closeAfterReply();
    else victim.kill();
  }
}

const killWordsMax = 16;
const skipNo = word('no');
const skipYes = word('yes');

function kill(request: Request): void {
  const { argv } = request;
  const clients = withinReach(request);
  if (argv.length === 3) {
    const address = argv[2].toString('latin1');
    const victims = clients.filter((client) => client.remoteAddress === address);
    if (victims.length === 0) throw new CommandError('ERR No such client');
    request.ok();
    killAll(request, victims);
    return;
  }
  // Each filter looks at every client: more than there are kinds of them have no meaning.
  if (argv.length % 2 !== 0 || argv.length > killWordsMax) throw new CommandError(errorTexts.syntax);
  let victims = clients;
  let skipMe = true;
  for (let index = 2; index < argv.length; index += 2) {
    const value = argv[index + 1];
    const text = value.toString('latin1');
    switch (lowerText(argv[index])) {
      case 'id': {
        const id = Number(readInteger(value, 'ERR client-id should be greater than 0'));
        if (id < 1) throw new CommandError('ERR client-id should be greater than 0');
        victims = victims.filter((client) => client.id === id);
        break;
      }
      case 'addr':
        victims = victims.filter((client) => client.remoteAddress === text);
        break;
      case 'user':
        victims = victims.filter((client) => client.identity.user === text);
        break;
      case 'type':
        if (lowerText(value) !== 'normal') victims = [];
        break;
      case 'skipme':
        if (!isWord(value, skipYes) && !isWord(value, skipNo)) throw new CommandError(errorTexts.syntax);
        skipMe = isWord(value, skipYes);
        break;
      default:
        throw new CommandError(errorTexts.syntax);
    }
  }
  if (skipMe) victims = victims.filter((client) => client !== clientOf(request));
  request.integer(victims.length);
  killAll(request, victims);
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
  list: { arity: -2, run: list },
  kill: { arity: -3, run: kill },
};

function setNoEvict(request: Request, on: boolean): void {
  clientOf(request).noEvict = on;
}

export const clientCommands: readonly Command[] = [
  defineContainer({ group: 'connection', name: 'client', arity: -2 }, ['noscript', 'stale'], subcommands),
];
