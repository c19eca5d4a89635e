/**
 * The page's calls and events over IPC. Every call is checked twice: its sender must be the app's own page, its content is
 * validated against the contract by the host. Calls that come before the host is there wait for it. Events go to pages
 * that asked for them, for as long as that page lives.
 */
import { type IpcMainEvent, type IpcMainInvokeEvent, ipcMain, type WebContents } from 'electron';
import { CoterieError } from '../core/base/errors.ts';
import type { ApiError } from '../core/contract/api.ts';
import { ownerBy } from '../core/host/caller.ts';
import type { Host } from '../core/host/create-host.ts';
import type { Log } from '../core/ports/log.ts';
import { outwardError } from '../core/ports/outward-error.ts';
import { appOrigin } from './app-protocol.ts';
import { channels } from './channels.ts';

/** The main frame at our own address. A frame that has gone meanwhile is null. */
function isOwnPage({ senderFrame }: IpcMainInvokeEvent | IpcMainEvent): boolean {
  return senderFrame !== null && senderFrame.parent === null && senderFrame.origin === appOrigin;
}

export function serveBridge(hostReady: Promise<Host>, log: Log): void {
  ipcMain.handle(
    channels.invoke,
    async (event, method: unknown, input: unknown): Promise<{ output: unknown } | { error: ApiError }> => {
      if (!isOwnPage(event))
        return { error: { code: 'unauthorized', message: 'Only the app itself may call.' } };
      try {
        const host = await hostReady;
        if (typeof method !== 'string') throw new CoterieError('bad-input', 'A call names its method.');
        return { output: await host.dispatch(method, input, ownerBy('app window')) };
      } catch (cause) {
        const { code, message } = outwardError(cause, log, 'a call of the page');
        return { error: { code, message } };
      }
    },
  );

  /** How to end the one subscription of a page; its listeners share it. */
  const subscriptions = new Map<WebContents, () => void>();
  const watched = new WeakSet<WebContents>();
  const end = (contents: WebContents) => {
    subscriptions.get(contents)?.();
    subscriptions.delete(contents);
  };

  /** A page that closes, crashes or loads anew has no listener any more, and cannot say so itself. */
  const watch = (contents: WebContents) => {
    if (watched.has(contents)) return;
    watched.add(contents);
    contents.once('destroyed', () => end(contents));
    contents.on('render-process-gone', () => end(contents));
    contents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) end(contents);
    });
  };

  ipcMain.on(channels.subscribe, (event) => {
    if (!isOwnPage(event)) return;
    const contents = event.sender;
    watch(contents);
    end(contents);
    let ended = false;
    let unsubscribe = () => {};
    subscriptions.set(contents, () => {
      ended = true;
      unsubscribe();
    });
    const subscribe = (host: Host): void => {
      // Ended while the host was starting.
      if (ended) return;
      unsubscribe = host.api.subscribe((change) => {
        if (!contents.isDestroyed() && !contents.isCrashed()) contents.send(channels.event, change);
      });
    };
    hostReady.then(subscribe).catch((cause) => outwardError(cause, log, 'a subscription of the page'));
  });

  ipcMain.on(channels.unsubscribe, (event) => {
    if (isOwnPage(event)) end(event.sender);
  });
}
