/** What no page may do here: get a permission, go elsewhere, open windows. Applies to every web contents there will be. */
import { app, type Session, shell, type WebContents } from 'electron';
import { appOrigin } from './app-protocol.ts';

/** Addresses that may be opened in the person's own browser. The app itself links to nothing else. */
const externalAllowed = ['https://redis.io/', 'https://prometheus.io/'];

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_, __, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

export function guardContents(): void {
  app.on('web-contents-created', (_, contents: WebContents) => {
    contents.on('will-navigate', (event, url) => {
      if (new URL(url).origin !== appOrigin && !url.startsWith(`${appOrigin}/`)) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (externalAllowed.some((prefix) => url.startsWith(prefix))) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}
