/**
 * One node in its process, put together in this order: folder lock, peer listener, membership, storage, coordinator, RESP
 * listener. The end is the reverse.
 */

import { productVersion } from '../base/version.ts';
import type { NetworkPlaces } from '../gateway/network-listeners.ts';
import { probationCountMax } from '../gateway/resp/places.ts';
import { createRespServer } from '../gateway/resp/server.ts';
import { respServerDefaults } from '../gateway/resp/settings.ts';
import { newestOf, nodesOf } from '../layout/history.ts';
import { defaultNodeSettings, StorageNode } from '../node/storage-node.ts';
import { lockFolderPatiently } from '../platform/folder-lock.ts';
import type { HostLine } from '../platform/host-line.ts';
import { NodeDisk } from '../platform/node-disk.ts';
import { clientsWithin, openFileLimit } from '../platform/open-file-limit.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import { systemRandom } from '../platform/system-random.ts';
import { TcpPeerNetwork } from '../platform/tcp-peer-network.ts';
import { boundHandshakes, type Credentials } from '../platform/tls-transport.ts';
import type { Log } from '../ports/log.ts';
import { refuseWhileStarting } from '../replication/replica/starting.ts';
import type { AccessRules } from '../security/access.ts';
import { contextSealOf } from '../security/context-seal.ts';
import { mutualProofOf } from '../security/mutual-proof.ts';
import { PasswordLogins } from '../security/password-logins.ts';
import type { Secrets } from '../security/secrets.ts';
import { openLogEngine } from '../storage/log-engine.ts';
import { patientDisk } from '../storage/patient-disk.ts';
import { trackersOf } from '../wire/peer/layout-messages.ts';
import { type AddressBook, networkPlaceOf } from './address-book.ts';
import { ownerNameOf, removeEndpoint, writeEndpoint } from './endpoint.ts';
import { figuresOf, newFigureState } from './figures.ts';
import type { HostChannel } from './host-channel.ts';
import { LateLink } from './late-link.ts';
import type { LayoutInbox } from './layout-inbox.ts';
import { NodeLosses } from './losses.ts';
import { Measures } from './measures.ts';
import { hostProofPurpose, type NodeStart, peerProofPurpose } from './messages.ts';
import { OperationNews } from './operation-news.ts';
import { reached } from './reached.ts';
import { NodeRepairs, watchRebuild } from './repair-tasks.ts';
import { securedBy } from './secured-peers.ts';
import { startMembership } from './start-membership.ts';
import { UserAsks } from './user-asks.ts';

const figuresEveryMs = 1_000;
/** What comes is told after this long as well: most partitions take less than a second. */
const movingAfterMs = 500;
const lockWaitMaxMs = 10_000;
const partingMs = 10_000;
/** A computer that has another address now can be reached only anew. */
const lanAbandonAfterMs = 4_000;

export interface RunningNode {
  readonly repairs: NodeRepairs;
  readonly losses: NodeLosses;
  readonly userAsks: UserAsks;
  setAccess(rules: AccessRules): void;
  setNetwork(places: NetworkPlaces): void;
  show(credentials: Credentials): void;
  /** To the host, which asked for them. */
  tellLayouts(): void;
  /** Tells a host that did not start this node all that it has to know. */
  introduce(): void;
  /** Resolves when everything is closed in order, so that the next start is clean. */
  stop(): Promise<void>;
}

interface Surroundings {
  readonly channel: HostChannel;
  readonly book: AddressBook;
  readonly layouts: LayoutInbox;
  readonly secrets: Secrets;
  readonly log: Log;
  /** A host that did not start this node has shown who it is. */
  onHost(line: HostLine): void;
}

