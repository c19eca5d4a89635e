/** The node process' end of the channel to its host: Electron's parent port or child_process IPC, whichever is there. */
import type { NodeChannel } from './messages.ts';

interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', handler: (event: { data: unknown }) => void): void;
}

/** `onOrphaned` runs when the host is gone. */
export function parentChannel<Out, In>(onOrphaned: () => void): NodeChannel<Out, In> {
  const { parentPort } = process as unknown as { parentPort?: ParentPort };
  if (parentPort !== undefined) {
    // A utility process ends with its host, so there is no orphan to notice. It shares the terminal with its host, too: a
    // Ctrl-C there, or closing it, is for the host, which then drains its nodes in order.
    process.on('SIGINT', () => {});
    process.on('SIGHUP', () => {});
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (handler) => parentPort.on('message', (event) => handler(event.data as In)),
    };
  }
  process.on('disconnect', onOrphaned);
  return {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
    onMessage: (handler) => {
      process.on('message', (message) => handler(message as In));
    },
  };
}
