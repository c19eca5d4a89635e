/** HTTP: requests for keys with all their headers, contexts, logins, and the frames of pages. */
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { addressOf } from '../../../../core/base/token.ts';
import { ByteBudget } from '../../../../core/gateway/http/byte-budget.ts';
import { newKeyApp } from '../../../../core/gateway/http/key-app.ts';
import { rangeOf } from '../../../../core/gateway/http/kv-answers.ts';
import { kvLogin } from '../../../../core/gateway/http/kv-login.ts';
import { kvOrigins } from '../../../../core/gateway/http/kv-origins.ts';
import { kvRoutes } from '../../../../core/gateway/http/kv-routes.ts';
import { keyMethods } from '../../../../core/gateway/http/methods.ts';
import { ReadGate } from '../../../../core/gateway/http/read-gate.ts';
import { refusalOf } from '../../../../core/host/servers/request-guards.ts';
import { openToAll } from '../../../../core/ports/logins.ts';
import type { RemoteStore } from '../../../../core/ports/remote-store.ts';
import { contextSealOf } from '../../../../core/security/context-seal.ts';
import { Secrets } from '../../../../core/security/secrets.ts';
import { encodeBasis, parseBasis } from '../../../../core/versions/context-codec.ts';
import { actorOf } from '../../../../core/versions/version-set.ts';
import { LogCapture } from '../../log-capture.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { VirtualTime } from '../../virtual-time.ts';
import { type FuzzTarget, reader } from '../target.ts';

const seal = contextSealOf(Secrets.of(Buffer.alloc(32, 7)));
const address = addressOf(1, Buffer.from('k'));
const contexts = [[], [3], [3, 4]].map((dots) =>
  encodeBasis(
    {
      context: [1, 2].map((node) => ({ actor: actorOf(node, 1), counter: node })),
      dots: dots.map((counter) => ({ actor: actorOf(9, 1), counter })),
    },
    address,
    seal,
  ),
);

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As a request stands on the wire, without what node's own parser does. */
function askedOf(bytes: Buffer): Asked {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\n\n');
  const [first, ...lines] = (end < 0 ? text : text.slice(0, end)).split('\n');
  const [method, url = '/'] = first.split(' ', 2);
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { method, url, headers, body: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 2) };
}

/** A store of one key for each number of values; contexts are read as a coordinator reads them. */
const store: RemoteStore = {
  async get(_, key) {
    const values = [[], [Buffer.from('0123456789')], [Buffer.from('a'), Buffer.from([0, 255])]][
      key.length % 3
    ];
    return {
      context: contexts[0],
      values,
      contentTypes: values.map((_value, index) => ['', 'text/plain'][index]),
    };
  },
  async put(_, __, { context, condition }) {
    for (const text of [context, typeof condition === 'object' ? condition.context : undefined]) {
      if (text !== undefined) parseBasis(text, address, seal);
    }
    return { written: condition !== 'present', context: contexts[0], found: 1 };
  },
  async delete(_, __, { condition }) {
    return { written: typeof condition !== 'object', context: contexts[0], found: 0 };
  },
};

const time = new VirtualTime();
const log = new LogCapture();
const budget = new ByteBudget(() => time.monotonicMs());
const keyApp = newKeyApp();
keyApp.use('*', kvOrigins(['http://a.example', '*']));
keyApp.use('*', kvLogin(openToAll));
keyApp.route(
  '/',
  kvRoutes(
    {
      store,
      clock: time,
      timers: time,
      budget,
      log,
      random: new SeededRandom(1),
      reads: new ReadGate({ budget, timers: time }),
    },
    { readOnly: false },
  ),
);
const headerWords = [
  ...[
    'GET ',
    'PUT ',
    'DELETE ',
    'HEAD ',
    'OPTIONS ',
    '/kv/',
    '%2f',
    '%',
    '?consistency=QUORUM',
    '?ttl=1',
    '&ttl=',
    'http://x:1/kv/a/b',
    '..',
    '\\',
  ],
  ...[
    '\nIf-Match: ',
    '\nIf-None-Match: *',
    '\nRange: bytes=0-1',
    '\nRange: bytes=-5',
    '\nIf-Range: ',
    '\nX-Coterie-Context: ',
    '\nX-Coterie-Consistency: ONE',
  ],
  ...[
    '\nAuthorization: Basic ',
    '\nAuthorization: Bearer ',
    '\nOrigin: http://a.example',
    '\nContent-Type: text/plain',
    '\nContent-Length: ',
    '\nAccept: ',
    '\nExpect: 100-continue',
  ],
  ...['W/"', `"${contexts[0]}"`, contexts[1]],
];

