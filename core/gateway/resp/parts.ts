/**
 * Commands with several keys, split into commands with one. Each part runs where its key is coordinated, all at once up
 * to a bound. The parts are not one transaction: other clients may see some of them done and others not yet, and when
 * one fails the others stay. Redis promises more here on one server; over a ring nothing short of consensus could.
 */
import type { RespEncoder } from '../../wire/resp-encoder.ts';
import { type ReplySink, Request } from './request.ts';
import type { Session } from './session.ts';

/** Parts under way at once: enough to hide the network, few enough that one MGET does not crowd out other clients. */
const partsInFlightMax = 64;

const minus = 0x2d;

/** Runs one part and hands its reply's bytes to `done`. */
export function runPart(
  parent: Request,
  argv: readonly Buffer[],
  done: (reply: Buffer[]) => void,
  session: Session = parent.session,
): void {
  const sink: ReplySink = {
    client: null,
    deliver(_request: Request, encoder: RespEncoder) {
      const reply = encoder.take();
      parent.attempt(() => done(reply));
    },
  };
  const part = new Request(parent.gateway, session, argv, sink);
  part.parent = parent;
  if (part.gateway.admit(part)) part.gateway.run(part);
}

export function isErrorReply(reply: readonly Buffer[]): boolean {
  return reply[0][0] === minus;
}

/**
 * Runs all parts; `done` gets their replies in order. When any part failed, the parent is answered with the first
 * failure instead and `done` never runs.
 */
export function runParts(
  parent: Request,
  parts: readonly (readonly Buffer[])[],
  done: (replies: readonly Buffer[][]) => void,
): void {
  const replies: Buffer[][] = new Array(parts.length);
  let started = 0;
  let finished = 0;
  let starting = false;
  const startMore = (): void => {
    // A part may finish within its call; without this guard each would start the next one deeper in the stack.
    if (starting) return;
    starting = true;
    while (started < parts.length && started - finished < partsInFlightMax) {
      const index = started++;
      runPart(parent, parts[index], (reply) => {
        replies[index] = reply;
        finished += 1;
        if (finished === parts.length) finish();
        else startMore();
      });
    }
    starting = false;
  };
  const finish = (): void => {
    const failure = replies.find(isErrorReply);
    if (failure === undefined) done(replies);
    else parent.raw(failure);
  };
  startMore();
}

/** The sum of integer replies: `:1` for each key that existed. */
export function sumOfReplies(replies: readonly (readonly Buffer[])[]): number {
  let sum = 0;
  for (const reply of replies) {
    const bytes = reply.length === 1 ? reply[0] : Buffer.concat(reply);
    sum += Number(bytes.toString('latin1', 1, bytes.length - 2));
  }
  return sum;
}
