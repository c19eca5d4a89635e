/**
 * The command line's way in: ClusterApi over HTTP on the control port, with a secret that only the owner of the data
 * folder can read. Where it listens is written into the folder, so a command finds the host by the folder alone.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { parseBoundedJson } from '../../base/bounded-json.ts';
import { CoterieError } from '../../base/errors.ts';
import { type BodyLimits, withBody } from '../../gateway/http/body.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { outwardError } from '../../ports/outward-error.ts';
import { ownerBy } from '../caller.ts';
import type { Host } from '../create-host.ts';
import { guardServer, serverOptions } from './guarded-server.ts';
import { listen } from './listen.ts';

const controlFile = 'control.json';
const limits: BodyLimits = {
  bytesMax: 128 * 1024 * 1024,
  tooLargeWords: 'The request is too large.',
};
const connectionsMax = 256;
/** A node that finishes what it has takes its time. */
const silentMaxMs = 120_000;
const controlHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'",
};
const statusOfCode: Readonly<Record<string, number>> = {
  unauthorized: 401,
  'too-large': 413,
  internal: 500,
  busy: 503,
};

const controlAddress = z.object({ url: z.url(), token: z.string().min(1), pid: z.number().int() });
export type ControlAddress = Readonly<z.infer<typeof controlAddress>>;

export interface ControlServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Where the running host of a data folder listens; null when none has left word that can be read. */
export function readControlAddress(folder: string): ControlAddress | null {
  try {
    return controlAddress.parse(JSON.parse(readFileSync(join(folder, controlFile), 'utf8')));
  } catch {
    return null;
  }
}

export async function serveControl(
  components: {
    host: Pick<Host, 'dispatch' | 'admission'>;
    loginLink: () => string;
    clock: Clock;
    timers: Timers;
    log: Log;
  },
  settings: { folder: string; host: string; port: number },
): Promise<ControlServer> {
  const token = randomBytes(32).toString('base64url');
  const expected = Buffer.from(`Bearer ${token}`);
  const caller = ownerBy('command line');

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new CoterieError('unauthorized', 'This is not the owner of the data folder.');
    }
    const { ownBudget: budget } = components.host.admission;
    const output = await withBody({ ...components, budget }, { request, response }, limits, async (body) => {
      const { method, input } = callOf(body);
      return method === 'host.loginLink'
        ? { url: components.loginLink() }
        : components.host.dispatch(method, input, caller);
    });
    response.end(JSON.stringify({ output }));
  };

  const server = createServer(serverOptions, (request, response) => {
    response.setHeader('Content-Type', 'application/json');
    answer(request, response).catch((cause) => {
      const { code, message } = outwardError(cause, components.log, 'a request of the command line');
      response.statusCode = statusOfCode[code] ?? 400;
      if (code === 'busy') response.setHeader('Retry-After', '1');
      // What was not read of the body is not wanted any more.
      if (!request.complete) response.setHeader('Connection', 'close');
      response.end(JSON.stringify({ error: { code, message } }));
    });
  });
  guardServer(server, { connectionsMax, silentMaxMs, headers: controlHeaders }, components.log);
  const { host, folder } = settings;
  const actual = await listen(server, { ...settings, what: 'control', option: '--control-port' });
  server.on('error', (error) => components.log.warn('The control port.', { cause: error.message }));
  const address: ControlAddress = { url: `http://${host}:${actual}/`, token, pid: process.pid };
  const path = join(folder, controlFile);
  writeFileSync(path, JSON.stringify(address), { mode: 0o600 });
  chmodSync(path, 0o600);

  return {
    port: actual,
    async close() {
      if (readControlAddress(folder)?.pid === process.pid) rmSync(path, { force: true });
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const callBody = z.object({ method: z.string().max(100), input: z.unknown() });

/** Throws `bad-input` for anything that is not a call. */
function callOf(body: Buffer): z.infer<typeof callBody> {
  let call: unknown;
  try {
    call = parseBoundedJson(body);
  } catch (cause) {
    if (cause instanceof CoterieError) throw cause;
    throw new CoterieError('bad-input', 'The request is not JSON.');
  }
  const parsed = callBody.safeParse(call);
  if (parsed.success) return parsed.data;
  throw new CoterieError('bad-input', 'This is no call: {"method","input"}.');
}
