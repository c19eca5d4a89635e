import type { ClusterApi } from '../contract/api.ts';
import type { Snapshot } from '../contract/views.ts';
import { keyspaceNamed } from '../layout/layout.ts';
import { hostProofPurpose, type NodeLauncher } from '../node-process/messages.ts';
import { systemRandom } from '../platform/system-random.ts';
import type { HttpLogins } from '../ports/logins.ts';
import { mutualProofOf } from '../security/mutual-proof.ts';
import { AccessService } from './access/access-service.ts';
import { Admission } from './access/admission.ts';
import { answerUserAsk } from './access/user-asks.ts';
import { createHandlers, type Handlers, type HostActions } from './api-handlers.ts';
import { atMostEvery } from './at-most-every.ts';
import { AuditTrail } from './audit-trail.ts';
import type { Caller } from './caller.ts';
import { ClockWatch } from './checkup/clock-watch.ts';
import type { ClientNetwork } from './computers/client-network.ts';
import { mayNotBy } from './computers/computer-roles.ts';
import { computersNow } from './computers/computers-now.ts';
import { type Lan, openLan } from './computers/open-lan.ts';
import { DataAccess } from './data-access.ts';
import { dispatch, typedCall } from './dispatch.ts';
import type { HostSettings } from './host-settings.ts';
import { LayoutService, lostInWords } from './layouts/layout-service.ts';
import { Staging } from './layouts/staging.ts';
import { LocalNodes } from './nodes/local-nodes.ts';
import { NodeRoster } from './nodes/node-roster.ts';
import { runMemory } from './nodes/run-memory.ts';
import { Start } from './nodes/start-watch.ts';
import { type FolderComponents, openFolder } from './open-folder.ts';
import { selfIn } from './own-computers.ts';
import { Repairs } from './repairs/repairs.ts';
import { ClusterView } from './view/cluster-view.ts';
import { JoinedNews } from './view/joined-news.ts';
import { LossBook, lossInWords } from './view/loss-book.ts';
import { MembershipNews } from './view/membership-news.ts';

