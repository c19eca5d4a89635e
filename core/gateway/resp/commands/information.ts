/** INFO: the gateway's own facts, then the store's. Names are Redis's where Redis has one, for the tools that read them. */

import type { KeyspaceView } from '../../../ports/key-value-store.ts';
import { lowerText } from '../arguments.ts';
import { type Command, defineCommand, needs } from '../command.ts';
import type { MemoryUsage } from '../gateway.ts';
import { mayUse } from '../permissions.ts';
import type { Request } from '../request.ts';
import { redisVersion } from '../version.ts';
import { clusterNodeId } from './cluster.ts';

type Facts = Record<string, string | number>;

function gatewaySections(request: Request): Record<string, Facts> {
  const { gateway } = request;
  const { statistics, store, publishing } = gateway;
  const uptimeSeconds = Math.floor((gateway.clock.monotonicMs() - gateway.startedAtMs) / 1000);
  const clustered = store.endpoints().length > 1;
  return {
    Server: {
      redis_version: redisVersion,
      redis_mode: clustered ? 'cluster' : 'standalone',
      server_name: 'coterie',
      arch_bits: 64,
      run_id: clusterNodeId(store.self.nodeId),
      tcp_port: gateway.port,
      server_time_usec: Math.floor(gateway.clock.nowMs() * 1000),
      uptime_in_seconds: uptimeSeconds,
      uptime_in_days: Math.floor(uptimeSeconds / 86_400),
    },
    Clients: {
      connected_clients: gateway.clients.size,
      maxclients: gateway.settings.clientCountMax,
      blocked_clients: 0,
    },
    Memory: {
      ...memoryFacts(gateway.memoryUsage),
      maxmemory: 0,
      maxmemory_human: '0B',
      maxmemory_policy: 'noeviction',
      // Redis has one figure for the memory of normal clients; the bound and the others are ours.
      mem_clients_normal: gateway.budget.totalBytes,
      maxmemory_clients: gateway.budget.bytesMax,
      mem_clients_peak: gateway.budget.peakBytes,
      mem_commands_large: gateway.largeWork.bytes,
      large_commands_waiting: gateway.largeWork.waitingCount,
    },
    Persistence: { loading: 0, aof_enabled: 1, rdb_bgsave_in_progress: 0 },
    Stats: {
      total_connections_received: statistics.connectionCount,
      total_commands_processed: statistics.commandCount,
      total_net_input_bytes: statistics.bytesReceived,
      total_net_output_bytes: statistics.bytesSent,
      rejected_connections: statistics.rejectedConnectionCount,
      evicted_clients: gateway.budget.gaveWayCount,
      displaced_clients: statistics.displacedConnectionCount,
      forwarded_commands: statistics.forwardedCount,
      pubsub_channels: publishing.namesOf('channel').length,
      pubsub_patterns: publishing.namesOf('pattern').length,
      pubsubshard_channels: publishing.namesOf('shard').length,
      messages_published: publishing.publishedCount,
      messages_delivered: publishing.deliveredCount,
      messages_dropped: publishing.droppedCount,
    },
    Replication: { role: 'master', connected_slaves: 0, master_repl_offset: 0 },
    Cluster: { cluster_enabled: clustered ? 1 : 0 },
  };
}

const human = (bytes: number): string => {
  const [size, unit] = [
    [2 ** 30, 'G'],
    [2 ** 20, 'M'],
    [2 ** 10, 'K'],
  ].find(([least]) => bytes >= (least as number)) ?? [1, 'B'];
  return unit === 'B' ? `${bytes}B` : `${(bytes / (size as number)).toFixed(2)}${unit}`;
};

/** What lies on disk is no part of it: values are read when they are asked for. */
function memoryFacts(usage: (() => MemoryUsage) | null): Facts {
  if (usage === null) return {};
  const { usedBytes, residentBytes } = usage();
  return {
    used_memory: usedBytes,
    used_memory_human: human(usedBytes),
    used_memory_rss: residentBytes,
    used_memory_rss_human: human(residentBytes),
    mem_fragmentation_ratio: (residentBytes / usedBytes).toFixed(2),
    mem_fragmentation_bytes: residentBytes - usedBytes,
  };
}

/** Only for those who ask: it is long. */
function commandFacts({ gateway }: Request): Facts {
  return Object.fromEntries(
    [...gateway.watch.commands].map(([name, { calls, durationUs, rejected, failed }]) => [
      `cmdstat_${name}`,
      `calls=${calls},usec=${durationUs},usec_per_call=${(durationUs / Math.max(1, calls)).toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`,
    ]),
  );
}

/** The store's facts join the section of the same name, or follow as sections of their own. */
function allSections(request: Request): Record<string, Facts> {
  const sections = gatewaySections(request);
  for (const [name, facts] of Object.entries(request.gateway.store.information())) {
    const known =
      Object.keys(sections).find((section) => section.toLowerCase() === name.toLowerCase()) ?? name;
    sections[known] = { ...sections[known], ...facts };
  }
  return sections;
}

const everything = ['all', 'default', 'everything'];
const withCommands = ['all', 'everything', 'commandstats'];

function information(request: Request): void {
  const wanted = new Set(request.argv.slice(1).map(lowerText));
  const all = wanted.size === 0 || everything.some((word) => wanted.has(word));
  const shows = (name: string): boolean => all || wanted.has(name.toLowerCase());
  const sections = Object.entries(allSections(request)).filter(([name]) => shows(name));
  if (withCommands.some((word) => wanted.has(word))) sections.push(['Commandstats', commandFacts(request)]);
  const answer = (): void => {
    const text = sections.map(
      ([name, facts]) =>
        `# ${name}\r\n${Object.entries(facts)
          .map(([fact, value]) => `${fact}:${value}\r\n`)
          .join('')}`,
    );
    request.begin().verbatim(text.join('\r\n'));
    request.end();
  };
  if (!shows('keyspace')) {
    answer();
    return;
  }
  countKeyspaces(request, (facts) => {
    sections.push(['Keyspace', facts]);
    answer();
  });
}

/** One line for each database with keys that the client may use. A count that fails is left out: INFO must work when the cluster does not. */
function countKeyspaces(request: Request, done: (facts: Facts) => void): void {
  const { store } = request.gateway;
  const facts: Facts = {};
  const rest: KeyspaceView[] = store
    .keyspaces()
    .filter((keyspace) => keyspace.database !== null && mayUse(request, keyspace));
  const next = (): void => {
    const keyspace = rest.shift();
    if (keyspace === undefined) {
      done(facts);
      return;
    }
    store.count(keyspace.id, null, (error, count) =>
      request.attempt(() => {
        if (error === null && count! > 0)
          facts[`db${keyspace.database}`] = `keys=${count},expires=0,avg_ttl=0`;
        next();
      }),
    );
  };
  next();
}

export const informationCommands: readonly Command[] = [
  defineCommand('server', 'info', -1, ['stale'], information, { need: needs.nothing }),
];
