/**
 * ClusterApi over one WebSocket: calls in, results out, events pushed. A client that does not read is cut off; a frame that
 * is none is refused with an error frame, and nothing that a client sends gets past here unchecked.
 */
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { parseBoundedJson } from '../../base/bounded-json.ts';
import { CoterieError } from '../../base/errors.ts';
import type { ClientFrame, ServerFrame } from '../../contract/api.ts';
import { sessionEndedCode } from '../../contract/session.ts';
import type { ByteBudget, Share } from '../../gateway/http/byte-budget.ts';
import type { SharedTurns } from '../../gateway/shared-turns.ts';
import type { Log } from '../../ports/log.ts';
import { outwardError } from '../../ports/outward-error.ts';
import type { Caller } from '../caller.ts';
import type { Host } from '../create-host.ts';

const bufferedBytesMax = 32 * 1024 * 1024;
/** Less than this is not worth counting. */
const countedBytes = 256 * 1024;
const callsAtOnceMax = 256;
/** For the other side to close as well. */
const closeWithinMs = 1_000;
/** Stands in a refusal for the number that the frame did not give. */
const noId = -1;

const clientFrame: z.ZodType<ClientFrame> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('call'), id: z.number(), method: z.string().max(100), input: z.unknown() }),
  z.object({ kind: z.literal('subscribe') }),
]);

/** Throws `bad-input` for anything that is not a frame. */
function frameOf(data: RawData): ClientFrame {
  let frame: unknown;
  try {
    // Of the type that all messages here have: the server of the sockets joins what comes in pieces.
    frame = parseBoundedJson(data as Buffer);
  } catch (cause) {
    if (cause instanceof CoterieError) throw cause;
    throw new CoterieError('bad-input', 'The frame is not JSON.');
  }
  const parsed = clientFrame.safeParse(frame);
  if (parsed.success) return parsed.data;
  const { id } = (frame ?? {}) as { id?: unknown };
  throw new CoterieError(
    'bad-input',
    'This is no frame of this interface: {"kind":"call","id","method","input"} or {"kind":"subscribe"}.',
    typeof id === 'number' ? { id } : {},
  );
}

export interface ApiSocketSettings {
  readonly caller: Caller;
  /** Holds what comes and goes in large pieces; null: nobody counts. */
  readonly budget: ByteBudget | null;
  /** Of all pages: whoever calls thousands of times takes others no more time than one that calls once. Null: at once. */
  readonly turns: SharedTurns | null;
}

/** Returns the function that ends the connection: what comes after it is not heard. */
export function serveApiSocket(
  host: Pick<Host, 'api' | 'dispatch'>,
  socket: WebSocket,
  log: Log,
  { caller, budget, turns }: ApiSocketSettings = {
    ...{ caller: { sessionId: null, name: 'a page' }, budget: null, turns: null },
  },
): () => void {
  let unsubscribe: (() => void) | null = null;
  let callCount = 0;
  let ended = false;
  const unread = budget?.take(0) ?? null;

  const send = (frame: ServerFrame): void => {
    if (socket.readyState !== socket.OPEN) return;
    try {
      if (socket.bufferedAmount > countedBytes) unread?.resize(socket.bufferedAmount);
      else unread?.force(0);
      if (socket.bufferedAmount <= bufferedBytesMax) {
        socket.send(JSON.stringify(frame));
        return;
      }
    } catch (cause) {
      if (!(cause instanceof CoterieError)) throw cause;
    }
    socket.terminate();
  };

  const fail = (id: number, cause: unknown): void => {
    const { code, message } = outwardError(cause, log, 'a frame from the page');
    send({ kind: 'failure', id, error: { code, message } });
  };

  const call = async (id: number, method: string, input: unknown, frameBytes: number): Promise<void> => {
    if (callCount >= callsAtOnceMax) {
      fail(id, new CoterieError('busy', 'Too many calls at once. Try again.'));
      return;
    }
    callCount++;
    let share: Share | null = null;
    try {
      // As text, and as what was read from it.
      if (frameBytes > countedBytes) share = budget?.take(2 * frameBytes) ?? null;
      send({ kind: 'result', id, output: await host.dispatch(method, input, caller) });
    } catch (cause) {
      fail(id, cause);
    } finally {
      share?.release();
      callCount--;
    }
  };

  const handle = (data: RawData): void => {
    if (ended) return;
    try {
      const frame = frameOf(data);
      if (frame.kind === 'call') void call(frame.id, frame.method, frame.input, (data as Buffer).length);
      else unsubscribe ??= host.api.subscribe((event) => send({ kind: 'event', event }));
    } catch (cause) {
      const { id } = cause instanceof CoterieError ? cause.details : {};
      fail(typeof id === 'number' ? id : noId, cause);
    }
  };

  /** Frames that wait for their turn: no more than came in one piece, as nothing is read meanwhile. */
  const waiting: RawData[] = [];
  const handleNext = (): void => {
    const data = waiting.shift();
    if (data !== undefined) handle(data);
    if (waiting.length > 0) turns?.take(handleNext);
    else socket.resume();
  };
  socket.on('message', (data) => {
    // A large one would be held uncounted while it waits.
    if (turns === null || (data as Buffer).length > countedBytes) {
      handle(data);
      return;
    }
    waiting.push(data);
    if (waiting.length > 1) return;
    socket.pause();
    turns.take(handleNext);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    waiting.length = 0;
    unread?.release();
    unsubscribe?.();
  });
  return () => {
    // The answer to the call that ends it goes out before.
    setImmediate(() => {
      ended = true;
      unsubscribe?.();
      socket.close(sessionEndedCode, 'The session has ended.');
      setTimeout(() => socket.terminate(), closeWithinMs).unref();
    });
  };
}
