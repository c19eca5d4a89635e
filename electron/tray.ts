/** The tray: the worst state that needs a person, in words, and the way back to the window. */
import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';
import type { Snapshot } from '../core/contract/views.ts';

export interface TrayActions {
  show(): void;
  quit(): void;
}

/** Null where the system has no tray. */
export function createTray(iconFolder: string, actions: TrayActions): ((snapshot: Snapshot) => void) | null {
  let tray: Tray;
  try {
    const image = nativeImage.createFromPath(join(iconFolder, 'icon-32.png'));
    tray = new Tray(image.isEmpty() ? nativeImage.createEmpty() : image);
  } catch {
    return null;
  }
  tray.on('click', actions.show);
  return ({ cluster, nodes, advice }) => {
    const up = nodes.filter((node) => node.state === 'up').length;
    const [worst] = advice.filter((item) => item.severity !== 'info');
    const summary = worst?.title ?? `${up} of ${nodes.length} nodes up`;
    tray.setToolTip(`${cluster.name}: ${summary}`);
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: summary, enabled: false },
        { type: 'separator' },
        ...nodes.map((node) => ({ label: `${node.name}: ${node.state}`, enabled: false })),
        { type: 'separator' as const },
        { label: 'Open Coterie', click: actions.show },
        { label: 'Quit', click: actions.quit },
      ]),
    );
  };
}
