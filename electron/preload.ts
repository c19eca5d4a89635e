/** All that the page gets from Electron: two functions. It never sees ipcRenderer, so it cannot reach any other channel. */
import { contextBridge, ipcRenderer } from 'electron';
import type { ClusterEvent, DesktopBridge } from '../core/contract/api.ts';
import { channels } from './channels.ts';

const listeners = new Set<(event: ClusterEvent) => void>();
ipcRenderer.on(channels.event, (_, event: ClusterEvent) => {
  for (const listener of listeners) listener(event);
});

const bridge: DesktopBridge = {
  invoke: (method, input) => ipcRenderer.invoke(channels.invoke, method, input),
  subscribe(listener) {
    listeners.add(listener);
    // Each subscription begins with a snapshot, so asking anew is right for a second listener, too.
    ipcRenderer.send(channels.subscribe);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) ipcRenderer.send(channels.unsubscribe);
    };
  },
};
contextBridge.exposeInMainWorld('coterie', bridge);