export interface Host {
  readonly api: ClusterApi;
  readonly data: DataAccess;
  /** Who may use the data, for the ways in beside Redis. */
  readonly logins: HttpLogins;
  readonly admission: Admission;
  /** Null: programs on other computers may not connect. */
  readonly network: ClientNetwork | null;
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

interface HostComponents extends FolderComponents {
  readonly launcher: NodeLauncher;
  /** Of this computer from before it was in the cluster; absent: a new one. */
  readonly admission?: Admission;
  /** A person chose who may connect from other computers: the folder is to be opened anew. */
  readonly onNetwork: HostActions['choose'];
}

/** A node that left still takes what others, who do not know it yet, write to it. */
const partingMs = 3_000;
/** Segments end many times a second; a person sees progress well enough at this pace. */
const repairsEveryMs = 500;

export async function createHost(components: HostComponents, settings: HostSettings): Promise<Host> {
  const { clock, timers, log } = components;
  // What is on the disk.
  const opened = await openFolder(components, settings);
  const { disk, files, catalog, own, secrets, findings } = opened;
  let stopping = false;
  /** Null: other computers cannot connect to this one. */
  let lan: Lan | null = null;
  let handlers!: Handlers;
  let actions!: HostActions;
  const elsewhere = () => lan?.computers.elsewhere ?? [];
  const everyNode = () => [...nodes, ...elsewhere()];

  // What people see. It asks the rest, which comes below.
  const losses = new LossBook();
  const view: ClusterView = new ClusterView({
    ...{ readOnly: settings.readOnly, host: settings.host, ownComputers: own, losses },
    layout: () => layouts.present,
    nodes: everyNode,
    computers: () => computersNow(lan, own, settings.listen, opened.network),
    activity: () => trail.recent,
    repairs: () => repairs.view(),
    layoutView: () => staging.view((id) => view.nameOf(id)),
  });
  const trail = await AuditTrail.open({ clock, log, catalog, told: (entry) => view.noted(entry) });
  const noteCluster = (message: string, who: string | null, severity: 'info' | 'warning' = 'info') =>
    trail.note({ kind: 'cluster', subject: layouts.present.clusterName, message, who, severity });
  const warn = (message: string) => noteCluster(message, null, 'warning');

  // The layout, and its way to the nodes.
  const layouts: LayoutService = new LayoutService(
    {
      ...{ disk, timers, nodes: () => nodes, elsewhere },
      changed(layout, before) {
        view.layoutChanged(layout, before);
        lan?.layoutChanged();
        void roster.follow();
      },
      released() {
        if (layouts.live.length === 1) staging.settled();
        timers.after(partingMs, () => void roster.follow().then(() => view.topologyChanged()));
      },
      lost({ version }) {
        warn(lostInWords(version));
      },
    },
    opened.live,
  );

  // Who may come in.
  const access = new AccessService(
    {
      ...{ clock, timers, disk, log, random: systemRandom },
      spread: (rules) => nodes.send({ type: 'access', rules }),
    },
    settings.folder,
  );
  const admission = components.admission ?? new Admission({ clock, timers });
  admission.onNote(noteCluster);

  // The nodes of this computer, and what becomes of what they report.
  let start: Start | null = null;
  const membershipNews = new MembershipNews(
    (id) => view.nameOf(id),
    (id) => nodes.has(view.nameOf(id)),
  );
  const joined = new JoinedNews({
    timers,
    tell: (news) => trail.note({ kind: 'membership', ...news, who: null }),
  });
  const nodes: LocalNodes = new LocalNodes(
    {
      ...components,
      memory: runMemory(catalog, log),
      live: () => layouts.live,
      access: () => access.rules,
      secrets,
      events: {
        changed(node) {
          start?.look();
          view.nodeChanged(node);
        },
        noted({ node: { name } }, severity, message) {
          if (!stopping) trail.note({ kind: 'node', subject: name, message, severity, who: null });
        },
        holdsLayout(node, report) {
          layouts.holds(node, report);
          view.progressed();
        },
        layouts: (live) => {
          layouts.learn(live, new Map()).catch((cause: Error) => {
            log.warn('The layouts of a node cannot be taken.', { cause: cause.message });
          });
        },
        userAsk: (node, ask) => void answerUserAsk(actions, node, ask),
        losses(node, found) {
          const { name } = node.node;
          for (const id of losses.take(name, found)) {
            const keyspace = layouts.present.keyspaces.find((candidate) => candidate.id === id);
            if (keyspace === undefined) continue;
            const message = lossInWords(name, keyspace.name);
            trail.note({ kind: 'node', subject: name, message, severity: 'error', who: null });
          }
          view.nodeChanged(node);
        },
        membership(observer, events) {
          if (stopping) return;
          for (const news of membershipNews.of(observer.node.id, events)) joined.tell(news);
          const about = new Set(events.map(({ member }) => member));
          for (const local of nodes) if (about.has(local.node.id)) view.nodeChanged(local);
        },
      },
    },
    {
      ...{ ...settings, folderOf: opened.folderOf },
      peerHost: settings.listen ?? settings.host,
      network: opened.network,
      credentials: () => opened.shared?.trust.credentials ?? null,
    },
    opened.places,
  );

  // Nodes that join and leave while this computer runs.
  const roster = new NodeRoster(
    { nodes, layouts, disk, own, log, folderOf: opened.folderOf, isStopping: () => stopping },
    settings,
  );

  const staging: Staging = await Staging.open({
    ...{ layouts, disk, clock, random: systemRandom, nodes: everyNode, ownComputers: own },
    addComputers: (ids) => roster.addComputers(ids),
  });

  // The data, as a client of the nodes.
  const data = new DataAccess(
    { proof: mutualProofOf(secrets, hostProofPurpose, systemRandom) },
    () => nodes.clientAddresses(),
    (name) => layouts.present.keyspaces.find((keyspace) => keyspace.name === name)?.id ?? null,
  );

  // Repairs.
  const repairs: Repairs = new Repairs(
    {
      ...{ clock, timers, log },
      store: catalog.repairStore((error) => {
        log.error('The history of repairs could not be written.', { cause: error.message });
      }),
      ...{ layout: () => layouts.present, isUp: (nodeId: number) => view.isUp(nodeId) },
      execute: (nodeId, { keyspace, ...work }) => {
        const node =
          elsewhere().find((other) => other.node.id === nodeId) ?? nodes.named(view.nameOf(nodeId));
        return node.repair({ keyspace: keyspaceNamed(layouts.present, keyspace).id, ...work });
      },
      changed: atMostEvery(timers, repairsEveryMs, () => view.repairsChanged()),
      ...{ self: () => selfIn(layouts.present, own), peers: () => lan?.computers.peers ?? [] },
      noted: (severity, subject, message, who) =>
        trail.note({ kind: 'repair', subject, message, severity, who }),
    },
    await catalog.savedRepairs(),
  );

  for (const message of [...findings, access.finding ?? []].flat()) warn(message);

  // The other computers.
  if (opened.shared !== null) {
    lan = await openLan(
      {
        ...{ clock, timers, log, disk, files, admission, access, layouts, staging, nodes, own },
        ...{ ...opened.shared, network: opened.network, secrets, repairs: repairs.exchange },
        dispatch: (method, input, caller) => dispatch(handlers, actions, method, input, caller),
        changed(what) {
          if (stopping) return;
          for (const node of elsewhere()) view.nodeChanged(node);
          if (what === 'computers') view.topologyChanged();
        },
        noted: noteCluster,
        warned: warn,
      },
      { listen: settings.listen!, port: settings.computerPort },
    ).catch(async (cause) => {
      // Whoever chooses another port opens the folder again.
      await opened.close();
      throw cause;
    });
  }

  repairs.start();

  // The contract.
  actions = {
    ...{ readOnly: settings.readOnly, log, mayNot: mayNotBy(layouts, own) },
    nowMs: () => clock.nowMs(),
    choose: components.onNetwork,
    ...{ settings, network: opened.network, clock: new ClockWatch({ clock, timers }), files },
    ...{ data, view, layouts, staging, nodes, repairs, access, admission, trail, lan, ownComputers: own },
  };
  handlers = createHandlers(actions);

  return {
    api: { call: typedCall(handlers, actions), subscribe: (listener) => view.hub.subscribe(listener) },
    data,
    ...{ logins: access.logins, admission, network: opened.network },
    dispatch: (method, input, caller) => dispatch(handlers, actions, method, input, caller),
    snapshot: () => view.snapshot(),
    start(withinMs) {
      noteCluster('The computer is starting its nodes.', null);
      const statuses = () => new Map([...nodes].map((local) => [local.node.name, local.status()]));
      start = new Start(timers, statuses, withinMs);
      for (const local of nodes) local.start();
      start.look();
      return start.over;
    },
    async stop() {
      stopping = true;
      actions.clock.close();
      start?.giveUp();
      await lan?.close();
      repairs.close();
      joined.close();
      data.close();
      await nodes.stop();
      await layouts.settled();
      await opened.close();
    },
  };
}