/** Rejects when the folder, a port or the storage cannot be had; the process ends then. */
export async function runNode(
  { channel, book, layouts, secrets, log, onHost }: Surroundings,
  message: NodeStart,
): Promise<RunningNode> {
  const { nodeId, folder, host, peerHost, credentials } = message;
  const { layout } = newestOf(message);
  let liveNow = () => message.live.map((one) => one.layout);
  const lock = await lockFolderPatiently(folder, ownerNameOf(message.name), lockWaitMaxMs);
  removeEndpoint(folder);
  const clock = systemClock;
  const timers = systemTimers;
  const secured = credentials === null ? null : securedBy(credentials, nodeId, () => liveNow());
  const peerNetwork = new TcpPeerNetwork(
    {
      clock,
      timers,
      log,
      proof: mutualProofOf(secrets, peerProofPurpose, systemRandom),
      ...secured,
      onHost,
    },
    {
      ...{ selfId: nodeId, clusterId: layout.clusterId, host: peerHost, port: message.peerPort },
      abandonAfterMs: credentials === null ? undefined : lanAbandonAfterMs,
    },
  );
  const logins = new PasswordLogins({ clock, timers, log, random: systemRandom }, message.access);
  const peerPort = await peerNetwork.listen();
  const disk = patientDisk(new NodeDisk(folder), systemTimers);
  // From the first link on: the storage opens later, and whoever asks meanwhile is not to wait for it.
  refuseWhileStarting(peerNetwork);
  book.tell(nodeId, (peers) => peerNetwork.setPeers(peers));
  const link = new LateLink();
  const { membership, stopMembership } = await startMembership(
    { channel, book, secrets, log, disk, link },
    message,
    peerPort,
  );
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
      seal: contextSealOf(secrets),
      endpointOf: (id) => {
        const address = book.of(id);
        return {
          ...{ host: address?.clientHost ?? host, port: address?.clientPort ?? 0 },
          network: address === undefined ? null : networkPlaceOf(address),
        };
      },
    },
    { nodeId, ...defaultNodeSettings, hasRun: message.hasRun },
    message.live,
  );
  liveNow = () => node.layouts.live.map((one) => one.layout);
  link.word = node.layoutWord;
  link.carrier = node.carryMembership((from, payload) => membership.answerCall(from, payload));
  // Peers first: a node that takes clients before it reaches the others could only refuse them.
  channel.send({ type: 'listening', peerPort, clientPort: message.clientPort, networkPort: 0 });
  await reached(peerNetwork, layout, nodeId);
  const userAsks = new UserAsks({ channel, timers, random: systemRandom });
  const resp = createRespServer(
    {
      store: node.store,
      messages: node.messages,
      reachesOthers: () => node.layout.nodes.every(({ id }) => id === nodeId || peerNetwork.isUp(id)),
      clock,
      timers,
      random: systemRandom,
      log,
      hostProof: mutualProofOf(secrets, hostProofPurpose, systemRandom),
      logins,
      userChanges: userAsks,
      memoryUsage: () => {
        const { heapUsed, external, rss } = process.memoryUsage();
        return { usedBytes: heapUsed + external, residentBytes: rss };
      },
    },
    {
      host,
      port: message.clientPort,
      network:
        message.network === null || credentials === null
          ? null
          : { ...message.network, guard: boundHandshakes },
      clientCountMax: clientsWithin(openFileLimit(), respServerDefaults.clientCountMax, probationCountMax),
    },
  );
  const clientPort = await resp.listen();

  const tellListening = () =>
    channel.send({ type: 'listening', peerPort, clientPort, networkPort: resp.networkPort ?? 0 });
  const tellPeers = () => {
    const down = node.layout.nodes.filter((other) => other.id !== nodeId && !peerNetwork.isUp(other.id));
    channel.send({ type: 'peers', down: down.map(({ name }) => name) });
  };
  peerNetwork.onChange(tellPeers);
  const rebuild = watchRebuild(node, message.name, clock, (note) => channel.send(note));
  const figureState = newFigureState(clock);
  const measures = new Measures({ node, resp, clock }, folder);
  const news = new OperationNews();
  const measure = () =>
    channel.send(
      news.messageOf(figuresOf(node, resp.clientCount(), figureState, measures, peerNetwork, membership)),
    );
  const losses = new NodeLosses({
    node,
    isReached: (id) => peerNetwork.isUp(id),
    send: (message) => channel.send(message),
    onAccepting: () => rebuild.end(),
    onAccepted: measure,
  });
  const ticker = setInterval(() => {
    rebuild.look();
    losses.report();
    layouts.report();
    measure();
  }, figuresEveryMs);

  const running: RunningNode = {
    repairs: new NodeRepairs(node, (message) => channel.send(message)),
    losses,
    userAsks,
    setAccess: (rules) => logins.set(rules),
    show(next) {
      if (secured?.show(next) === true) peerNetwork.moveLinks();
    },
    setNetwork: (places) => void resp.setNetwork(places).then(tellListening),
    tellLayouts: () => channel.send({ type: 'layouts', live: node.layouts.live }),
    introduce: () => {
      news.anew();
      const { hotBytesMax } = message;
      const isOpen = message.network !== null;
      const facts = { pid: process.pid, version: productVersion, host, peerHost, isOpen, hotBytesMax };
      channel.send({ type: 'running', ...facts });
      tellListening();
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
  tellListening();
  losses.report();
  channel.send({ type: 'ready' });
  tellPeers();
  writeEndpoint(folder, peerPort);
  node.onTopology(({ nodes, layout }) => {
    book.forget(layout.gone ?? []);
    // One that has left is told of it first, and takes what others still write to it.
    timers.after(partingMs, () => {
      const present = nodesOf(liveNow());
      book.forget(book.ids.filter((id) => !present.has(id)));
    });
    membership.setPeers([...nodes.keys()]);
    peerNetwork.lookAtLinks();
    layouts.report();
  });
  let isTold = true;
  node.repair.onMoving(() => {
    if (!isTold) return;
    isTold = false;
    timers.after(movingAfterMs, () => {
      isTold = true;
      layouts.report();
    });
  });
  layouts.serve({
    report: () => ({
      version: node.layout.version,
      live: node.layouts.live.map((one) => one.layout.version),
      trackers: trackersOf(node.layouts),
      lacking: node.parts.eligibility.missingCount,
      open: node.parts.eligibility.missingPartitions(),
      receivedBytes: node.repair.rebuildFigures().valueBytes,
      moving: node.repair.moving(),
    }),
    take: (live) => node.offerLayouts(live),
  });
  return running;
}
