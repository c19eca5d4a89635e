/**
 * Entry of a node process. It waits for its host's `start`, then runs the node (run-node.ts). It ends when told to drain. When
 * its host is gone it goes on, and lets the next one take it over (host-channel.ts).
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { NetworkPlaces } from '../gateway/network-listeners.ts';
import type { HostLine } from '../platform/host-line.ts';
import { keepFilesPrivate } from '../platform/private-folder.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import type { Credentials } from '../platform/tls-transport.ts';
import type { Log } from '../ports/log.ts';
import type { AccessRules } from '../security/access.ts';
import { Secrets } from '../security/secrets.ts';
import { AddressBook } from './address-book.ts';
import { HostChannel } from './host-channel.ts';
import { LayoutInbox } from './layout-inbox.ts';
import type { FromNode, ToNode } from './messages.ts';
import { parentChannel } from './parent-channel.ts';
import { type RunningNode, runNode } from './run-node.ts';

keepFilesPrivate();
const channel: HostChannel = new HostChannel(
  {
    timers: systemTimers,
    parent: parentChannel<FromNode, ToNode>(() => {
      // Nothing was begun yet that could go on.
      if (!isStarted) void shutDown(0);
      else channel.lost();
    }),
  },
  { adopted: () => running?.introduce(), abandoned: () => void shutDown(0) },
);
const book = new AddressBook();
let running: RunningNode | null = null;
/** The latest, which may come while the node is being put together. */
let rules: AccessRules | null = null;
const secrets = new Secrets({ use: '', accepted: [], kept: [] });
let places: NetworkPlaces | null = null;
let credentials: Credentials | null = null;
let isStarted = false;
let stopping = false;

const log: Log = {
  info: (message, facts) => writeLog('info', message, facts),
  warn: (message, facts) => writeLog('warn', message, facts),
  error: (message, facts) => writeLog('error', message, facts),
};

const layouts = new LayoutInbox({
  holds: (report) => channel.send({ type: 'layout', report }),
  failed: (version, cause) => {
    const { message } = toCoterieError(cause, 'disk-failed');
    log.error('The layout could not be taken. It will be offered again.', { version, cause: message });
  },
});

function writeLog(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void {
  const at = new Date(systemClock.nowMs()).toISOString();
  const details = facts === undefined ? '' : ` ${JSON.stringify(facts)}`;
  channel.send({ type: 'log', level, line: `${at} ${level} ${message}${details}` });
}

function onHost(line: HostLine): void {
  if (running === null) line.close();
  else channel.adopt(line);
}

async function shutDown(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  try {
    await running?.stop();
  } catch (error) {
    log.error('The node did not stop in order.', { cause: toCoterieError(error, 'disk-failed').message });
    process.exit(1);
  }
  process.exit(code);
}

function fail(cause: unknown): void {
  const error = toCoterieError(cause, 'not-ready');
  channel.send({ type: 'failed', code: error.code, message: error.message });
  process.stderr.write(`${error instanceof CoterieError ? error.message : String(cause)}\n`);
  // Give the message a moment to leave; the process ends in any case.
  setTimeout(() => process.exit(1), 50);
}

channel.onMessage((message) => {
  switch (message.type) {
    case 'start':
      isStarted = true;
      secrets.change(message.secrets);
      runNode({ channel, book, layouts, secrets, log, onHost }, message).then((node) => {
        running = node;
        if (rules !== null) node.setAccess(rules);
        if (places !== null) node.setNetwork(places);
        if (credentials !== null) node.show(credentials);
      }, fail);
      break;
    case 'addresses':
      book.take(message.addresses);
      break;
    case 'layout':
      layouts.offer(message.live);
      break;
    case 'tell-layouts':
      running?.tellLayouts();
      break;
    case 'access':
      rules = message.rules;
      running?.setAccess(rules);
      break;
    case 'secrets':
      secrets.change(message.secrets);
      break;
    case 'credentials':
      credentials = message.credentials;
      running?.show(credentials);
      break;
    case 'network':
      places = message.places;
      running?.setNetwork(places);
      break;
    case 'repair':
      running?.repairs.run(message);
      break;
    case 'repair-stop':
      running?.repairs.stop(message.task);
      break;
    case 'accept-loss':
      void running?.losses.accept(message.task);
      break;
    case 'user-answer':
      running?.userAsks.answered(message);
      break;
    case 'drain':
      void shutDown(0);
      break;
  }
});

process.on('SIGTERM', () => void shutDown(0));
// The host that read it has gone.
process.stderr.on('error', () => {});
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  // Unknown state: end at once and let the host start anew from what is durable.
  process.exit(70);
});
process.on('unhandledRejection', (reason) => {
  process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`);
  process.exit(70);
});
