/**
 * The desktop app. It owns the window, the tray and the order of starting and quitting; everything about the cluster is
 * the host's, which `coterie serve` starts in the same way.
 */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, type BrowserWindow, dialog, Menu, powerMonitor, session } from 'electron';
import { toCoterieError } from '../core/base/errors.ts';
import { defaultDataFolder } from '../core/cli/paths.ts';
import { serveControl } from '../core/host/control-server.ts';
import { createHost, defaultHotBytesMax, type Host } from '../core/host/create-host.ts';
import { serveUi } from '../core/host/ui-server.ts';
import { systemClock, systemTimers } from '../core/platform/system-clock.ts';
import type { Log } from '../core/ports/log.ts';
import { serveApp } from './app-protocol.ts';
import { serveBridge } from './bridge.ts';
import { denyPermissions, guardContents } from './guards.ts';
import { createTray } from './tray.ts';
import { UtilityLauncher } from './utility-launcher.ts';
import { createWindow } from './window.ts';

const programFolder = dirname(fileURLToPath(import.meta.url));
const iconFolder = join(programFolder, '../build/icons');
const loopback = '127.0.0.1';
const readyWithinMs = 60_000;
const quitWithinMs = 15_000;

/** Tests and second installations use other ports; 0 is any free one. */
function portFrom(variable: string, usual: number): number {
  const text = process.env[variable];
  return text !== undefined && /^[0-9]{1,5}$/.test(text) ? Number(text) : usual;
}

const log: Log = {
  info: (message) => console.info(message),
  warn: (message, facts) => console.warn(message, facts ?? ''),
  error: (message, facts) => console.error(message, facts ?? ''),
};

interface Running {
  readonly host: Host;
  stop(): Promise<void>;
}

async function startCluster(): Promise<Running> {
  const folder = defaultDataFolder();
  const host = await createHost(
    {
      launcher: new UtilityLauncher(join(programFolder, 'node.js')),
      clock: systemClock,
      timers: systemTimers,
      log,
    },
    {
      folder,
      nodes: null,
      host: loopback,
      clientPort: portFrom('COTERIE_CLIENT_PORT', 7379),
      peerPort: portFrom('COTERIE_PEER_PORT', 7410),
      clusterName: 'My cluster',
      computerName: hostname(),
      readOnly: false,
      hotBytesMax: defaultHotBytesMax,
    },
  );
  const closers: (() => Promise<void>)[] = [() => host.stop()];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const ui = await serveUi(
      { host, clock: systemClock },
      {
        host: loopback,
        port: portFrom('COTERIE_UI_PORT', 7370),
        rendererFolder: join(programFolder, 'renderer'),
        readOnly: false,
      },
    );
    closers.push(() => ui.close());
    const control = await serveControl(
      { host, loginLink: () => ui.loginLink() },
      { folder, host: loopback, port: portFrom('COTERIE_CONTROL_PORT', 7400) },
    );
    closers.push(() => control.close());
  } catch (error) {
    await stop();
    throw error;
  }
  // The page shows each node as it comes; nobody waits for the last one.
  host.start(readyWithinMs).catch((error: Error) => log.warn(error.message));
  return { host, stop };
}

let window: BrowserWindow | null = null;
let running: Promise<Running> | null = null;
let quitting = false;
let hasTray = false;

function show(): void {
  if (window === null || window.isDestroyed()) {
    window = createWindow(join(programFolder, 'preload.cjs'));
    return;
  }
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function applicationMenu(): Menu {
  return Menu.buildFromTemplate([
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : [{ role: 'fileMenu' as const }]),
    { role: 'editMenu' },
    { role: 'viewMenu' },
    { role: 'windowMenu' },
  ]);
}

async function quitInOrder(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, quitWithinMs));
  const stopped = (running ?? Promise.reject(new Error('never started'))).then(
    (cluster) => cluster.stop(),
    () => {},
  );
  await Promise.race([stopped.catch((error: Error) => log.error(error.message)), late]);
  app.exit(0);
}

guardContents();

if (!app.requestSingleInstanceLock()) app.quit();
else {
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('window-all-closed', () => {
    // With a tray the computer goes on serving its share; without one nobody could get the window back.
    if (!hasTray) app.quit();
  });
  app.on('before-quit', (event) => {
    if (quitting) return;
    event.preventDefault();
    quitting = true;
    void quitInOrder();
  });
  app.on('child-process-gone', (_, details) => {
    if (details.reason !== 'clean-exit') log.warn(`${details.name ?? details.type} ended: ${details.reason}`);
  });

  void app.whenReady().then(() => {
    Menu.setApplicationMenu(applicationMenu());
    denyPermissions(session.defaultSession);
    serveApp(join(programFolder, 'renderer'));
    running = startCluster();
    serveBridge(running.then(({ host }) => host));
    show();
    powerMonitor.on('resume', () => log.info('The computer woke up; peers are contacted again.'));
    running.then(
      ({ host }) => {
        const update = createTray(iconFolder, { show, quit: () => app.quit() });
        hasTray = update !== null && process.platform !== 'linux';
        if (update !== null) host.api.subscribe(() => update(host.snapshot()));
      },
      (cause) => {
        dialog.showErrorBox('Coterie cannot start', toCoterieError(cause, 'not-ready').message);
        app.quit();
      },
    );
  });
}
