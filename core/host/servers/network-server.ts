/**
 * Keys over HTTP for programs on other computers: over TLS, after a login, whatever this computer asks of its own programs. The app,
 * its sessions and what is told of the cluster are not here.
 */
import { createServer } from 'node:https';
import type { Server } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import { CoterieError } from '../../base/errors.ts';
import { failure, failureOf } from '../../gateway/http/failures.ts';
import { newKeyApp } from '../../gateway/http/key-app.ts';
import { kvLogin } from '../../gateway/http/kv-login.ts';
import { kvRoutes } from '../../gateway/http/kv-routes.ts';
import { NetworkListeners } from '../../gateway/network-listeners.ts';
import { boundHandshakes } from '../../platform/tls-transport.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { ClientNetwork } from '../computers/client-network.ts';
import type { Host } from '../create-host.ts';
import { guardServer, keyServerOptions } from './guarded-server.ts';
import { isFromPage } from './request-guards.ts';

/** At each address. */
const connectionsMax = 256;
const silentMaxMs = 30_000;
const handshakeTimeMsMax = 10_000;
const headers = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export interface NetworkServer {
  close(): Promise<void>;
}

/** Listens at `port`, or where that is taken at any. Nowhere at all is no failure: the rest of the computer goes on. */
export async function serveNetwork(
  components: { host: Host; network: ClientNetwork; clock: Clock; timers: Timers; random: Random; log: Log },
  settings: { port: number; readOnly: boolean },
): Promise<NetworkServer> {
  const { host, network, log, ...around } = components;
  const { admission } = host;
  const app = newKeyApp();
  app.use('*', async (c, next) => {
    // A browser would send a login that a person once typed with the requests of any site.
    if (isFromPage(c.env.incoming.headers)) return c.text('Web pages are refused here.', 403);
    return next();
  });
  app.use('*', kvLogin(host.logins, { always: true }));
  app.route(
    '/',
    kvRoutes(
      { ...around, log, store: host.data, reads: admission.reads, budget: admission.budget },
      settings,
    ),
  );
  app.all('*', () =>
    failure(new CoterieError('not-found', 'There is nothing here but keys: /kv/{keyspace}/{key}.')),
  );
  app.onError((error) => failureOf(error, log));

  const listeners = new NetworkListeners((secured) => {
    const server = createAdaptorServer({
      fetch: app.fetch,
      createServer,
      serverOptions: {
        ...keyServerOptions,
        ...secured,
        handshakeTimeout: handshakeTimeMsMax,
      },
    }) as unknown as Server & Parameters<typeof guardServer>[0];
    guardServer(server, { connectionsMax, silentMaxMs, headers }, log);
    boundHandshakes(server);
    return server;
  }, settings);
  const follow = async () => {
    await listeners.set(network.places);
    admission.networkPort = listeners.port;
    if (listeners.port === null && network.places.hosts.length > 0)
      log.warn('No port can be had for keys over HTTP of programs on other computers.', settings);
  };
  network.onChange(() => void follow());
  await follow();
  return {
    async close() {
      admission.networkPort = null;
      await listeners.end();
    },
  };
}
