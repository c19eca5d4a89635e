/** Commands that came to a node which decides no more, or not yet, wait a moment for the one that does. */
import type { CoterieError } from '../../base/errors.ts';
import type { Request } from './request.ts';

/** A first replica hands over to another within milliseconds; where a write has to end first, within its deadline. */
const turnWaitMs = 10;
/** In all, also where each try travels to another data center and back; the host gives up after more (host/node-client.ts). */
const turnWaitsMsMax = 4_000;

/**
 * For a client's own command that a node refused with `moved`, this one or another: it is run again in a moment, when others decide. False:
 * the client has to be told.
 */
export function runsAgain(request: Request, error: CoterieError): boolean {
  const { gateway, session } = request;
  const isOwn = error.code === 'moved' && !session.forwarded && request.writes === null;
  if (!isOwn || request.isAbandoned) return false;
  const nowMs = gateway.clock.monotonicMs();
  request.turnWaitSinceMs ??= nowMs;
  if (nowMs - request.turnWaitSinceMs >= turnWaitsMsMax) return false;
  runLater(request, error);
  return true;
}

/** Whoever has left meanwhile may have had another node do it, and have written since: also while this process stood still (standstill.ts). */
function runLater(request: Request, error: CoterieError): void {
  const { standstill, timers } = request.gateway;
  timers.after(turnWaitMs, () => {
    standstill.look();
    if (standstill.isWaking) runLater(request, error);
    else if (request.isAbandoned) request.fail(error);
    else request.gateway.run(request);
  });
}
