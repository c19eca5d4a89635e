/**
 * What no page may do here: get a permission, go elsewhere, open windows, talk to a network. Applies to every web contents
 * there will be. The content policy of app-protocol.ts says much of the same; this holds when a policy has a hole.
 */
import { app, type Session, shell, type WebContents } from 'electron';
import { appOrigin } from './app-protocol.ts';

/**
 * Beginnings of addresses that may be opened in the person's own browser. None: the page links to nothing outside, so a
 * request to open something can only come from content that got in.
 */
const externalAllowed: readonly string[] = [];

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_, __, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.webRequest.onBeforeRequest(
    { urls: ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*', 'ftp://*/*', 'file:///*'] },
    (_, answer) => answer({ cancel: true }),
  );
  // Nothing here is saved by the page: what a person exports goes through the host.
  session.on('will-download', (event, item) => {
    event.preventDefault();
    item.cancel();
  });
}

export function guardContents(): void {
  app.on('web-contents-created', (_, contents: WebContents) => {
    const stay = (event: { url: string; preventDefault(): void }) => {
      if (!event.url.startsWith(`${appOrigin}/`)) event.preventDefault();
    };
    contents.on('will-navigate', stay);
    contents.on('will-redirect', stay);
    contents.on('will-frame-navigate', stay);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    // No connection between pages finds a way out, should the content policy not keep one from being made.
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
    // A window that opens nevertheless, with or without an address such as about:blank.
    contents.on('did-create-window', (window) => window.destroy());
    contents.setWindowOpenHandler(({ url }) => {
      if (externalAllowed.some((beginning) => url.startsWith(beginning))) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}
