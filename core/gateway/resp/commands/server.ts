/** Commands about the server: CONFIG, TIME, OBJECT, MEMORY, DEBUG, WAIT and what test harnesses expect to be there. */
import { lowerText, readInteger } from '../arguments.ts';
import { type Command, defineCommand, needs, type Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { Glob } from '../glob.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

/** What Redis's configuration would say if it described this server. Read only: Coterie is configured elsewhere. */
function configuration(gateway: Gateway): Record<string, string> {
  const databases = gateway.store.keyspaces().map((keyspace) => keyspace.database ?? 0);
  return {
    appendonly: 'yes',
    appendfsync: 'always',
    bind: gateway.settings.host,
    'cluster-enabled': gateway.store.endpoints().length > 1 ? 'yes' : 'no',
    databases: String(Math.max(16, ...databases.map((database) => database + 1))),
    'lazyfree-lazy-user-del': 'no',
    maxclients: String(gateway.settings.clientCountMax),
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    port: String(gateway.port),
    'proto-max-bulk-len': String(gateway.settings.valueBytesMax),
    requirepass: '',
    save: '',
    'tcp-keepalive': '300',
    timeout: '0',
  };
}

const patternsMax = 100;

function configGet(request: Request): void {
  if (request.argv.length - 2 > patternsMax) {
    throw new CommandError(`ERR at most ${patternsMax} patterns can be asked for at once`);
  }
  const patterns = request.argv.slice(2).map((bytes) => new Glob(Buffer.from(lowerText(bytes), 'latin1')));
  const found = Object.entries(configuration(request.gateway)).filter(([name]) =>
    patterns.some((pattern) => pattern.matches(Buffer.from(name, 'latin1'))),
  );
  const encoder = request.begin();
  encoder.map(found.length);
  for (const [name, value] of found) {
    encoder.text(name);
    encoder.text(value);
  }
  request.end();
}

/** Setting what is so already succeeds: tools restore settings they have read. */
function configSet(request: Request): void {
  const { argv, gateway } = request;
  const present = configuration(gateway);
  for (let index = 2; index < argv.length; index += 2) {
    const name = lowerText(argv[index]);
    if (index + 1 >= argv.length)
      throw new CommandError("ERR wrong number of arguments for 'config|set' command");
    if (present[name] === undefined) {
      throw new CommandError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${argv[index].toString('utf8', 0, 128)}'`,
      );
    }
    if (present[name] !== argv[index + 1].toString('utf8')) {
      throw new CommandError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`,
      );
    }
  }
  request.ok();
}

const config: Subcommands = {
  get: { arity: -3, run: configGet },
  set: { arity: -4, run: configSet },
  resetstat: { arity: 2, run: (request) => request.ok() },
  rewrite: {
    arity: 2,
    run: () => {
      throw new CommandError('ERR The server is running without a config file');
    },
  },
};

function time(request: Request): void {
  const nowMs = request.gateway.clock.nowMs();
  const encoder = request.begin();
  encoder.array(2);
  encoder.text(String(Math.floor(nowMs / 1000)));
  encoder.text(String(Math.floor((nowMs % 1000) * 1000)));
  request.end();
}

/**
 * Copies besides the first one that there are of the connection's last write. Before any write Redis counts every replica; so
 * does this: those that are up of the slot that has most, for other nodes hold no copy of a key.
 */
function acknowledgedReplicas({ gateway, session }: Request): number {
  if (session.lastWrites.length > 0) return Math.max(0, session.acknowledgedCount - 1);
  let most = 0;
  for (const { nodes } of gateway.store.slots(session.keyspace.id))
    most = Math.max(most, nodes.filter((node) => node.up).length - 1);
  return most;
}

const waitPollIntervalMs = 10;

/**
 * A write that another node coordinated reports its count once, with its reply, so there is nothing to wait for: WAIT
 * answers what is known, which may be fewer than there are by then, never more.
 */
function wait(request: Request): void {
  const { argv, gateway, session } = request;
  const wanted = Number(readInteger(argv[1]));
  const timeoutMs = Number(readInteger(argv[2], errorTexts.timeoutNotInteger));
  if (timeoutMs < 0) throw new CommandError(errorTexts.timeoutNegative);
  const deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : gateway.clock.monotonicMs() + timeoutMs;
  const look = (): void => {
    const count = acknowledgedReplicas(request);
    const cannotGrow = session.lastWrites.length > 0 && session.lastWrites.every((write) => write.fixed);
    if (count >= wanted || cannotGrow || request.isAbandoned || gateway.clock.monotonicMs() >= deadlineMs)
      request.integer(count);
    else gateway.timers.after(waitPollIntervalMs, () => request.attempt(look));
  };
  look();
}

const debugSleepMsMax = 60_000;

function debugSleep(request: Request): void {
  const seconds = Number(request.argv[2].toString('latin1'));
  if (!(seconds >= 0)) throw new CommandError(errorTexts.notFloat);
  // Only this connection sleeps: a node that stopped would look dead to the others.
  const wake = (): void => request.attempt(() => request.ok());
  request.gateway.timers.after(Math.min(seconds * 1000, debugSleepMsMax), wake);
}

const answerOk = (request: Request): void => request.ok();

/** Harmless parts of DEBUG that Redis's own tests call. Expiry is always exact here, so there is nothing to switch. */
const debug: Subcommands = {
  sleep: { arity: 3, run: debugSleep },
  jmap: { arity: 2, run: answerOk },
  'set-active-expire': { arity: 3, run: answerOk },
};

/** There are never functions or scripts, so forgetting them all succeeds. */
const emptyLibrary: Subcommands = { flush: { arity: -2, run: answerOk } };

const partOf = (name: string) => ({ group: 'server', name, arity: -2 });

export const serverCommands: readonly Command[] = [
  defineContainer(partOf('config'), ['admin', 'stale'], config),
  defineContainer(partOf('debug'), ['admin', 'stale'], debug),
  defineContainer(partOf('function'), ['noscript'], emptyLibrary),
  defineContainer(partOf('script'), ['noscript'], emptyLibrary),
  defineCommand('server', 'time', 1, ['fast', 'stale'], time, { kind: 'free', need: needs.nothing }),
  defineCommand('generic', 'wait', 3, ['blocking'], wait, { need: needs.nothing }),
];
