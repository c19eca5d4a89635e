/**
 * The desktop app. It owns the order of starting and quitting, and that there is one of it; the window, the tray and the
 * cluster are other files. Everything about the cluster is the host's, which `coterie serve` starts in the same way.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, type BrowserWindow, dialog, Menu, powerMonitor, session } from 'electron';
import { toCoterieError } from '../core/base/errors.ts';
import type { Host } from '../core/host/create-host.ts';
import type { Computer } from '../core/host/open-computer.ts';
import { keepFilesPrivate } from '../core/platform/private-folder.ts';
import type { Log } from '../core/ports/log.ts';
import { serveApp } from './app-protocol.ts';
import { serveBridge } from './bridge.ts';
import { startCluster, wantedPorts } from './cluster.ts';
import { denyPermissions, guardContents } from './guards.ts';
import { systemKeyStore } from './key-store.ts';
import { applicationMenu } from './menu.ts';
import { startProblemOf } from './start-problem.ts';
import { createTray, systemShowsTray } from './tray.ts';
import { TrayWords } from './tray-text.ts';
import { createWindow } from './window.ts';

const programFolder = dirname(fileURLToPath(import.meta.url));
const iconFolder = join(programFolder, '../build/icons');
/** Above the time in which a node is ended by force, so that the lock files are gone in every case but a hang. */
const quitWithinMs = 15_000;

const log: Log = {
  info: (message) => console.info(message),
  warn: (message, facts) => console.warn(message, facts ?? ''),
  error: (message, facts) => console.error(message, facts ?? ''),
};

let window: BrowserWindow | null = null;
let running: Promise<Computer | null> = Promise.resolve(null);
let hasTray = false;
/** Aborted once, when quitting begins. */
const quitting = new AbortController();

function show(): void {
  if (!app.isReady() || quitting.signal.aborted) return;
  if (window === null || window.isDestroyed()) {
    const files = { preload: join(programFolder, 'preload.cjs'), icon: join(iconFolder, 'icon-256.png') };
    window = createWindow(files, log);
    return;
  }
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

/** Starts the cluster, asking the person what to do while it cannot. Null: the app quits instead. */
async function startAsking(): Promise<Computer | null> {
  let ports = wantedPorts();
  // Asked once, as Electron does: what is unlocked later counts at the next start.
  const keyStore = systemKeyStore();
  if (keyStore.box === null)
    log.warn(`${keyStore.whyNone} Keys are kept in files that only your account can read.`);
  while (!quitting.signal.aborted) {
    try {
      // Installed on a computer, it first asks which cluster; out of a checkout it shows one at once.
      return await startCluster({ log, keyStore }, { programFolder, ports, waits: app.isPackaged });
    } catch (cause) {
      const problem = startProblemOf(toCoterieError(cause, 'not-ready'), ports);
      log.error(`${problem.message}: ${problem.detail}`);
      if (quitting.signal.aborted) break;
      const take = problem.otherPortsLabel === null ? [] : [problem.otherPortsLabel];
      const buttons = [...take, 'Try again', 'Quit'];
      const options = {
        type: 'error' as const,
        message: problem.message,
        detail: problem.detail,
        buttons,
        defaultId: 0,
        cancelId: buttons.length - 1,
        signal: quitting.signal,
      };
      const { response } =
        window === null || window.isDestroyed()
          ? await dialog.showMessageBox(options)
          : await dialog.showMessageBox(window, options);
      if (response === buttons.length - 1) break;
      if (problem.otherPorts !== null && response === 0) ports = problem.otherPorts;
    }
  }
  app.quit();
  return null;
}

/** Resolves only with a host: a page that calls before then waits, and is gone when there will be none. */
async function hostOf(start: Promise<Computer | null>): Promise<Host> {
  const cluster = await start;
  return cluster === null ? new Promise<never>(() => {}) : cluster.host;
}

function putIntoTray(host: Host): void {
  const update = createTray(iconFolder, { show, quit: () => app.quit() });
  if (update === null) return;
  hasTray = systemShowsTray();
  const words = new TrayWords();
  host.api.subscribe((event) => {
    const text = words.after(event);
    if (text !== null) update(text);
  });
}

async function quitInOrder(): Promise<void> {
  // Draining takes seconds; a window that no longer answers would look like a hang.
  if (window !== null && !window.isDestroyed()) window.close();
  const late = new Promise<void>((resolve) => setTimeout(resolve, quitWithinMs));
  const stopped = running.then((cluster) => cluster?.stop());
  await Promise.race([stopped.catch((error: Error) => log.error(error.message)), late]);
  app.exit(0);
}

keepFilesPrivate();
guardContents();

if (!app.requestSingleInstanceLock()) app.quit();
else {
  // Windows groups windows and notifications by this name; the installer's shortcut carries the same.
  if (process.platform === 'win32') app.setAppUserModelId('app.coterie.desktop');
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('window-all-closed', () => {
    // With a tray the computer goes on serving its share; without one nobody could get the window back.
    if (!hasTray) app.quit();
  });
  app.on('before-quit', (event) => {
    event.preventDefault();
    if (quitting.signal.aborted) return;
    quitting.abort();
    void quitInOrder();
  });
  app.on('child-process-gone', (_, details) => {
    const wanted = details.reason === 'clean-exit' || quitting.signal.aborted;
    if (!wanted) log.warn(`${details.name ?? details.type} ended: ${details.reason}`);
  });

  void app.whenReady().then(() => {
    Menu.setApplicationMenu(applicationMenu({ developing: !app.isPackaged }));
    denyPermissions(session.defaultSession);
    serveApp(join(programFolder, 'renderer'));
    running = startAsking();
    const host = hostOf(running);
    serveBridge(host, log);
    show();
    void host.then(putIntoTray);
    powerMonitor.on('resume', () => log.info('The computer woke up.'));
    // The system shuts down: it waits for us a little when asked to.
    powerMonitor.on('shutdown', () => app.quit());
  });
}
