/** CLIENT LIST, KILL, PAUSE and UNPAUSE: what those who administer may learn of other clients, and do with them. */
import { isWord, lowerText, readInteger, readNumber, word } from '../arguments.ts';
import { pauseMsMax } from '../client-pause.ts';
import { needs, type Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import { defaultUser } from '../identity.ts';
import type { ClientControl, Request } from '../request.ts';

const types = ['normal', 'master', 'replica', 'slave', 'pubsub'];

/** There are only normal ones here and those that listen, but tools ask for the others. */
function isOfType({ subscriptions }: ClientControl, type: string): boolean {
  return type === (subscriptions.isListening ? 'pubsub' : 'normal');
}

function readType(bytes: Buffer): string {
  const type = lowerText(bytes);
  if (types.includes(type)) return type;
  throw new CommandError(`ERR Unknown client type '${bytes.toString('utf8', 0, 128)}'`);
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
      const type = readType(argv[3]);
      clients = clients.filter((client) => !client.identity.isHost && isOfType(client, type));
    } else throw new CommandError(errorTexts.syntax);
  }
  request.begin().verbatim(clients.map((client) => `${client.describe()}\n`).join(''));
  request.end();
}

/** The host's own connections are its business: without them it could neither show nor change anything. */
function withinReach(request: Request): ClientControl[] {
  const { isHost } = request.sink.client!.identity;
  return [...request.gateway.clients.values()].filter((client) => isHost || !client.identity.isHost);
}

/** Kills after the answer when the client is the one that asks, so that it learns the outcome. */
function killAll(request: Request, victims: readonly ClientControl[]): void {
  for (const victim of victims) {
    if (victim === request.sink.client!) victim.closeAfterReply();
    else victim.kill();
  }
}

/** One that CLIENT LIST shows is known, too, such as the host: that its clients are out of reach is no mistake in the name. */
function isKnownUser({ gateway }: Request, user: string): boolean {
  if (user === defaultUser || gateway.logins.users.includes(user)) return true;
  return [...gateway.clients.values()].some(({ identity }) => identity.user === user);
}

const killWordsMax = 16;
const maxAgeError = 'ERR maxage is not an integer or out of range';
const skipNo = word('no');
const skipYes = word('yes');

function kill(request: Request): void {
  const { argv, gateway } = request;
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
    const text = value.toString('utf8');
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
      case 'laddr':
        victims = victims.filter((client) => client.localAddress === text);
        break;
      case 'user':
        if (!isKnownUser(request, text)) throw new CommandError(`ERR No such user '${text.slice(0, 64)}'`);
        victims = victims.filter((client) => client.identity.user === text);
        break;
      case 'type': {
        const type = readType(value);
        victims = victims.filter((client) => isOfType(client, type));
        break;
      }
      case 'maxage': {
        const seconds = Number(readInteger(value, maxAgeError));
        if (seconds < 1) throw new CommandError(maxAgeError);
        const nowMs = gateway.clock.monotonicMs();
        victims = victims.filter((client) => nowMs - client.connectedAtMs >= seconds * 1000);
        break;
      }
      case 'skipme':
        if (!isWord(value, skipYes) && !isWord(value, skipNo)) throw new CommandError(errorTexts.syntax);
        skipMe = isWord(value, skipYes);
        break;
      default:
        throw new CommandError(errorTexts.syntax);
    }
  }
  if (skipMe) victims = victims.filter((client) => client !== request.sink.client!);
  request.integer(victims.length);
  killAll(request, victims);
}

/** Of this node alone: clients of the others are theirs. */
function pause(request: Request): void {
  const { argv, gateway } = request;
  if (argv.length > 4) throw new CommandError(errorTexts.syntax);
  const mode = argv.length === 4 ? lowerText(argv[3]) : 'all';
  if (mode !== 'all' && mode !== 'write') {
    throw new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');
  }
  const durationMs = readNumber(argv[2], errorTexts.timeoutNotInteger);
  if (durationMs < 0) throw new CommandError(errorTexts.timeoutNegative);
  if (durationMs > pauseMsMax) {
    throw new CommandError(
      `ERR clients are paused for at most ${pauseMsMax} milliseconds at once. Pause them again before that is over, if need be.`,
    );
  }
  gateway.pause.begin(mode, durationMs);
  request.ok();
}

function unpause(request: Request): void {
  request.gateway.pause.end();
  request.ok();
}

export const otherClientParts: Subcommands = {
  list: { arity: -2, run: list },
  kill: { arity: -3, run: kill },
  pause: { arity: -3, need: needs.administeringAll, run: pause },
  unpause: { arity: 2, need: needs.administeringAll, run: unpause },
};
