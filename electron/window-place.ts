/** Where the window was, in one small file: written a moment after each move, forgotten when no screen shows that place. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type BrowserWindow, type Rectangle, screen } from 'electron';

/** A drag is a hundred moves; the last one counts. */
const writeAfterMs = 400;
/** Enough of the title bar to grab it. */
const visibleMin = 80;

export interface WindowPlace {
  readonly bounds: Rectangle;
  readonly maximized: boolean;
}

function isPlace(value: unknown): value is WindowPlace {
  const { bounds } = (value ?? {}) as Partial<WindowPlace>;
  return (
    bounds !== undefined &&
    [bounds.x, bounds.y, bounds.width, bounds.height].every((length) => Number.isInteger(length))
  );
}

function isVisible({ x, y, width }: Rectangle): boolean {
  return screen
    .getAllDisplays()
    .some(
      ({ workArea }) =>
        x + width > workArea.x + visibleMin &&
        x < workArea.x + workArea.width - visibleMin &&
        y >= workArea.y - 1 &&
        y < workArea.y + workArea.height - visibleMin,
    );
}

export function readPlace(file: string): WindowPlace | null {
  try {
    const place: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isPlace(place) && isVisible(place.bounds) ? place : null;
  } catch {
    return null;
  }
}

export function rememberPlace(window: BrowserWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    clearTimeout(timer);
    if (window.isDestroyed()) return;
    try {
      writeFileSync(
        file,
        JSON.stringify({ bounds: window.getNormalBounds(), maximized: window.isMaximized() }),
      );
    } catch {
      // A place that cannot be remembered keeps nobody from working.
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(write, writeAfterMs);
  };
  window.on('resize', soon);
  window.on('move', soon);
  window.on('close', write);
}
