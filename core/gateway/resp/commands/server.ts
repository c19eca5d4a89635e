/** Commands about the server: TIME, DEBUG, WAIT and what test harnesses expect to be there. CONFIG is in config.ts. */
import { readInteger } from '../arguments.ts';
import { type Command, defineCommand, needs, type Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

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

/** A node that stopped would look dead to the others, and they would begin to replace it. */
function refuseSleep(): never {
  throw new CommandError(
    'ERR DEBUG SLEEP is not supported: a node that sleeps is a dead one to the others. To hold up clients: CLIENT PAUSE',
  );
}

const answerOk = (request: Request): void => request.ok();

/** Harmless parts of DEBUG that Redis's own tests call. Expiry is always exact here, so there is nothing to switch. */
const debug: Subcommands = {
  sleep: { arity: 3, run: refuseSleep },
  jmap: { arity: 2, run: answerOk },
  'set-active-expire': { arity: 3, run: answerOk },
};

/** There are never functions or scripts, so forgetting them all succeeds. */
const emptyLibrary: Subcommands = { flush: { arity: -2, run: answerOk } };

const partOf = (name: string) => ({ group: 'server', name, arity: -2 });

export const serverCommands: readonly Command[] = [
  defineContainer(partOf('debug'), ['admin', 'stale'], debug),
  defineContainer(partOf('function'), ['noscript'], emptyLibrary),
  defineContainer(partOf('script'), ['noscript'], emptyLibrary),
  defineCommand('server', 'time', 1, ['fast', 'stale'], time, { kind: 'free', need: needs.nothing }),
  defineCommand('generic', 'wait', 3, ['blocking'], wait, { need: needs.nothing }),
];
