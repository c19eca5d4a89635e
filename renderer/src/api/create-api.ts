/** Chooses the way to the host: the desktop app's bridge where there is one, a WebSocket otherwise. */
import type { DesktopBridge } from '../../../core/contract/api.ts';
import { BridgeApi } from './bridge-api.ts';
import type { ConnectedApi } from './connection.ts';
import { SocketApi } from './socket-api.ts';

declare global {
  interface Window {
    readonly coterie?: DesktopBridge;
  }
}

export function createApi(): ConnectedApi {
  if (window.coterie !== undefined) return new BridgeApi(window.coterie);
  const url = new URL('/api', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new SocketApi(url.href);
}
