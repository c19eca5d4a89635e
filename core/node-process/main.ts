/**
 * Entry of a node process. It waits for its host's `start`, then puts the node together in this order: folder lock, peer
 * listener, membership, storage, coordinator, RESP listener. It ends when told to drain. When its host is gone it goes on, and
 * lets the next one take it over (host-channel.ts).
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { productVersion } from '../base/version.ts';
import { probationCountMax } from '../gateway/resp/places.ts';
import { createRespServer } from '../gateway/resp/server.ts';
import { respServerDefaults } from '../gateway/resp/settings.ts';
import type { Layout } from '../layout/layout.ts';
import { lanSettings, oneComputerSettings } from '../membership/settings.ts';
import { MembershipDriver, type MembershipLink, type TimedEvent } from '../node/membership-driver.ts';
import { defaultNodeSettings, StorageNode } from '../node/storage-node.ts';
import { lockFolderPatiently } from '../platform/folder-lock.ts';
import { NodeDisk } from '../platform/node-disk.ts';
import { clientsWithin, openFileLimit } from '../platform/open-file-limit.ts';
import { keepFilesPrivate } from '../platform/private-folder.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import { systemRandom } from '../platform/system-random.ts';
import { TcpPeerNetwork } from '../platform/tcp-peer-network.ts';
import { UdpDatagrams } from '../platform/udp-datagrams.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { contextSealOf } from '../security/context-seal.ts';
import { mutualProofOf } from '../security/mutual-proof.ts';
import { packetSealOf } from '../security/packet-seal.ts';
import { PasswordLogins } from '../security/password-logins.ts';
import { openLogEngine } from '../storage/log-engine.ts';
import { patientDisk } from '../storage/patient-disk.ts';
import { ownerNameOf, removeEndpoint, writeEndpoint } from './endpoint.ts';
import { figuresOf, newFigureState } from './figures.ts';
import { HostChannel } from './host-channel.ts';
import { LayoutInbox } from './layout-inbox.ts';
import { NodeLosses } from './losses.ts';
import {
  type FromNode,
  hostProofPurpose,
  type NodeAddress,
  type NodeStart,
  peerProofPurpose,
  type ToNode,
} from './messages.ts';
import { parentChannel } from './parent-channel.ts';
import { NodeRepairs, watchRebuild } from './repair-tasks.ts';

const figuresEveryMs = 1_000;
const lockWaitMaxMs = 10_000;
const peersWaitMaxMs = 1_500;

keepFilesPrivate();
const channel: HostChannel = new HostChannel(
  {
    timers: systemTimers,
    parent: parentChannel<FromNode, ToNode>(() => {
      // Nothing was begun yet that could go on.
      if (selfId === -1) void shutDown(0);
      else channel.lost();
    }),
  },
  { adopted: () => running?.introduce(), abandoned: () => void shutDown(0) },
);
const book = new Map<number, NodeAddress>();
let running: {
  repairs: NodeRepairs;
  losses: NodeLosses;
  /** Tells a host that did not start this node all that it has to know. */
  introduce: () => void;
  stop: () => Promise<void>;
} | null = null;
let network: TcpPeerNetwork | null = null;
let datagrams: UdpDatagrams | null = null;
let logins: PasswordLogins | null = null;
let selfId = -1;
let stopping = false;

const log: Log = {
  info: (message, facts) => writeLog('info', message, facts),
  warn: (message, facts) => writeLog('warn', message, facts),
  error: (message, facts) => writeLog('error', message, facts),
};

const layouts = new LayoutInbox({
  holds: (version) => channel.send({ type: 'layout', version }),
  failed: ({ version }, cause) => {
    const { message } = toCoterieError(cause, 'disk-failed');
    log.error('The layout could not be taken. It will be offered again.', { version, cause: message });
  },
});

