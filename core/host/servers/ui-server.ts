/**
 * The browser's way in and the HTTP gateway, on one port: the renderer's files, ClusterApi over WebSocket after a login,
 * keys under /kv, /openapi.json, /metrics and /health. Loopback only.
 */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { CoterieError } from '../../base/errors.ts';
import { productVersion } from '../../base/version.ts';
import { failureOf } from '../../gateway/http/failures.ts';
import { healthOf, readinessOf } from '../../gateway/http/health.ts';
import { newKeyApp } from '../../gateway/http/key-app.ts';
import { isKeyPath } from '../../gateway/http/key-target.ts';
import { allowedOriginOf, kvLoginOfPages, kvOrigins } from '../../gateway/http/kv-origins.ts';
import { kvRoutes } from '../../gateway/http/kv-routes.ts';
import { answerOtherMethod } from '../../gateway/http/methods.ts';
import { metricsText } from '../../gateway/http/metrics.ts';
import { openApiDocument } from '../../gateway/http/openapi.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Host } from '../create-host.ts';
import { guardServer, keyServerOptions } from './guarded-server.ts';
import { listen } from './listen.ts';
import { isReadablePath, pageHeaders } from './page-files.ts';
import { pageRoutes } from './page-routes.ts';
import { PageSockets } from './page-sockets.ts';
import { refusalOf } from './request-guards.ts';

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
  /** Origins of web pages that may use keys; `*`: of all. Nothing else of this server is for them. */
  readonly allowOrigins: readonly string[];
}

const connectionsMax = 512;
const silentMaxMs = 30_000;
const sweepEveryMs = 60_000;
/** What is read by programs, beside keys. */
const readPaths = ['/health', '/health/live', '/health/ready', '/metrics', '/openapi.json'];

const securityHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders('self'),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export async function serveUi(
  components: { host: Host; clock: Clock; timers: Timers; random: Random; log: Log },
  settings: UiServerSettings,
): Promise<UiServer> {
  const { host, clock, timers, random, log } = components;
  const { admission } = host;
  const { budget } = admission;
  const { allowOrigins } = settings;
  let port = settings.port;
  const address = () => ({ host: settings.host, port });
  const app = newKeyApp();

  app.use('*', async (c, next) => {
    const { path } = c.req;
    const { incoming } = c.env;
    const isAllowed = isKeyPath(path) && allowedOriginOf(incoming.headers, allowOrigins) !== null;
    const refusal = refusalOf(incoming, path, address(), isAllowed);
    if (refusal !== null) return c.text(refusal.words, refusal.status);
    if (!isKeyPath(path) && !isReadablePath(path)) {
      throw new CoterieError('bad-input', 'The percent-encoding of this address is broken.');
    }
    return next();
  });

  app.get('/health', (c) => {
    const health = healthOf(host.snapshot());
    return c.json(health, health.status === 'unavailable' ? 503 : 200);
  });
  app.get('/health/live', (c) => c.json({ live: true }));
  app.get('/health/ready', (c) => {
    const { computers, nodes } = host.snapshot();
    const own = new Set(computers.flatMap(({ name, self }) => (self ? [name] : [])));
    const readiness = readinessOf(nodes.filter(({ computer }) => own.has(computer)));
    return c.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get('/metrics', (c) => {
    c.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    return c.body(metricsText(host.snapshot()));
  });
  app.get('/openapi.json', (c) => c.json(openApiDocument(productVersion) as object));
  for (const path of readPaths) app.all(path, (c) => answerOtherMethod(c.req.method, ['GET', 'HEAD']));
  app.use('/kv/*', kvOrigins(allowOrigins), kvLoginOfPages(host.logins, allowOrigins));
  app.route(
    '/',
    kvRoutes({ store: host.data, reads: admission.reads, budget, clock, timers, random, log }, settings),
  );
  const { rendererFolder } = settings;
  app.route('/', pageRoutes({ admission, budget, clock, timers }, { rendererFolder, port: () => port }));
  app.onError((error) => failureOf(error, log));

  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: keyServerOptions }) as Server;
  const connections = guardServer(server, { connectionsMax, silentMaxMs, headers: securityHeaders }, log);
  const sockets = new PageSockets(
    { host, connections, clock, timers, log },
    { headers: securityHeaders, address },
  );
  server.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head));

  port = await listen(server, { ...settings, what: 'the app', option: '--ui-port' });
  server.on('error', (error) => log.warn('The port of the app.', { cause: error.message }));
  const sweeping = setInterval(() => admission.login.sweep(), sweepEveryMs);
  const url = `http://${settings.host}:${port}/`;
  admission.httpUrl = url;
  return {
    url,
    loginLink: () => `${url}login#code=${admission.login.newLinkCode()}`,
    async close() {
      clearInterval(sweeping);
      sockets.closeAll();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
