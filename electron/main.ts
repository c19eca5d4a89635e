/**
 * Entry of the desktop app: what must be said before Electron is ready, and nothing that takes time to load. The app
 * itself is desktop.ts.
 */
import { app, protocol } from 'electron';

app.enableSandbox();
app.commandLine.appendSwitch('force-webrtc-ip-handling-policy', 'disable_non_proxied_udp');
protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

// A variable keeps the bundler from pulling the app in here: it is a program of its own, dist/desktop.js.
const program = './desktop.js';
import(/* @vite-ignore */ program).catch((error: unknown) => {
  console.error(error);
  app.exit(1);
});
