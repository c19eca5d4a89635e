/**
 * The composition root of a computer: reads or makes the layout, starts and supervises the nodes, keeps the catalog,
 * and offers ClusterApi. The desktop app and `coterie serve` both call it; neither holds cluster logic of its own.
 * Order of starting: folder lock, catalog, layout, nodes, then (by the caller) the servers. Stopping is the reverse.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CoterieError } from '../base/errors.ts';
import type { ClusterApi } from '../contract/api.ts';
import type { ActivityEntry, KeyspaceView, NodeView, Snapshot } from '../contract/views.ts';
import { keyspaceNamed, type Layout, type LayoutKeyspace, type LayoutNode } from '../layout/layout.ts';
import type { TimedEvent } from '../node/membership-driver.ts';
import { lockFolder } from '../platform/folder-lock.ts';
import { NodeDisk } from '../platform/node-disk.ts';
import { keepFolderPrivate } from '../platform/private-folder.ts';
import { systemRandom } from '../platform/system-random.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Logins } from '../ports/logins.ts';
import { clusterSecret } from '../security/cluster-secret.ts';
import { mutualProofOf } from '../security/mutual-proof.ts';
import { AccessService } from './access-service.ts';
import { Admission } from './admission.ts';
import { type Caller, createHandlers, dispatch, type HostActions, typedCall } from './api-handlers.ts';
import { Catalog } from './catalog.ts';
import { DataAccess } from './data-access.ts';
import { EventHub } from './event-hub.ts';
import { JoinedNews } from './joined-news.ts';
import { LayoutDelivery } from './layout-delivery.ts';
import { LayoutSpread } from './layout-spread.ts';
import { digestOf, readLayout, writeLayout } from './layout-store.ts';
import { LossBook, lossInWords } from './loss-book.ts';
import { MembershipNews, membershipViewOf } from './membership-news.ts';
import { checkSameNodes, newLayout } from './new-cluster.ts';
import {
  hostProofPurpose,
  type NodeAddress,
  type NodeLauncher,
  type NodeStart,
  peerProofPurpose,
} from './node-messages.ts';
import { NodeSupervisor } from './node-supervisor.ts';
import { choosePorts } from './ports.ts';
import { RepairJobs } from './repairs/repair-jobs.ts';
import { type RunningNode, takeOverRunning } from './running-nodes.ts';
import { StartWatch } from './start-watch.ts';
import { productVersion } from './version.ts';
import {
  adviceOf,
  clusterViewOf,
  computerViewsOf,
  keyspaceViewOf,
  lackingOf,
  nodeViewOf,
  ringViewsOf,
} from './views.ts';

export interface HostSettings {
  readonly folder: string;
  /** Nodes of a new cluster per data center; ignored when the folder holds a cluster, unless it disagrees. */
  readonly nodes: Readonly<Record<string, number>> | null;
  readonly host: string;
  /** First port of each kind; 0 for any free ones. */
  readonly clientPort: number;
  readonly peerPort: number;
  readonly clusterName: string;
  readonly computerName: string;
  readonly readOnly: boolean;
  /** Bytes of memory for values, per node. */
  readonly hotBytesMax: number;
}

/** Memory for values, per node: modest, because it is somebody's working computer. */
export const defaultHotBytesMax = 256 * 1024 * 1024;

export interface Host {
  readonly api: ClusterApi;
  readonly data: DataAccess;
  /** Who may use the data, for the ways in beside Redis. */
  readonly logins: Logins;
  readonly admission: Admission;
  /** Untyped entrance for the ways in: checks method and input. Without a caller it is the owner of the data folder. */
  dispatch(method: string, input: unknown, caller?: Caller): Promise<unknown>;
  snapshot(): Snapshot;
  /**
   * Starts all nodes; resolves when each that can start takes clients and reaches the others, or after `withinMs` when some
   * do. What the others lack stands in the snapshot. Rejects when no node can start, and when the host is stopped meanwhile.
   */
  start(withinMs: number): Promise<void>;
  stop(): Promise<void>;
}

