/** A client's command on its way to the node that coordinates its key, and what is done where that node cannot do it. */
import { type CoterieError, isForAnother } from '../../base/errors.ts';
import type { Purpose } from '../../ports/key-value-store.ts';
import type { Command } from './command.ts';
import { noQuorum } from './errors.ts';
import { encodeForwarded, readForwardedReply } from './forwarding.ts';
import type { Gateway } from './gateway.ts';
import type { Request } from './request.ts';

/** Nodes that are asked, one after the other, where each refuses. */
const forwardCountMax = 3;

/** `target`: the store's coordinator for that purpose. */
export function sendOn(gateway: Gateway, request: Request, target: number, purpose: Purpose): void {
  gateway.statistics.forwardedCount += 1;
  const command = request.command!;
  const order = purpose === 'read-modify-write' ? gateway.store.meetingOrder(request.address!) : 0;
  const answer = request.onAnswer((reply: Buffer) => {
    const { acknowledgedCount, body } = readForwardedReply(reply);
    if (command.flags.includes('write')) request.noteWritten({ acknowledgedCount }, true);
    request.raw([body]);
  });
  /** The node that was asked died, or stands still: reading has changed nothing there. */
  const readElsewhere = (error: CoterieError): void =>
    request.attempt(() => {
      const other = gateway.store.coordinatorOf(request.address!, purpose);
      if (other === target || request.forwardCount >= forwardCountMax) throw error;
      request.forwardCount++;
      gateway.run(request);
    });
  gateway.store.forward(target, encodeForwarded(request.session, request.argv, order), (error, reply) => {
    // Nothing was done there: the next one is asked, and after that the client gets the reason.
    if (error !== null && isForAnother(error) && request.forwardCount < forwardCountMax) {
      request.forwardCount++;
      gateway.run(request);
    } else if (error?.code === 'unavailable' && !command.flags.includes('write')) {
      readElsewhere(error);
    } else if (error === null && reply !== null && isReadInVain(command, reply)) {
      // A node that has just come back may not have links to all the others yet, while this one has.
      request.attempt(() => command.run(request));
    } else answer(error, reply);
  });
}

/** The node that was asked reached too few replicas; reading has changed nothing there. */
function isReadInVain(command: Command, reply: Buffer): boolean {
  return (
    !command.flags.includes('write') && reply.toString('latin1', 1, 2 + noQuorum.length) === `-${noQuorum}`
  );
}
