/** What browsers send: the frames of pages, sessions, and paths of files. */
import { EventEmitter } from 'node:events';
import { sep } from 'node:path';
import type { WebSocket } from 'ws';
import { parseBoundedJson } from '../../../../core/base/bounded-json.ts';
import { methods } from '../../../../core/contract/api.ts';
import { Login } from '../../../../core/host/access/login.ts';
import { dispatch } from '../../../../core/host/dispatch.ts';
import { serveApiSocket } from '../../../../core/host/servers/api-socket.ts';
import { isReadablePath, pageFileOf } from '../../../../core/host/servers/page-files.ts';
import { accessRules } from '../../../../core/security/access.ts';
import { tokenShown } from '../../../../core/security/access-tokens.ts';
import { LogCapture } from '../../log-capture.ts';
import { type FuzzTarget, reader } from '../target.ts';

const login = new Login(() => 1_000);
const { setCookie, token: sessionToken } = login.redeem(login.newLinkCode(), 'Firefox', 80)!;
const rules = accessRules.parse({ format: 1, required: true, users: [] });

/** Calls as pages make them, one for each method of the contract. */
const frames = [
  { kind: 'subscribe' },
  ...Object.keys(methods).map((method, id) => ({
    ...{ kind: 'call', id, method },
    input: {
      name: 'node-1',
      id: 'abcd1234',
      keyspace: 'default',
      key: 'k',
      value: 'v',
      on: true,
      weight: 2,
      factors: { office: 3 },
      readLevel: 'QUORUM',
      dataCenter: 'office',
    },
  })),
];

const page: FuzzTarget = {
  ...{
    name: 'page-frames',
    words: [...Object.keys(methods), '"kind"', '"call"', '"subscribe"', '"id"', 'default', 'office'],
  },
  seeds: frames.map((frame) => Buffer.from(JSON.stringify(frame))),
  async run(bytes) {
    const sent: string[] = [];
    const socket = Object.assign(new EventEmitter(), {
      readyState: 1,
      OPEN: 1,
      bufferedAmount: 0,
      send: (text: string) => sent.push(text),
      terminate() {},
    });
    const errors = new LogCapture();
    const handlers = new Proxy({}, { get: () => async () => ({}) }) as Parameters<typeof dispatch>[0];
    const host = {
      api: { subscribe: () => () => {} },
      dispatch: (method: string, input: unknown) =>
        dispatch(handlers, { readOnly: false, log: errors }, method, input),
    };
    serveApiSocket(
      host as unknown as Parameters<typeof serveApiSocket>[0],
      socket as unknown as WebSocket,
      errors,
    );
    socket.emit('message', bytes);
    await new Promise(setImmediate);
    if (errors.errors.length > 0)
      throw new Error(`${errors.errors[0].message} ${JSON.stringify(errors.errors[0].facts)}`);
    if (sent.length > 1) throw new Error('Two answers to one frame.');
    const { kind, error } = JSON.parse(sent[0] ?? '{"kind":"silent"}') as {
      kind: string;
      error?: { code: string; message: string };
    };
    return `${kind} ${error?.code} ${error?.message.replace(/"[^"]*"|[0-9]+/g, '…').slice(0, 60)}`;
  },
};

export const pageTargets: readonly FuzzTarget[] = [
  page,
  reader({
    ...{
      name: 'session-cookie',
      seeds: [`${setCookie}\n${sessionToken}`, 'a=b; coterie-80=x; coterie-80=y\nz'],
      words: [';', 'coterie-80='],
    },
    read(bytes) {
      const [cookie, given = ''] = bytes.toString('latin1').split('\n');
      return [login.sessionOf(cookie, given, 80), login.knowsCookie(cookie, 80)] as const;
    },
    holds([session, isKnown], input) {
      if (session !== null && !(isKnown && input.includes(sessionToken)))
        throw new Error('Let in without both secrets.');
      return `${session !== null} ${isKnown}`;
    },
  }),
  reader({
    ...{ name: 'access-token', seeds: [`coterie_${'0'.repeat(12)}_${'A'.repeat(32)}`], words: ['coterie_'] },
    read: (bytes) => tokenShown(rules, bytes.toString('latin1'), 1_000),
    holds(token) {
      if (token !== null) throw new Error('A token that was never made lets somebody in.');
      return undefined;
    },
  }),
  reader({
    ...{
      name: 'page-path',
      seeds: ['/', '/assets/index-a1.js', '/keys/%2e%2e/x.css', '/..%2f..%2fsecret.json', '/a%00b.js'],
      words: ['%2f', '%5c', '..', '%2e', '/', '\\', '.js', '%c0%af'],
    },
    read: (bytes) => pageFileOf('/page', bytes.toString('latin1')),
    holds(path, input) {
      if (path !== null && (!path.startsWith(`/page${sep}`) || path.split(sep).includes('..')))
        throw new Error('A file from outside.');
      return `${path === null} ${isReadablePath(input.toString('latin1'))}`;
    },
  }),
  reader({
    ...{
      name: 'bounded-json',
      refusals: ['too-large'],
      seeds: ['{"a":[1,"x\\"",{"b":null}],"c":"\\\\"}', `[${'{},'.repeat(300)}1]`],
    },
    read(bytes) {
      try {
        return JSON.stringify(parseBoundedJson(bytes));
      } catch (cause) {
        if (cause instanceof SyntaxError) return 'no JSON';
        throw cause;
      }
    },
    holds: (text) => text.slice(0, 1),
  }),
];