function writeLog(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void {
  const at = new Date(systemClock.nowMs()).toISOString();
  const details = facts === undefined ? '' : ` ${JSON.stringify(facts)}`;
  channel.send({ type: 'log', level, line: `${at} ${level} ${message}${details}` });
}

async function start(message: NodeStart): Promise<void> {
  const { nodeId, folder, host, layout } = message;
  selfId = nodeId;
  const lock = await lockFolderPatiently(folder, ownerNameOf(message.name), lockWaitMaxMs);
  removeEndpoint(folder);
  const clock = systemClock;
  const timers = systemTimers;
  const secret = Buffer.from(message.secret, 'hex');
  const peerNetwork = new TcpPeerNetwork(
    {
      clock,
      timers,
      log,
      proof: mutualProofOf(secret, peerProofPurpose, systemRandom),
      onHost: (line) => {
        if (running === null) line.close();
        else channel.adopt(line);
      },
    },
    { selfId: nodeId, clusterId: layout.clusterId, host, port: message.peerPort },
  );
  network = peerNetwork;
  logins = new PasswordLogins({ timers, log, random: systemRandom }, message.access);
  const peerPort = await peerNetwork.listen();
  const disk = patientDisk(new NodeDisk(folder), systemTimers);
  const { membership, stopMembership } = await startMembership(message, peerPort, disk);
  const node = await StorageNode.start(
    {
      clock,
      timers,
      disk,
      log,
      random: systemRandom,
      network: peerNetwork,
      openEngine: () =>
        openLogEngine({ disk, clock, timers, log }, { folder: 'data', hotBytesMax: message.hotBytesMax }),
      seal: contextSealOf(secret),
      endpointOf: (id) => {
        const address = book.get(id);
        return { host: address?.host ?? host, port: address?.clientPort ?? 0 };
      },
    },
    { nodeId, ...defaultNodeSettings, hasRun: message.hasRun },
    layout,
  );
  link.carrier = node.carryMembership((from, payload) => membership.answerCall(from, payload));
  // Peers first: a node that takes clients before it reaches the others could only refuse them.
  channel.send({ type: 'listening', peerPort, clientPort: message.clientPort });
  await reached(peerNetwork, layout, nodeId);
  const resp = createRespServer(
    {
      store: node.store,
      clock,
      timers,
      random: systemRandom,
      log,
      hostProof: mutualProofOf(secret, hostProofPurpose, systemRandom),
      logins,
    },
    {
      host,
      port: message.clientPort,
      clientCountMax: clientsWithin(openFileLimit(), respServerDefaults.clientCountMax, probationCountMax),
    },
  );
  const clientPort = await resp.listen();

  const names = new Map(layout.nodes.map((other) => [other.id, other.name]));
  const tellPeers = () => {
    const down = node.layout.nodes
      .filter((other) => other.id !== nodeId && !peerNetwork.isUp(other.id))
      .map((other) => names.get(other.id) ?? other.name);
    channel.send({ type: 'peers', down });
  };
  peerNetwork.onChange(tellPeers);
  const rebuild = watchRebuild(node, message.name, clock, (note) => channel.send(note));
  const figureState = newFigureState(clock);
  const measure = () =>
    channel.send({
      type: 'figures',
      figures: figuresOf(node, resp.clientCount(), figureState, peerNetwork, membership),
    });
  const losses = new NodeLosses({
    node,
    isReached: (id) => peerNetwork.isUp(id),
    send: (message) => channel.send(message),
    onAccepted: () => {
      rebuild.end();
      measure();
    },
  });
  const ticker = setInterval(() => {
    rebuild.look();
    losses.report();
    layouts.report();
    measure();
  }, figuresEveryMs);

  running = {
    repairs: new NodeRepairs(node, (message) => channel.send(message)),
    losses,
    introduce: () => {
      const { hotBytesMax } = message;
      channel.send({ type: 'running', pid: process.pid, version: productVersion, host, hotBytesMax });
      channel.send({ type: 'listening', peerPort, clientPort });
      losses.reportAnew();
      channel.send({ type: 'membership', events: [], members: membership.members() });
      channel.send({ type: 'ready' });
      tellPeers();
      layouts.report();
    },
    stop: async () => {
      clearInterval(ticker);
      removeEndpoint(folder);
      // The others are told while the last clients are served: then nobody takes the end for a failure.
      const farewell = membership.leave();
      await resp.close();
      await farewell;
      await stopMembership();
      await peerNetwork.close();
      await node.stop();
      lock.release();
    },
  };
  channel.send({ type: 'listening', peerPort, clientPort });
  losses.report();
  channel.send({ type: 'ready' });
  tellPeers();
  writeEndpoint(folder, peerPort);
  layouts.serve({
    version: () => node.layout.version,
    take: async (next) => {
      await node.setLayout(next);
      membership.setPeers(next.nodes.map((other) => other.id));
    },
  });
}

/** The peer link carries membership once the storage node is there; until then datagrams are the only way. */
class LateLink implements MembershipLink {
  carrier: MembershipLink | null = null;

  call(...[peer, payload, done]: Parameters<MembershipLink['call']>): void {
    if (this.carrier !== null) this.carrier.call(peer, payload, done);
    else done(new CoterieError('unavailable', 'The peer link is not there yet.'), null);
  }
}

const link = new LateLink();

/** Membership on the UDP port of the peer listener's number, reporting every change to the host. */
async function startMembership(
  message: NodeStart,
  port: number,
  disk: Disk,
): Promise<{ membership: MembershipDriver; stopMembership: () => Promise<void> }> {
  const { nodeId, host, layout } = message;
  const udp = new UdpDatagrams({ host, port });
  try {
    await udp.listen();
  } catch (error) {
    // Not worth refusing to start: the others still reach this node over TCP.
    log.warn('Membership has no UDP port.', { cause: toCoterieError(error, 'unavailable').message });
  }
  datagrams = udp;
  tellAddresses();
  const profile = host.startsWith('127.') || host === '::1' ? oneComputerSettings : lanSettings;
  const membership = await MembershipDriver.start(
    {
      clock: systemClock,
      timers: systemTimers,
      disk,
      random: systemRandom,
      log,
      datagrams: udp,
      link,
      seal: packetSealOf(Buffer.from(message.secret, 'hex'), systemRandom),
    },
    { selfId: nodeId, clusterId: layout.clusterId, profile },
    layout.nodes.map((node) => node.id),
  );
  let waiting: TimedEvent[] = [];
  membership.onEvent((event) => {
    waiting.push(event);
    if (waiting.length > 1) return;
    systemTimers.atTurnEnd(() => {
      channel.send({ type: 'membership', events: waiting, members: membership.members() });
      waiting = [];
    });
  });
  channel.send({ type: 'membership', events: [], members: membership.members() });
  const stopMembership = () => {
    membership.close();
    return udp.close();
  };
  return { membership, stopMembership };
}

function tellAddresses(): void {
  const peers = [...book.values()].filter(({ id }) => id !== selfId);
  const addresses = peers.map(({ id, name, host, peerPort }) => ({ id, name, host, port: peerPort }));
  network?.setPeers(addresses);
  datagrams?.setPeers(addresses);
}

/** Resolves when every peer is linked, or after a while: the others may be down for good. */
function reached(peers: TcpPeerNetwork, layout: Layout, selfId: number): Promise<void> {
  const others = layout.nodes.filter((other) => other.id !== selfId);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, peersWaitMaxMs);
    const look = () => {
      if (!others.every((other) => peers.isUp(other.id))) return;
      clearTimeout(timer);
      resolve();
    };
    peers.onChange(look);
    look();
  });
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
      start(message).catch(fail);
      break;
    case 'addresses':
      for (const address of message.addresses) book.set(address.id, address);
      tellAddresses();
      break;
    case 'layout':
      layouts.offer(message.layout);
      break;
    case 'access':
      logins?.set(message.rules);
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
