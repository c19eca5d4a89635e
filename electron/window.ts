/** The one window: made at once, before any node runs; remembers its place; comes back when its page crashes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { app, BrowserWindow, nativeTheme, type Rectangle, screen } from 'electron';
import { appOrigin } from './app-protocol.ts';

const crashCountMax = 3;
const crashWindowMs = 60_000;

function placeFile(): string {
  return join(app.getPath('userData'), 'window.json');
}

/** The remembered place, if a screen still shows it. */
function rememberedPlace(): Partial<Rectangle> {
  try {
    const place = JSON.parse(readFileSync(placeFile(), 'utf8')) as Rectangle;
    const { workArea } = screen.getDisplayMatching(place);
    const visible = place.x < workArea.x + workArea.width - 80 && place.y < workArea.y + workArea.height - 80;
    return visible ? place : {};
  } catch {
    return {};
  }
}

export function createWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1280,
    height: 860,
    minWidth: 640,
    minHeight: 480,
    ...rememberedPlace(),
    title: 'Coterie',
    show: false,
    // The page's own background, so that nothing flashes before its first paint.
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#0f1115' : '#f6f5f2',
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
      devTools: !app.isPackaged,
    },
  });
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    try {
      writeFileSync(placeFile(), JSON.stringify(window.getNormalBounds()));
    } catch {
      // A place that cannot be remembered is no reason to stay open.
    }
  });
  const crashes: number[] = [];
  window.webContents.on('render-process-gone', (_, details) => {
    if (details.reason === 'clean-exit' || window.isDestroyed()) return;
    const now = Date.now();
    crashes.push(now);
    // The nodes are other processes and go on; the page alone starts again, unless it keeps crashing.
    if (crashes.filter((at) => now - at < crashWindowMs).length <= crashCountMax) window.webContents.reload();
  });
  void window.loadURL(`${appOrigin}/index.html`);
  return window;
}
