/**
 * ClusterApi over one WebSocket: calls in, results out, events pushed. A client that does not read is cut off; a frame that
 * is none is refused with an error frame, and nothing that a client sends gets past here unchecked.
 */
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { CoterieError } from '../base/errors.ts';
import type { ClientFrame, ServerFrame } from '../contract/api.ts';
import type { Log } from '../ports/log.ts';
import { outwardError } from '../ports/outward-error.ts';
import type { Host } from './create-host.ts';

const bufferedBytesMax = 32 * 1024 * 1024;
const callsAtOnceMax = 256;
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
    frame = JSON.parse(data.toString());
  } catch {
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

export function serveApiSocket(host: Pick<Host, 'api' | 'dispatch'>, socket: WebSocket, log: Log): void {
  let unsubscribe: (() => void) | null = null;
  let callCount = 0;

  const send = (frame: ServerFrame): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > bufferedBytesMax) {
      socket.terminate();
      return;
    }
    socket.send(JSON.stringify(frame));
  };

  const fail = (id: number, cause: unknown): void => {
    const { code, message } = outwardError(cause, log, 'a frame from the page');
    send({ kind: 'failure', id, error: { code, message } });
  };

  const call = async (id: number, method: string, input: unknown): Promise<void> => {
    if (callCount >= callsAtOnceMax) {
      fail(id, new CoterieError('busy', 'Too many calls at once. Try again.'));
      return;
    }
    callCount++;
    try {
      send({ kind: 'result', id, output: await host.dispatch(method, input) });
    } catch (cause) {
      fail(id, cause);
    } finally {
      callCount--;
    }
  };

  socket.on('message', (data) => {
    try {
      const frame = frameOf(data);
      if (frame.kind === 'call') void call(frame.id, frame.method, frame.input);
      else unsubscribe ??= host.api.subscribe((event) => send({ kind: 'event', event }));
    } catch (cause) {
      const { id } = cause instanceof CoterieError ? cause.details : {};
      fail(typeof id === 'number' ? id : noId, cause);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => unsubscribe?.());
}
