/** All that the page gets from Electron: two functions. It never sees ipcRenderer, so it cannot reach any other channel. */
import { contextBridge, ipcRenderer } from 'electron';
import type { ClusterEvent } from '../core/contract/api.ts';
import { channels } from './channels.ts';

const listeners = new Set<(event: ClusterEvent) => void>();
ipcRenderer.on(channels.event, (_, event: ClusterEvent) => {
  for (const listener of listeners) listener(event);
});

contextBridge.exposeInMainWorld('coterie', {
  invoke: (method: string, input: unknown) => ipcRenderer.invoke(channels.invoke, method, input),
  subscribe(listener: (event: ClusterEvent) => void) {
    listeners.add(listener);
    // Each subscription begins with a snapshot, so asking anew is right for a second listener, too.
    ipcRenderer.send(channels.subscribe);
    return () => {
      listeners.delete(listener);
    };
  },
});