interface HostedNode {
  readonly layout: LayoutNode;
  readonly delivery: LayoutDelivery;
  /** The layout that it last said it has. */
  heldVersion: number;
  readonly supervisor: NodeSupervisor;
}

const recentActivityCount = 200;
const repairsEveryMs = 500;

/** How long a change waits for the nodes that are up: then a keyspace that was just made can be written to at any of them. */
const layoutSpreadWithinMs = 2_000;
/** Setting that says that a node has taken clients before. */
const hasRunKey = (nodeId: number) => `has-run-${nodeId}`;

function nothingStarted(nodes: readonly NodeView[]): CoterieError {
  const causes = nodes.map(({ name, problem, state }) => `${name}: ${problem ?? `still ${state}`}`);
  return new CoterieError('not-ready', `No node of this computer can start. ${causes.join(' ')}`);
}

export async function createHost(
  components: { launcher: NodeLauncher; clock: Clock; timers: Timers; log: Log },
  settings: HostSettings,
): Promise<Host> {
  const { launcher, clock, timers, log } = components;
  const { folder } = settings;
  const closed = keepFolderPrivate(folder);
  const lock = lockFolder(folder, 'another Coterie');
  let catalog: Catalog;
  let layout: Layout;
  let ports: Awaited<ReturnType<typeof choosePorts>>;
  let secret: string;
  let running: ReadonlyMap<number, RunningNode>;
  const folderOf = (nodeName: string) => join(folder, 'nodes', nodeName);
  const disk = new NodeDisk(folder);
  const findings = closed === null ? [] : [closed];
  const access = new AccessService(
    {
      ...{ clock, timers, disk, log, random: systemRandom },
      spread: (rules) => {
        for (const { supervisor } of nodes.values()) supervisor.send({ type: 'access', rules });
      },
    },
    folder,
  );
  if (access.finding !== null) findings.push(access.finding);
  try {
    const nowMs = clock.nowMs();
    const { layout: known, findings: found } = await readLayout(disk, { folder, nowMs });
    catalog = await Catalog.open(join(folder, 'catalog'), nowMs);
    findings.push(...found, ...catalog.findings);
    if (known !== null) checkSameNodes(known, settings);
    layout = known ?? newLayout(settings, nowMs);
    if (known === null) await writeLayout(disk, layout);
    const key = await clusterSecret(folder, systemRandom);
    secret = key.toString('hex');
    running = await takeOverRunning(
      { proof: mutualProofOf(key, peerProofPurpose, systemRandom), log },
      layout.nodes.map(({ id, name }) => ({ nodeId: id, name, folder: folderOf(name) })),
      { ...settings, clusterId: layout.clusterId },
    );
    ports = await choosePorts(
      layout.nodes.map(({ id }) => running.get(id)?.ports ?? null),
      settings,
    );
  } catch (error) {
    lock.release();
    throw error;
  }

  const activity: ActivityEntry[] = (await catalog.recentActivity(recentActivityCount)).reverse();
  const nodes = new Map<string, HostedNode>();
  const addresses = new Map<number, NodeAddress>();
  const readyWaiters = new Set<() => void>();
  const hasRun = new Set<number>();
  for (const { id } of layout.nodes) {
    if (catalog.settings.get(hasRunKey(id)) !== null) hasRun.add(id);
  }
  let stopping = false;

  const isUp = (nodeId: number): boolean => {
    const node = layout.nodes.find((candidate) => candidate.id === nodeId);
    return node !== undefined && nodes.get(node.name)?.supervisor.status().state === 'up';
  };
  const nameOf = (nodeId: number): string =>
    layout.nodes.find((node) => node.id === nodeId)?.name ?? nodeId.toString(16);
  const nodeView = ({ layout: node, supervisor }: HostedNode): NodeView => {
    const views = [...nodes.values()].map((other) => other.supervisor.members);
    return nodeViewOf(layout, node.id, supervisor.status(), {
      host: settings.host,
      version: productVersion,
      membership: membershipViewOf(node.id, views, nameOf),
    });
  };
  const nodeViews = (): NodeView[] => [...nodes.values()].map(nodeView);
  const losses = new LossBook();
  const keyspaceViewsOf = (keyspaces: readonly LayoutKeyspace[]): KeyspaceView[] => {
    const lacking = lackingOf(layout, nodeViews());
    return keyspaces.map((keyspace) =>
      keyspaceViewOf(layout, keyspace, { isUp, lacking, possibleLoss: losses.in(keyspace.id) }),
    );
  };
  const keyspaceViews = (): KeyspaceView[] => keyspaceViewsOf(layout.keyspaces);
  const snapshot = (): Snapshot => {
    const views = nodeViews();
    const keyspaces = keyspaceViews();
    return {
      cluster: clusterViewOf(layout, productVersion, settings.readOnly),
      dataCenters: [...layout.dataCenters],
      computers: computerViewsOf(layout, layout.computers[0].id),
      nodes: views,
      keyspaces,
      rings: ringViewsOf(layout),
      advice: adviceOf(views, keyspaces),
      activity: [...activity],
      repairs: repairs.view(),
    };
  };
  const hub = new EventHub(snapshot);

  const note: HostActions['note'] = ({ kind, subject, message, by, severity = 'info' }) => {
    const entry: ActivityEntry = {
      id: randomUUID(),
      atMs: clock.nowMs(),
      kind,
      severity,
      subject,
      message,
      by,
    };
    activity.push(entry);
    if (activity.length > recentActivityCount) activity.shift();
    log.info(message);
    if (hub.listenerCount > 0) hub.publish({ type: 'activity', entry });
    catalog.note(entry).catch((error: Error) => {
      log.error('The audit trail could not be written.', { cause: error.message });
    });
  };

  const admission = new Admission({ clock, timers }, (message) =>
    note({ kind: 'cluster', subject: layout.clusterName, message, by: 'person' }),
  );

  for (const message of findings) {
    note({ kind: 'cluster', subject: layout.clusterName, message, by: 'system', severity: 'warning' });
  }

  let publishing = false;
  const repairs: RepairJobs = new RepairJobs(
    {
      clock,
      timers,
      store: catalog.repairStore((error) => {
        log.error('The history of repairs could not be written.', { cause: error.message });
      }),
      layout: () => layout,
      isUp,
      execute(nodeId, { keyspace, ...work }) {
        const { name } = layout.nodes.find((node) => node.id === nodeId)!;
        return nodes.get(name)!.supervisor.repair({ keyspace: keyspaceNamed(layout, keyspace).id, ...work });
      },
      // Segments end many times a second; a person sees progress well enough at this pace.
      changed() {
        if (publishing) return;
        publishing = true;
        timers.after(repairsEveryMs, () => {
          publishing = false;
          if (hub.listenerCount > 0) hub.publish({ type: 'repairs', repairs: repairs.view() });
        });
      },
      noted: (severity, subject, message, by) => note({ kind: 'repair', subject, message, severity, by }),
    },
    await catalog.savedRepairs(),
  );

  let lastStates = '';
  const publishNode = (name: string): void => {
    for (const waiter of [...readyWaiters]) waiter();
    if (hub.listenerCount === 0) return;
    hub.publish({ type: 'node', node: nodeView(nodes.get(name)!) });
    // Keyspaces and advice depend on states and losses alone, not on each second's figures.
    const states = JSON.stringify(
      [...nodes.values()].map(({ supervisor: other }) => {
        const { state, figures } = other.status();
        const waits = figures?.waitsFor.length ? [figures.waitsFor, figures.rebuildingPartitions] : null;
        return [state, figures?.possibleLoss, waits];
      }),
    );
    if (states === lastStates) return;
    lastStates = states;
    const keyspaces = keyspaceViews();
    hub.publish({ type: 'keyspaces', keyspaces });
    hub.publish({ type: 'advice', advice: adviceOf(nodeViews(), keyspaces) });
  };

  const membershipNews = new MembershipNews(nameOf, (id) => nodes.has(nameOf(id)));
  const joined = new JoinedNews({
    timers,
    tell: (news) => note({ kind: 'membership', ...news, by: 'system' }),
  });
  const publishMembership = (observer: number, events: readonly TimedEvent[]): void => {
    if (stopping) return;
    for (const news of membershipNews.of(observer, events)) joined.tell(news);
    for (const id of new Set(events.map(({ member }) => member))) {
      if (nodes.has(nameOf(id))) publishNode(nameOf(id));
    }
  };

  const spreadAddresses = (): void => {
    const all = [...addresses.values()];
    for (const { supervisor } of nodes.values()) supervisor.send({ type: 'addresses', addresses: all });
  };

  const sendLayout = ({ supervisor, delivery }: HostedNode): void => {
    delivery.sent(layout.version, clock.monotonicMs());
    supervisor.send({ type: 'layout', layout });
  };
  const spread = new LayoutSpread(timers);
  let saidNewer = false;
  /** A node that has an older layout gets the present one, until both agree. */
  const compareLayout = (hosted: HostedNode, held: number): void => {
    if (held > layout.version && !saidNewer) {
      saidNewer = true;
      const words = `${hosted.layout.name} has layout ${held}, newer than layout ${layout.version} of this computer. Start Coterie again: it then takes the newer one.`;
      note({ kind: 'cluster', subject: hosted.layout.name, message: words, by: 'system', severity: 'error' });
    }
    hosted.heldVersion = held;
    spread.moved();
    if (hosted.delivery.isDue(held, layout.version, clock.monotonicMs())) sendLayout(hosted);
  };

  for (const [index, node] of layout.nodes.entries()) {
    const startMessage = (): NodeStart => {
      const used = supervisor.ports ?? ports[index];
      return {
        type: 'start',
        nodeId: node.id,
        name: node.name,
        folder: folderOf(node.name),
        host: settings.host,
        clientPort: used.clientPort,
        peerPort: used.peerPort,
        layout,
        hotBytesMax: settings.hotBytesMax,
        hasRun: hasRun.has(node.id),
        secret,
        access: access.rules,
      };
    };
    const supervisor: NodeSupervisor = new NodeSupervisor(
      {
        launcher,
        clock,
        timers,
        events: {
          changed: () => publishNode(node.name),
          noted: (severity, message) => {
            if (!stopping) note({ kind: 'node', subject: node.name, message, severity, by: 'system' });
          },
          ready: () => {
            if (hasRun.has(node.id)) return;
            hasRun.add(node.id);
            catalog.settings.set(hasRunKey(node.id), 'yes').catch((error: Error) => {
              log.error('The catalog could not be written.', { cause: error.message });
            });
          },
          holdsLayout: (version) => compareLayout(hosted, version),
          losses: (found) => {
            for (const id of losses.take(node.name, found)) {
              const keyspace = layout.keyspaces.find((candidate) => candidate.id === id);
              if (keyspace === undefined) continue;
              const message = lossInWords(node.name, keyspace.name);
              note({ kind: 'node', subject: node.name, message, severity: 'error', by: 'system' });
            }
            publishNode(node.name);
          },
          membership: (events) => publishMembership(node.id, events),
          listening: ({ peerPort, clientPort }) => {
            const { id, name } = node;
            addresses.set(id, { id, name, host: settings.host, peerPort, clientPort });
            supervisor.send({ type: 'access', rules: access.rules });
            spreadAddresses();
          },
        },
      },
      { name: node.name, startMessage, found: running.get(node.id)?.process },
    );
    const hosted: HostedNode = { layout: node, supervisor, delivery: new LayoutDelivery(), heldVersion: 0 };
    nodes.set(node.name, hosted);
  }

  const data = new DataAccess(
    { proof: mutualProofOf(Buffer.from(secret, 'hex'), hostProofPurpose, systemRandom) },
    () =>
      [...nodes.values()].flatMap(({ layout: node, supervisor }) => {
        const { state, clientPort } = supervisor.status();
        return state === 'up' && clientPort !== null
          ? [{ name: node.name, host: settings.host, port: clientPort }]
          : [];
      }),
    (name) => layout.keyspaces.find((keyspace) => keyspace.name === name)?.id ?? null,
  );

  // Edits follow one another: two at once would both start from the same parent.
  let layoutQueue: Promise<unknown> = Promise.resolve();
  const actions: HostActions = {
    readOnly: settings.readOnly,
    log,
    nowMs: () => clock.nowMs(),
    data,
    snapshot,
    layout: () => layout,
    repairs,
    access,
    admission,
    activity: (before, kinds, countMax) => catalog.recentActivity(countMax, before, kinds),
    keyspaceView: (name) => keyspaceViewsOf([keyspaceNamed(layout, name)])[0],
    supervisor(name) {
      const found = nodes.get(name);
      if (found === undefined) {
        throw new CoterieError(
          'not-found',
          `There is no node "${name}". Nodes: ${[...nodes.keys()].join(', ')}.`,
        );
      }
      return found.supervisor;
    },
    changeLayout(edit) {
      const run = layoutQueue.then(async () => {
        const next = edit(layout, digestOf(layout));
        await writeLayout(disk, next);
        layout = next;
        for (const hosted of nodes.values()) sendLayout(hosted);
        const keyspaces = keyspaceViews();
        hub.publish({ type: 'cluster', cluster: clusterViewOf(layout, productVersion, settings.readOnly) });
        hub.publish({ type: 'keyspaces', keyspaces });
        hub.publish({ type: 'advice', advice: adviceOf(nodeViews(), keyspaces) });
        const isThere = ({ supervisor, heldVersion }: HostedNode) =>
          supervisor.status().state !== 'up' || heldVersion >= next.version;
        await spread.reached(() => [...nodes.values()].every(isThere), layoutSpreadWithinMs);
      });
      layoutQueue = run.catch(() => {});
      return run;
    },
    note,
  };
  const handlers = createHandlers(actions);

  return {
    api: { call: typedCall(handlers, actions), subscribe: (listener) => hub.subscribe(listener) },
    data,
    logins: access.logins,
    admission,
    dispatch: (method, input, caller) => dispatch(handlers, actions, method, input, caller),
    snapshot,
    start(withinMs) {
      note({
        kind: 'cluster',
        subject: layout.clusterName,
        message: 'The computer is starting its nodes.',
        by: 'system',
      });
      const watch = new StartWatch();
      return new Promise((resolve, reject) => {
        const finish = (error: CoterieError | null) => {
          timer.cancel();
          readyWaiters.delete(look);
          if (error === null) resolve();
          else reject(error);
        };
        const look = () => {
          if (stopping) {
            finish(new CoterieError('not-ready', 'Coterie was stopped while it started.'));
            return;
          }
          const outcome = watch.look(
            new Map([...nodes].map(([name, { supervisor }]) => [name, supervisor.status()])),
          );
          if (outcome === 'ready') finish(null);
          else if (outcome === 'nothing-started') finish(nothingStarted(nodeViews()));
        };
        const timer = timers.after(withinMs, () => {
          const views = nodeViews();
          finish(views.some(({ state }) => state === 'up') ? null : nothingStarted(views));
        });
        readyWaiters.add(look);
        for (const { supervisor } of nodes.values()) supervisor.start();
        look();
      });
    },
    async stop() {
      stopping = true;
      for (const waiter of [...readyWaiters]) waiter();
      repairs.close();
      joined.close();
      data.close();
      await Promise.all([...nodes.values()].map(({ supervisor }) => supervisor.stop()));
      await layoutQueue;
      await catalog.close();
      lock.release();
    },
  };
}
