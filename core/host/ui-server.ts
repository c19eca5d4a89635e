/**
 * The browser's way in and the HTTP gateway, on one port: the renderer's files, ClusterApi over WebSocket after a login,
 * keys under /kv, /openapi.json, /metrics and /health. Loopback only.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import { join, sep } from 'node:path';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { WebSocketServer } from 'ws';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { failureOf } from '../gateway/http/failures.ts';
import { healthOf } from '../gateway/http/health.ts';
import { isKeyPath, pathOfTarget } from '../gateway/http/key-target.ts';
import { type KvBindings, kvRoutes } from '../gateway/http/kv-routes.ts';
import { metricsText } from '../gateway/http/metrics.ts';
import { openApiDocument } from '../gateway/http/openapi.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { serveApiSocket } from './api-socket.ts';
import type { Host } from './create-host.ts';
import { isOwnAddress, isOwnOrigin, Login } from './login.ts';
import { contentTypeOf, pageFileOf, pageHeaders } from './page-files.ts';
import { nextFreePort } from './ports.ts';
import { productVersion } from './version.ts';

export interface UiServer {
  readonly url: string;
  /** A fresh one-time login link. */
  loginLink(): string;
  close(): Promise<void>;
}

export interface UiServerSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Folder of the built renderer. */
  readonly rendererFolder: string;
  readonly readOnly: boolean;
}

const socketFrameBytesMax = 96 * 1024 * 1024;

const securityHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders('self'),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const loginPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Coterie</title>
<body style="font:16px/1.5 system-ui;max-width:34rem;margin:12vh auto;padding:0 1rem">
<h1 style="font-size:1.3rem">Open the link that Coterie printed</h1>
<p>This page needs the one-time link that was shown when Coterie started. It works once, for ten minutes.
For a new one, run <code>coterie login</code> on this computer.</p></body></html>`;

export async function serveUi(
  components: { host: Host; clock: Clock; random: Random; log: Log },
  settings: UiServerSettings,
): Promise<UiServer> {
  const { host, clock, random, log } = components;
  const login = new Login(() => clock.nowMs());
  let port = settings.port;
  const app = new Hono<{ Bindings: KvBindings }>({
    // Keys are routed by the request line: tidied up, one may look like a path to something else.
    getPath(request, { env } = {}) {
      const path = pathOfTarget((env as KvBindings | undefined)?.incoming.url ?? '');
      return isKeyPath(path) ? path : new URL(request.url).pathname;
    },
  });
  const assetFolder = join(settings.rendererFolder, 'assets') + sep;

  app.use('*', async (c, next) => {
    if (!isOwnAddress(c.req.header('host'), settings.host, port)) {
      return c.text('Open Coterie by its own address: this name is not allowed.', 421);
    }
    if (!isOwnOrigin(c.req.header('origin'), settings.host, port)) {
      return c.text('Requests from other sites are refused.', 403);
    }
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.res.headers.set(name, value);
  });

  app.get('/health', (c) => {
    const health = healthOf(host.snapshot());
    return c.json(health, health.status === 'unavailable' ? 503 : 200);
  });
  app.get('/metrics', (c) => {
    c.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    return c.body(metricsText(host.snapshot()));
  });
  app.get('/openapi.json', (c) => c.json(openApiDocument(productVersion) as object));
  app.route('/', kvRoutes({ store: host.data, random, log }, settings));

  app.get('/login', (c) => {
    const cookie = login.redeem(c.req.query('code') ?? '', port);
    if (cookie === null) return c.html(loginPage, 401);
    c.header('Set-Cookie', cookie);
    c.header('Cache-Control', 'no-store');
    return c.redirect('/');
  });

  app.get('*', async (c) => {
    if (!login.isLoggedIn(c.req.header('cookie'), port)) return c.html(loginPage, 401);
    const path = pageFileOf(settings.rendererFolder, c.req.path);
    if (path === null) return c.notFound();
    try {
      const body = await readFile(path);
      c.header('Content-Type', contentTypeOf(path));
      // Built files carry a hash in their names and never change; the document names the newest ones.
      c.header(
        'Cache-Control',
        path.startsWith(assetFolder) ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      return c.body(new Uint8Array(body));
    } catch {
      return c.notFound();
    }
  });
  app.onError((error) => failureOf(error, log));

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: socketFrameBytesMax });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { headers, url } = request;
    // Whoever hangs up before the answer ends nobody but itself.
    socket.on('error', () => {});
    // A WebSocket without Origin does not come from a page; with the cookie it is one of our own tools.
    const allowed =
      url === '/api' &&
      isOwnAddress(headers.host, settings.host, port) &&
      isOwnOrigin(headers.origin, settings.host, port) &&
      login.isLoggedIn(headers.cookie, port);
    if (!allowed) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => serveApiSocket(host, opened, log));
  });

  port = await listen(server, settings);
  server.on('error', (error) => log.warn('The port of the app.', { cause: error.message }));
  const url = `http://${settings.host}:${port}/`;
  return {
    url,
    loginLink: () => `${url}login?code=${login.newLinkCode()}`,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', async (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') {
        reject(toCoterieError(cause, 'unavailable'));
        return;
      }
      const free = await nextFreePort(port + 1, host, new Set());
      reject(
        new CoterieError(
          'busy',
          `Port ${port} for the app is in use by another program. The next free one is ${free}: --ui-port ${free}.`,
          { port, free },
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}
