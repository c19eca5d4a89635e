/**
 * The page's calls and events over IPC. Every call is checked twice: its sender must be the app's own page, its content is
 * validated against the contract by the host. Calls that come before the host is there wait for it.
 */
import { type IpcMainInvokeEvent, ipcMain, type WebContents } from 'electron';
import { toCoterieError } from '../core/base/errors.ts';
import type { Host } from '../core/host/create-host.ts';
import { appOrigin } from './app-protocol.ts';
import { channels } from './channels.ts';

function isOwnPage(event: Pick<IpcMainInvokeEvent, 'senderFrame'>): boolean {
  return event.senderFrame?.url.startsWith(`${appOrigin}/`) === true;
}

/** `hostReady` rejects with what keeps the host from starting. */
export function serveBridge(hostReady: Promise<Host>): void {
  const subscriptions = new Map<number, () => void>();

  ipcMain.handle(channels.invoke, async (event, method: unknown, input: unknown) => {
    if (!isOwnPage(event))
      return { error: { code: 'unauthorized', message: 'Only the app itself may call.' } };
    try {
      const host = await hostReady;
      return { output: await host.dispatch(String(method), input) };
    } catch (cause) {
      const { code, message } = toCoterieError(cause, 'unavailable');
      return { error: { code, message } };
    }
  });

  ipcMain.on(channels.subscribe, (event) => {
    if (!isOwnPage(event)) return;
    const contents: WebContents = event.sender;
    const { id } = contents;
    subscriptions.get(id)?.();
    hostReady.then(
      (host) => {
        if (contents.isDestroyed()) return;
        const end = host.api.subscribe((change) => {
          // A page that is crashing or reloading has no frame to send to; it subscribes again when it is back.
          if (!contents.isDestroyed() && !contents.isCrashed()) contents.send(channels.event, change);
        });
        subscriptions.set(id, end);
        contents.once('destroyed', () => {
          end();
          subscriptions.delete(id);
        });
      },
      () => {},
    );
  });
}