const keyRequests: FuzzTarget = {
  name: 'http-keys',
  words: headerWords,
  seeds: [
    'GET /kv/default/k?consistency=ONE\nRange: bytes=2-4\nIf-Match: *',
    `GET /kv/default/kk\nIf-None-Match: "${contexts[0]}", W/"x"\nAccept: application/json`,
    `PUT /kv/default/k?ttl=60\nIf-Match: "${contexts[0]}"\nContent-Type: text/plain; charset=utf-8\nContent-Length: 5\n\nvalue`,
    `PUT /kv/a%2fb/%00\nX-Coterie-Context: ${contexts[1]}\n\n`,
    'DELETE /kv/default/k\nIf-Match: "x"\nAuthorization: Basic YTpi\nOrigin: http://a.example',
    'OPTIONS http://h/kv/default/a/../b\nAuthorization: Bearer coterie_00\nOrigin: http://b.example',
  ].map((text) => Buffer.from(text)),
  async run(bytes) {
    const { method, url, headers, body } = askedOf(bytes);
    const incoming = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
      socket: Object.assign(new EventEmitter(), { destroyed: false }),
      method,
      url,
      headers,
    });
    const outgoing = Object.assign(new EventEmitter(), {
      writeContinue() {},
      writableFinished: false,
      destroyed: false,
    });
    let request: globalThis.Request;
    try {
      if (!/^[0-9]{1,19}$/.test(headers['content-length'] ?? '0')) return 'no request';
      request = new globalThis.Request('http://h/', { method, headers: headers as Record<string, string> });
    } catch {
      // What node's parser lets nobody send.
      return 'no request';
    }
    const response = await keyApp.fetch(request, {
      incoming: incoming as unknown as IncomingMessage,
      outgoing,
    } as never);
    await response.arrayBuffer();
    outgoing.emit('close');
    incoming.destroy();
    const [error] = log.errors;
    if (error !== undefined) throw new Error(`${error.message} ${JSON.stringify(error.facts)}`);
    if (response.status >= 500 && response.status !== 503) throw new Error(`Answered ${response.status}.`);
    return `${keyMethods.includes(method)} ${response.status}`;
  },
};

export const httpTargets: readonly FuzzTarget[] = [
  keyRequests,
  reader({
    ...{ name: 'context', refusals: ['bad-input'], seeds: contexts },
    read: (bytes) => parseBasis(bytes.toString('latin1'), address, seal),
    holds(basis, input) {
      if (encodeBasis(basis, address, seal) !== input.toString('latin1'))
        throw new Error('A context has two forms.');
      return undefined;
    },
  }),
  reader({
    ...{
      name: 'context-unsealed',
      refusals: ['bad-input', 'corrupt'],
      seeds: contexts.map((text) => Buffer.from(text, 'base64url')),
    },
    // As if the seal held: what is inside is checked as well.
    read: (bytes) =>
      parseBasis(
        bytes.toString('base64url'),
        { ...address, tokenHigh: bytes.length > 4 ? bytes.readUInt32BE(1) : 0 },
        { ...seal, holds: () => true },
      ),
  }),
  reader({
    ...{ name: 'range', seeds: ['bytes=0-4', 'bytes=-3', 'bytes=5-', 'bytes=4-2', 'bytes=0-0,2-3'] },
    read: (bytes) => rangeOf(bytes.toString('latin1'), 10),
    holds(range) {
      if (range === null || range === 'unsatisfiable') return String(range);
      const { first, last } = range;
      if (!(first >= 0 && first <= last && last <= 9))
        throw new Error('A range that is not within the value.');
      return undefined;
    },
  }),
  reader({
    name: 'request-guard',
    words: [
      '\nHost: ',
      'localhost:80',
      '127.0.0.1:80',
      '\nOrigin: http://localhost:80',
      '\nSec-Fetch-Site: cross-site',
      '\nSec-Fetch-Mode: navigate',
      '\nSec-Fetch-Dest: document',
      'same-origin',
      'none',
    ],
    seeds: [
      'GET /\nHost: localhost:80',
      'POST /api\nHost: 127.0.0.1:80\nOrigin: http://127.0.0.1:80\nSec-Fetch-Site: same-origin',
      'GET /login\nHost: [::1]:80\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document',
    ],
    read(bytes) {
      const asked = askedOf(bytes);
      return { asked, refusal: refusalOf(asked, asked.url, { host: '127.0.0.1', port: 80 }) };
    },
    holds({ asked, refusal }) {
      const { host, origin } = asked.headers;
      if (refusal === null && origin !== undefined && origin !== `http://${host}`)
        throw new Error('Another site is let in.');
      return `${refusal?.status}`;
    },
  }),
];
