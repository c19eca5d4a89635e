/** The tray: its icon, and a menu that says how the cluster is and leads back to the window. Words come from tray-text.ts. */
import { join } from 'node:path';
import { Menu, type NativeImage, nativeImage, Tray } from 'electron';
import type { TrayText } from './tray-text.ts';

export interface TrayActions {
  show(): void;
  quit(): void;
}

/** Points across in macOS' menu bar; other systems scale the picture themselves. */
const menuBarPoints = 18;

/** Linux desktops that show tray icons as they come. Plain GNOME hides them, and no interface tells. */
const desktopsWithTray = /kde|xfce|cinnamon|mate|lxqt|unity|ubuntu|pop|budgie|deepin|pantheon/i;

/** Whether a person can get the window back from the tray: only then may closing it leave the program running. */
export function systemShowsTray(): boolean {
  return process.platform !== 'linux' || desktopsWithTray.test(process.env.XDG_CURRENT_DESKTOP ?? '');
}

function iconNamed(folder: string, name: string): NativeImage {
  const image = nativeImage.createFromPath(join(folder, name));
  return process.platform === 'darwin'
    ? image.resize({ width: menuBarPoints, height: menuBarPoints, quality: 'best' })
    : image;
}

/** Null where the system has no tray at all. */
export function createTray(iconFolder: string, actions: TrayActions): ((text: TrayText) => void) | null {
  const usual = iconNamed(iconFolder, 'icon-32.png');
  const attention = iconNamed(iconFolder, 'icon-32-attention.png');
  let tray: Tray;
  try {
    tray = new Tray(usual);
  } catch {
    return null;
  }
  tray.on('click', actions.show);
  return ({ needsPerson, tip, summary, nodes }) => {
    tray.setImage(needsPerson ? attention : usual);
    tray.setToolTip(tip);
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: summary, enabled: false },
        { type: 'separator' },
        ...nodes.map((label) => ({ label, enabled: false })),
        { type: 'separator' as const },
        { label: 'Open Coterie', click: actions.show },
        { label: 'Quit', click: actions.quit },
      ]),
    );
  };
}
