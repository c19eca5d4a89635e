/**
 * CONFIG: what Redis's configuration would say if it described this node. Nearly all of it is decided elsewhere, or cannot be
 * otherwise; what can be set is how this node watches its commands. It is forgotten when the node restarts.
 */
import { lowerText, readInteger } from '../arguments.ts';
import type { Command, Subcommands } from '../command.ts';
import { CommandError, errorTexts } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { Glob } from '../glob.ts';
import type { Request } from '../request.ts';
import { slowLogCountMax } from '../slow-log.ts';
import { defineContainer } from './subcommands.ts';

function configuration({ gateway, session }: Request): Record<string, string> {
  const databases = gateway.store.keyspaces().map((keyspace) => keyspace.database ?? 0);
  const { slowLog, latency } = gateway.watch;
  return {
    appendonly: 'yes',
    appendfsync: 'always',
    bind: gateway.settings.host,
    'cluster-enabled': gateway.store.endpoints().length > 1 ? 'yes' : 'no',
    databases: String(Math.max(16, ...databases.map((database) => database + 1))),
    'latency-monitor-threshold': String(latency.thresholdMs),
    'latency-tracking': 'yes',
    'lazyfree-lazy-user-del': 'no',
    maxclients: String(gateway.settings.clientCountMax),
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    'notify-keyspace-events': session.keyspaceIfThere?.notifications ?? '',
    port: String(gateway.port),
    'proto-max-bulk-len': String(gateway.settings.valueBytesMax),
    requirepass: '',
    save: '',
    'slowlog-log-slower-than': String(slowLog.slowerThanUs),
    'slowlog-max-len': String(slowLog.lengthMax),
    'tcp-keepalive': '300',
    timeout: '0',
  };
}

interface Setting {
  readonly min: number;
  readonly max: number;
  set(gateway: Gateway, value: number): void;
}

const settings: Readonly<Record<string, Setting>> = {
  'slowlog-log-slower-than': {
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
    set: ({ watch }, value) => {
      watch.slowLog.slowerThanUs = value;
    },
  },
  'slowlog-max-len': {
    min: 0,
    max: slowLogCountMax,
    set: ({ watch }, value) => {
      watch.slowLog.lengthMax = value;
    },
  },
  'latency-monitor-threshold': {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    set: ({ watch }, value) => {
      watch.latency.thresholdMs = value;
    },
  },
};

/** How Redis lays out its memory and spends its idle time. There is nothing of the kind here, so any value is as good as another. */
const withoutEffect =
  /^(hz|dynamic-hz|activerehashing|activedefrag|maxmemory-samples|latency-tracking-info-percentiles|(hash|list|set|zset|stream|lfu|lazyfree|active-defrag)-[a-z-]+)$/;

/** Why the others cannot be set, where more can be said than that. */
const reasons: Readonly<Record<string, string>> = {
  requirepass: 'users and passwords are made in the app, or with: coterie user add NAME',
  save: 'every write is on disk before it is acknowledged',
  appendonly: 'every write is on disk before it is acknowledged',
  appendfsync: 'every write is on disk before it is acknowledged',
  maxmemory: 'keys are kept on disk, and none is evicted',
  'maxmemory-policy': 'keys are kept on disk, and none is evicted',
  maxclients: 'it follows from the number of files that the node may open',
  'notify-keyspace-events':
    'it is a setting of the keyspace, for all nodes: in the app under Keyspaces, or with: coterie keyspace alter NAME --notify KEA',
  timeout: 'idle clients are closed when all places are taken, and not before',
  databases: 'keyspaces are made in the app, or with: coterie keyspace create NAME',
  port: 'the node keeps the port that it has been given',
  bind: 'who reaches a node is chosen in the app, under Clients',
};

function settingFailed(name: string, reason: string): CommandError {
  return new CommandError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`);
}

function readSetting(name: string, bytes: Buffer, { min, max }: Setting): number {
  let value: number;
  try {
    value = Number(readInteger(bytes));
  } catch {
    throw settingFailed(name, "argument couldn't be parsed into an integer");
  }
  if (value >= min && value <= max) return value;
  throw settingFailed(name, `argument must be between ${min} and ${max} inclusive`);
}

const patternsMax = 100;

function configGet(request: Request): void {
  if (request.argv.length - 2 > patternsMax) {
    throw new CommandError(`ERR at most ${patternsMax} patterns can be asked for at once`);
  }
  const patterns = request.argv.slice(2).map((bytes) => new Glob(Buffer.from(lowerText(bytes), 'latin1')));
  const found = Object.entries(configuration(request)).filter(([name]) =>
    patterns.some((pattern) => pattern.matches(Buffer.from(name, 'latin1'))),
  );
  const encoder = request.begin();
  encoder.map(found.length);
  for (const [name, value] of found) {
    encoder.text(name);
    encoder.text(value);
  }
  request.end();
}

/** All or nothing. Setting what is so already succeeds: tools restore settings they have read. */
function configSet(request: Request): void {
  const { argv, gateway } = request;
  if (argv.length % 2 !== 0) throw new CommandError(errorTexts.syntax);
  const present = configuration(request);
  const named = new Set<string>();
  const changes: (() => void)[] = [];
  for (let index = 2; index < argv.length; index += 2) {
    const name = lowerText(argv[index]);
    const value = argv[index + 1];
    if (!Object.hasOwn(present, name) && !withoutEffect.test(name)) {
      throw new CommandError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${argv[index].toString('utf8', 0, 128)}'`,
      );
    }
    if (named.has(name)) throw settingFailed(name, 'duplicate parameter');
    named.add(name);
    const setting = Object.hasOwn(settings, name) ? settings[name] : null;
    if (setting !== null) {
      const number = readSetting(name, value, setting);
      changes.push(() => setting.set(gateway, number));
    } else if (!withoutEffect.test(name) && present[name] !== value.toString('utf8')) {
      const reason = Object.hasOwn(reasons, name) ? `: ${reasons[name]}` : '';
      throw settingFailed(name, `can't set immutable config${reason}`);
    }
  }
  for (const change of changes) change();
  request.ok();
}

const config: Subcommands = {
  get: { arity: -3, run: configGet },
  set: { arity: -4, run: configSet },
  resetstat: {
    arity: 2,
    run: (request) => {
      request.gateway.watch.reset();
      request.ok();
    },
  },
  rewrite: {
    arity: 2,
    run: () => {
      throw new CommandError('ERR The server is running without a config file');
    },
  },
};

export const configCommands: readonly Command[] = [
  defineContainer({ group: 'server', name: 'config', arity: -2 }, ['admin', 'stale'], config),
];
