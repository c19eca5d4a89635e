/**
 * A host for tests of the page: serves the built renderer with the real content policy and speaks ClusterApi's frames over
 * WebSocket, in front of a cluster that lives in memory. No login. It can go away and come back on the same port.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Host } from '../../core/host/create-host.ts';
import { serveApiSocket } from '../../core/host/servers/api-socket.ts';
import { contentTypeOf, pageFileOf, pageHeaders } from '../../core/host/servers/page-files.ts';
import { silentLog } from '../../core/ports/log.ts';
import { FakeCluster } from '../ui/fake-cluster.ts';
import type { Variant } from '../ui/fake-layouts.ts';

export class FakeHost {
  readonly cluster: FakeCluster;
  readonly #folder: string;
  #server: Server | null = null;
  #sockets: WebSocketServer | null = null;
  #port = 0;

  private constructor(variant: Variant, folder: string) {
    this.cluster = new FakeCluster(variant);
    this.#folder = folder;
  }

  static async open(variant: Variant, folder: string, port = 0): Promise<FakeHost> {
    const host = new FakeHost(variant, folder);
    host.#port = port;
    await host.comeBack();
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Ends the server and all connections; the cluster stays. */
  async goAway(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    for (const client of this.#sockets?.clients ?? []) client.terminate();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    this.#server = null;
  }

  async comeBack(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#file(request.url ?? '/').then(({ status, type, body }) => {
        response.writeHead(status, { 'Content-Type': type, ...pageHeaders('self') });
        response.end(body);
      });
    });
    const sockets = new WebSocketServer({ server, path: '/api' });
    const host = {
      api: {
        subscribe: (listener: Parameters<Host['api']['subscribe']>[0]) => this.cluster.subscribe(listener),
      },
      dispatch: (method: string, input: unknown) => this.cluster.dispatch(method, input),
    };
    sockets.on('connection', (socket) => serveApiSocket(host as unknown as Host, socket, silentLog));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  async close(): Promise<void> {
    this.cluster.close();
    await this.goAway();
  }

  async #file(url: string): Promise<{ status: number; type: string; body: Uint8Array }> {
    const path = pageFileOf(this.#folder, new URL(url, 'http://host').pathname);
    const missing = { status: 404, type: 'text/plain', body: new TextEncoder().encode('not found') };
    if (path === null) return missing;
    try {
      const body = new Uint8Array(await readFile(path));
      return { status: 200, type: contentTypeOf(path), body };
    } catch {
      return missing;
    }
  }
}
