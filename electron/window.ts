/**
 * The one window: made at once, before any node runs; comes back when its page crashes, and asks when it hangs. Nodes are
 * other processes and notice none of this.
 */
import { join } from 'node:path';
import { app, BrowserWindow, dialog, nativeTheme } from 'electron';
import type { Log } from '../core/ports/log.ts';
import { appOrigin } from './app-protocol.ts';
import { paper } from './paper.ts';
import { readPlace, rememberPlace } from './window-place.ts';

const reloadMinMs = 250;
const reloadMaxMs = 30_000;
/** A page that ran this long comes back with the shortest wait. */
const steadyAfterMs = 60_000;

export function createWindow(files: { preload: string; icon: string }, log: Log): BrowserWindow {
  const placeFile = join(app.getPath('userData'), 'window.json');
  const place = readPlace(placeFile);
  const window = new BrowserWindow({
    width: 1280,
    height: 860,
    ...place?.bounds,
    minWidth: 640,
    minHeight: 480,
    title: 'Coterie',
    show: false,
    // So that nothing flashes before the page's first paint.
    backgroundColor: nativeTheme.shouldUseDarkColors ? paper.dark : paper.light,
    // Other systems take the program's own icon.
    ...(process.platform === 'linux' ? { icon: files.icon } : {}),
    webPreferences: {
      preload: files.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
      devTools: !app.isPackaged,
    },
  });
  window.once('ready-to-show', () => {
    if (place?.maximized) window.maximize();
    window.show();
  });
  rememberPlace(window, placeFile);
  reloadAfterCrash(window, log);
  askWhenHanging(window, log);
  void window.loadURL(`${appOrigin}/index.html`);
  return window;
}

function reloadAfterCrash(window: BrowserWindow, log: Log): void {
  let quickCrashes = 0;
  let lastMs = 0;
  window.webContents.on('render-process-gone', (_, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const nowMs = performance.now();
    quickCrashes = nowMs - lastMs < steadyAfterMs ? quickCrashes + 1 : 0;
    lastMs = nowMs;
    const delayMs = Math.min(reloadMaxMs, reloadMinMs * 2 ** quickCrashes);
    log.warn(`The page ended (${reason}); it is loaded again in ${delayMs} ms.`);
    setTimeout(() => {
      if (!window.isDestroyed()) window.webContents.reload();
    }, delayMs);
  });
}

function askWhenHanging(window: BrowserWindow, log: Log): void {
  let question: AbortController | null = null;
  window.on('responsive', () => question?.abort());
  window.on('unresponsive', async () => {
    if (question !== null) return;
    log.warn('The page does not respond.');
    question = new AbortController();
    const { response } = await dialog.showMessageBox(window, {
      type: 'warning',
      message: 'The page does not respond.',
      detail: 'The nodes are not concerned and go on. Loading the page again loses only what is being typed.',
      buttons: ['Wait', 'Load again'],
      defaultId: 0,
      cancelId: 0,
      signal: question.signal,
    });
    question = null;
    // Its process hangs and would not hear a plain reload; render-process-gone loads it anew.
    if (response === 1 && !window.isDestroyed()) window.webContents.forcefullyCrashRenderer();
  });
}
