/**
 * Commands with several keys, split into commands with one. Each part runs where its key is coordinated, all at once up
 * to a bound. The parts are not one transaction: other clients may see some of them done and others not yet, and when
 * one fails the others stay. Redis promises more here on one server; over a ring nothing short of consensus could.
 *
 * Replies are handed on in order and not kept; what the command makes of them it counts (gathering.ts). When its client
 * is gone, or there is no more room, no further part is begun.
 */
import type { RespEncoder } from '../../wire/resp/encoder.ts';
import { Gathering } from './gathering.ts';
import { type ReplySink, Request } from './request.ts';
import type { Session } from './session.ts';

/** Parts under way at once: enough to hide the network, few enough that one MGET does not crowd out other clients. */
const partsInFlightMax = 64;
/** Fewer when their replies are large, as those before them were: others share the links to the nodes that give them. */
const partBytesInFlightMax = 4 * 1_048_576;
const partsInFlightMin = 2;
/** Parts begun in one turn: where all of them are answered within their call, others would wait for the last one. */
const partsPerTurnMax = 256;

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
  for (const word of argv) part.bytes += word.length;
  if (part.gateway.admit(part)) part.gateway.run(part);
}

export function isErrorReply(reply: readonly Buffer[]): boolean {
  return reply[0][0] === minus;
}

export interface Parts {
  readonly count: number;
  /** The words of one part. */
  at(index: number): readonly Buffer[];
  /** Gets each reply that is no failure, in order. What it keeps it adds to the gathering. */
  visit(reply: Buffer[], gathering: Gathering): void;
}

/**
 * Runs all parts, then `done`, where the reply may be made of what was gathered. When any part failed, the parent is answered
 * with the first failure instead and `done` never runs; so it is when it had to stop.
 */
export function runParts(parent: Request, parts: Parts, done: () => void): void {
  const { count } = parts;
  const gathering = new Gathering(parent);
  /** Replies that have come before those in front of them. */
  const early = new Map<number, Buffer[]>();
  let started = 0;
  let finished = 0;
  let visited = 0;
  let largestBytes = 1;
  let failure: Buffer[] | null = null;
  let starting = false;
  let turnPlanned = false;

  const visitNext = (): void => {
    for (let reply = early.get(visited); reply !== undefined; reply = early.get(visited)) {
      early.delete(visited);
      visited += 1;
      if (isErrorReply(reply)) failure ??= reply;
      else if (failure === null && gathering.stopped === null) parts.visit(reply, gathering);
    }
  };
  const end = (): void => {
    const { stopped } = gathering;
    if (parent.done) return;
    if (failure !== null) parent.raw(failure);
    else if (stopped !== null) parent.error(stopped);
    else done();
  };
  const inFlightMax = (): number =>
    Math.min(partsInFlightMax, Math.max(partsInFlightMin, Math.floor(partBytesInFlightMax / largestBytes)));
  const startMore = (): void => {
    // A part may finish within its call; without this guard each would start the next one deeper in the stack.
    if (starting || turnPlanned) return;
    starting = true;
    let begun = 0;
    while (started < count && started - visited < inFlightMax()) {
      if (gathering.stopped !== null || parent.done) break;
      if (begun === partsPerTurnMax && !parent.session.isBatch) {
        planTurn();
        break;
      }
      begun += 1;
      const index = started++;
      runPart(parent, parts.at(index), (reply) => {
        finished += 1;
        for (const piece of reply) largestBytes = Math.max(largestBytes, piece.length);
        early.set(index, reply);
        visitNext();
        startMore();
      });
    }
    starting = false;
    if (finished === started && !turnPlanned) end();
  };
  const planTurn = (): void => {
    turnPlanned = true;
    parent.gateway.turns.take(() =>
      parent.attempt(() => {
        turnPlanned = false;
        startMore();
      }),
    );
  };
  startMore();
}

/** The number in an integer reply: `:1` for a key that existed. */
export function integerOf(reply: readonly Buffer[]): number {
  const bytes = reply.length === 1 ? reply[0] : Buffer.concat(reply);
  return Number(bytes.toString('latin1', 1, bytes.length - 2));
}

/** The value in the reply of a GET; null where there is none. */
export function bulkOf(reply: readonly Buffer[]): Buffer | null {
  const bytes = reply.length === 1 ? reply[0] : Buffer.concat(reply);
  const start = bytes.indexOf('\r\n') + 2;
  return start === bytes.length ? null : bytes.subarray(start, bytes.length - 2);
}
