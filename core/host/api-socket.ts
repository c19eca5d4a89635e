/** ClusterApi over one WebSocket: calls in, results out, events pushed. A client that does not read is cut off. */
import type { WebSocket } from 'ws';
import { toCoterieError } from '../base/errors.ts';
import type { ClientFrame, ServerFrame } from '../contract/api.ts';
import type { Host } from './create-host.ts';

const bufferedBytesMax = 32 * 1024 * 1024;
const callsAtOnceMax = 256;

export function serveApiSocket(host: Host, socket: WebSocket): void {
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

  const call = async (id: number, method: string, input: unknown): Promise<void> => {
    if (callCount >= callsAtOnceMax) {
      send({ kind: 'failure', id, error: { code: 'busy', message: 'Too many calls at once. Try again.' } });
      return;
    }
    callCount++;
    try {
      send({ kind: 'result', id, output: await host.dispatch(method, input) });
    } catch (cause) {
      const { code, message } = toCoterieError(cause, 'unavailable');
      send({ kind: 'failure', id, error: { code, message } });
    } finally {
      callCount--;
    }
  };

  socket.on('message', (data) => {
    let frame: ClientFrame;
    try {
      frame = JSON.parse(data.toString()) as ClientFrame;
    } catch {
      socket.close(1007, 'not JSON');
      return;
    }
    if (frame.kind === 'subscribe') {
      unsubscribe ??= host.api.subscribe((event) => send({ kind: 'event', event }));
    } else if (frame.kind === 'call' && typeof frame.id === 'number' && typeof frame.method === 'string') {
      void call(frame.id, frame.method, frame.input);
    } else socket.close(1003, 'unknown frame');
  });
  socket.on('error', () => {});
  socket.on('close', () => unsubscribe?.());
}
