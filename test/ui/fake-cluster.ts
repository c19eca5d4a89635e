/**
 * A cluster in memory for tests of the page: the real layout, placement and verdicts, with nodes that are only states and
 * keys that are only values. It answers ClusterApi's methods and publishes its events.
 */

import { z } from 'zod';
import { CoterieError } from '../../core/base/errors.ts';
import { type KeyspaceDraft, type MethodName, methods } from '../../core/contract/api.ts';
import type {
  AcceptedLoss,
  MembershipView,
  NodeFigures,
  NodeState,
  NodeView,
} from '../../core/contract/node-views.ts';
import type { SwitchOffQuestion } from '../../core/contract/switch-off.ts';
import type { ActivityEntry, Snapshot } from '../../core/contract/views.ts';
import type { NodeStatus } from '../../core/host/nodes/node-supervisor.ts';
import { EventHub } from '../../core/host/view/event-hub.ts';
import { consequencesOf } from '../../core/host/view/keyspace-consequences.ts';
import { acceptedInWords, lossInWords } from '../../core/host/view/loss-book.ts';
import { switchOff } from '../../core/host/view/switch-off.ts';
import {
  adviceOf,
  clusterViewOf,
  computerViewsOf,
  keyspaceViewOf,
  lackingOf,
  nodeViewOf,
  ringViewsOf,
} from '../../core/host/view/views.ts';
import {
  alterKeyspace,
  createKeyspace,
  dropKeyspace,
  type KeyspaceSettings,
  keyspaceNamed,
  type Layout,
} from '../../core/layout/layout.ts';
import { FakeAccess } from './fake-access.ts';
import { FakeClients } from './fake-clients.ts';
import { FakeComputers } from './fake-computers.ts';
import { FakeData } from './fake-data.ts';
import {
  fakeSessions,
  hintsIn,
  lossesIn,
  membershipIn,
  olderActivity,
  prepareRepairs,
} from './fake-history.ts';
import { defaultSettings, figuresAt, layoutOf, type Variant } from './fake-layouts.ts';
import { FakeRepairs } from './fake-repairs.ts';
import { FakeTopology, type Said } from './fake-topology.ts';

type ListInput = z.output<(typeof methods)['activity.list']['input']>;
type Status = { -readonly [K in keyof NodeStatus]: NodeStatus[K] };

export class FakeCluster {
  readonly hub = new EventHub(() => this.snapshot());
  readonly data: FakeData;
  readonly repairs: FakeRepairs;
  readonly #variant: Variant;
  /** When true, every call fails. */
  failing: boolean;
  readOnly = false;
  /** Previews wait for it. */
  previewGate: Promise<void> = Promise.resolve();
  layout: Layout;
  /** Nodes at which a person has accepted what may be lost. */
  readonly #accepted = new Set<string>();
  readonly #statuses = new Map<number, Status>();
  readonly #activity: ActivityEntry[] = [];
  readonly access = new FakeAccess();
  readonly #topology = new FakeTopology({
    layout: () => this.layout,
    changed: ({ version, joinsByItself, transfer }) => {
      // The plan's new nodes have no process here: only who was there before goes on.
      this.layout = { ...this.layout, version, joinsByItself, transfer };
    },
  });
  readonly computers: FakeComputers;
  readonly clients: FakeClients;
  readonly #ticker: ReturnType<typeof setInterval>;
  #entryCount = 0;

  constructor(variant: Variant) {
    this.#variant = variant;
    this.layout = layoutOf(variant);
    this.failing = variant === 'failing';
    this.computers = new FakeComputers(variant, {
      views: () => computerViewsOf(this.layout, new Set(['c0']), new Map()),
      named: (name) => {
        this.layout = { ...this.layout, clusterName: name };
      },
    });
    this.clients = new FakeClients(variant, {
      nodes: () => this.#nodeViews(),
      access: () => this.access.view(),
      isListening: () => this.computers.isListening,
    });
    if (variant === 'lan') this.access.give(['shop', 'reports']);
    this.layout.nodes.forEach((node, index) => {
      this.#statuses.set(node.id, this.#freshStatus(node.name, index));
    });
    this.data = new FakeData(
      () => this.layout,
      (nodeId) => this.#isUp(nodeId),
    );
    this.repairs = new FakeRepairs({
      layout: () => this.layout,
      changed: () => this.hub.publish({ type: 'repairs', repairs: this.repairs.view() }),
      noted: (subject, message, by, severity) => this.#note('repair', subject, message, severity, by),
    });
    if (variant === 'empty') this.layout = { ...this.layout, keyspaces: [] };
    else this.#prepare(variant);
    this.#ticker = setInterval(() => this.#measure(), 1000);
  }

  close(): void {
    clearInterval(this.#ticker);
    this.repairs.close();
  }

  snapshot(): Snapshot {
    const nodes = this.#nodeViews();
    const keyspaces = this.#keyspaceViews();
    return {
      cluster: clusterViewOf(this.layout, '0.1.0', this.readOnly),
      dataCenters: [...this.layout.dataCenters],
      computers: this.computers.views(),
      nodes,
      keyspaces,
      rings: ringViewsOf(this.layout),
      advice: adviceOf(nodes, keyspaces),
      activity: [...this.#activity],
      repairs: this.repairs.view(),
      layout: this.#topology.view(),
    };
  }

  /** A computer without a cluster sends nothing. */
  subscribe(listener: Parameters<EventHub['subscribe']>[0]): () => void {
    return this.computers.isOutside ? () => {} : this.hub.subscribe(listener);
  }

  async dispatch(method: string, input: unknown): Promise<unknown> {
    if (!Object.hasOwn(methods, method))
      throw new CoterieError('unsupported', `There is no method "${method}".`);
    const parsed = methods[method as MethodName].input.safeParse(input ?? {});
    if (!parsed.success) throw new CoterieError('bad-input', z.prettifyError(parsed.error));
    if (this.readOnly && methods[method as MethodName].changes)
      throw new CoterieError('unauthorized', 'The host is in read-only mode.');
    if (this.failing)
      throw new CoterieError(
        'quorum-not-met',
        'Only 1 of 2 needed replicas answered. Start the nodes that are down.',
      );
    if (this.computers.isOutside && !/^(computer|join|network)\./.test(method))
      throw new CoterieError('not-ready', 'This computer is of no cluster yet.');
    if (method === 'keyspaces.preview') await this.previewGate;
    return this.#answer(method as MethodName, parsed.data as Record<string, never>);
  }

  setReadOnly(): void {
    this.readOnly = true;
    this.hub.publish({ type: 'cluster', cluster: clusterViewOf(this.layout, '0.1.0', true) });
  }

  setState(name: string, state: NodeState, problem: string | null = null): void {
    const node = this.layout.nodes.find((candidate) => candidate.name === name);
    const status = node === undefined ? undefined : this.#statuses.get(node.id);
    if (status === undefined) throw new CoterieError('not-found', `There is no node "${name}".`);
    status.state = state;
    status.sinceMs = Date.now();
    status.problem = problem;
    if (state === 'down' || state === 'stopped' || state === 'failed') {
      status.pid = null;
      status.figures = null;
    } else status.pid ??= 4000 + node!.id;
    status.restartAtMs = state === 'down' ? Date.now() + 30_000 : null;
    if (state === 'down') status.restartCount++;
    this.#publishStates(node!.id);
  }

  #answer(method: MethodName, input: Record<string, never>): unknown {
    const { name } = input;
    switch (method) {
      case 'cluster.snapshot':
        return this.snapshot();
      case 'cluster.without': {
        const question = input as unknown as SwitchOffQuestion;
        return switchOff([this.layout], question, {
          isUp: (nodeId) => this.#isUp(nodeId),
          lostPartitionsOf: () => 0,
        });
      }
      case 'nodes.start':
      case 'nodes.restart':
      case 'nodes.resume':
        return this.#act(name, 'up', `${name} was started.`);
      case 'nodes.stop':
        return this.#act(name, 'stopped', `${name} is stopped: it finishes what it has and ends.`);
      case 'nodes.kill':
        return this.#act(
          name,
          'down',
          `${name} was killed on purpose.`,
          'Its process ended (signal SIGKILL).',
        );
      case 'nodes.acceptLoss':
        return this.#acceptLoss(name);
      case 'nodes.pause':
        return this.#act(name, 'paused', `${name} was paused.`);
      case 'keyspaces.create':
        this.#edit((layout) =>
          createKeyspace(layout, 'p', { ...defaultSettings, ...(input as unknown as KeyspaceSettings) }),
        );
        this.#note('keyspace', name, `The keyspace ${name} was created.`);
        return this.#keyspaceView(name);
      case 'keyspaces.alter': {
        const { name: _, ...changes } = input as unknown as KeyspaceSettings;
        this.#edit((layout) => alterKeyspace(layout, 'p', name, changes));
        return this.#keyspaceView(name);
      }
      case 'keyspaces.preview':
        return consequencesOf(this.layout, input as unknown as KeyspaceDraft);
      case 'keyspaces.drop':
        this.#edit((layout) => dropKeyspace(layout, 'p', name));
        this.data.forget(name);
        return {};
      case 'sessions.list':
        return fakeSessions;
      case 'sessions.end':
        return { ended: 1 };
      case 'activity.list':
        return this.#older(input as unknown as ListInput);
      default:
        if (method.startsWith('layout.')) return this.#changeLayout(method, input as never);
        if (/^(computers?|join|network)\./.test(method)) return this.computers.answer(method, input as never);
        if (method.startsWith('clients.')) return this.clients.answer(method, input as never);
        if (method.startsWith('access.')) return this.access.answer(method, input as never);
        return method.startsWith('repairs.')
          ? this.repairs.answer(method, input as never)
          : this.data.answer(method, input);
    }
  }

  async #changeLayout(method: string, input: object): Promise<unknown> {
    const answer = await this.#topology.answer(method, input);
    const isQuestion = ['layout.show', 'layout.preview', 'layout.history'].includes(method);
    if (!isQuestion) this.hub.publish({ type: 'layout', layout: this.#topology.view() });
    return answer;
  }

  #older({ beforeMs = Infinity, kinds, countMax }: ListInput): ActivityEntry[] {
    return [...[...this.#activity].reverse(), ...olderActivity(this.#variant)]
      .filter((entry) => entry.atMs < beforeMs && (kinds.length === 0 || kinds.includes(entry.kind)))
      .slice(0, countMax);
  }

  #act(name: string, state: NodeState, message: string, problem: string | null = null): object {
    this.setState(name, state, problem);
    this.#note('node', name, message);
    return {};
  }

  #acceptLoss(name: string): AcceptedLoss {
    const index = this.layout.nodes.findIndex((node) => node.name === name);
    const { id } = this.layout.nodes[index];
    const status = this.#statuses.get(id)!;
    const { possibleLoss = [], waitsFor = [] } = status.figures ?? {};
    const accepted = {
      losses: possibleLoss,
      notHeard: waitsFor.map((node) => ({ node, keyspace: 'default', partitions: 1024 })),
    };
    this.#accepted.add(name);
    status.figures = this.#figures(name, index);
    this.#publishStates(id);
    this.#note('node', name, acceptedInWords(name, accepted), 'warning', 'person');
    return accepted;
  }

  #edit(edit: (layout: Layout) => Layout): void {
    this.layout = edit(this.layout);
    const keyspaces = this.#keyspaceViews();
    this.hub.publish({ type: 'cluster', cluster: clusterViewOf(this.layout, '0.1.0', this.readOnly) });
    this.hub.publish({ type: 'keyspaces', keyspaces });
    this.hub.publish({ type: 'advice', advice: adviceOf(this.#nodeViews(), keyspaces) });
  }

  #publishStates(nodeId: number): void {
    const keyspaces = this.#keyspaceViews();
    this.hub.publish({ type: 'node', node: this.#nodeView(nodeId) });
    this.hub.publish({ type: 'keyspaces', keyspaces });
    this.hub.publish({ type: 'advice', advice: adviceOf(this.#nodeViews(), keyspaces) });
  }

  #note(
    kind: ActivityEntry['kind'],
    subject: string,
    message: string,
    severity: ActivityEntry['severity'] = 'info',
    by: ActivityEntry['by'] = kind === 'keyspace' ? 'person' : 'system',
    atMs = Date.now(),
  ): void {
    const id = `e${this.#entryCount++}`;
    const entry: ActivityEntry = {
      id,
      atMs,
      kind,
      severity,
      subject,
      message,
      by,
      who: by === 'person' ? 'anna (command line) at front desk' : null,
    };
    this.#activity.push(entry);
    this.hub.publish({ type: 'activity', entry });
  }

  #prepare(variant: Variant): void {
    if (variant !== 'one' && variant !== 'hundred' && variant !== 'newcomer') {
      this.layout = createKeyspace(this.layout, 'p', {
        ...defaultSettings,
        name: 'sessions',
        database: 1,
        factors: Object.fromEntries(this.layout.dataCenters.map((dataCenter) => [dataCenter, 2])),
        readLevel: 'ONE',
        writeLevel: 'ONE',
        conflicts: 'last-write-wins',
        durability: 'interval',
        defaultTimeToLiveMs: 1_800_000,
      });
    }
    this.data.fill('default');
    prepareRepairs(variant, this.repairs);
    this.#note('cluster', 'North Street', 'The cluster was started.');
    for (const node of this.layout.nodes.slice(0, 8))
      this.#note('node', node.name, `${node.name} takes clients.`);
    if (variant === 'three-centers') {
      this.setState('shop-2', 'down', 'Its process ended (signal SIGKILL). The last log lines say more.');
      this.#note('node', 'shop-2', 'shop-2 ended unexpectedly (signal SIGKILL).', 'error');
      const tell = (message: string, severity: ActivityEntry['severity']) =>
        this.#note('membership', 'shop-2', message, severity);
      tell('shop-1 suspects shop-2: no answer for 412 ms.', 'warning');
      tell('office-1 confirmed it: shop-2 gave it no answer either.', 'warning');
      tell('shop-2 is dead: shop-1 and office-1 agree; all were told.', 'error');
    }
    if (variant === 'lan') this.setState('warehouse-1', 'down', 'Its computer is away.');
    if (variant === 'failing') {
      this.setState('home-1', 'failed', 'Its disk is full: free some space on /data, then start it.');
      this.setState('home-2', 'down', 'Its process ended (exit code 134).');
    }
    if (variant === 'losses') {
      this.setState('home-1', 'stopped');
      for (const name of ['home-2', 'home-3'])
        this.#note('node', name, lossInWords(name, 'default'), 'error');
    }
    if (variant === 'hundred') {
      this.setState('north-7', 'down', 'Its process ended (signal SIGKILL).');
      this.setState('south-3', 'paused');
    }
  }

  /** How far a node is, as it says from now on. */
  says(name: string, said: Said): void {
    this.#topology.said.set(name, said);
    this.hub.publish({ type: 'layout', layout: this.#topology.view() });
  }

  #freshStatus(name: string, index: number): Status {
    return {
      state: 'up',
      sinceMs: Date.now() - 11_400_000 - index * 60_000,
      pid: 4100 + index,
      clientPort: 7379 + index,
      networkPort: null,
      peerPort: 7410 + index,
      restartCount: 0,
      restartAtMs: null,
      problem: null,
      lastLogLines: [
        '{"level":"info","message":"opened 14 segments in 212 ms"}',
        '{"level":"info","message":"listening","clientPort":7379}',
        '{"level":"info","message":"linked to 2 peers"}',
      ],
      figures: this.#figures(name, index),
      peersDown: [],
    };
  }

  #figures(name: string, index: number): NodeFigures {
    const losses = this.#accepted.has(name) ? {} : lossesIn(this.#variant, name);
    return { ...figuresAt(index), ...hintsIn(this.#variant, name), ...losses };
  }

  #measure(): void {
    this.layout.nodes.forEach((node, index) => {
      const status = this.#statuses.get(node.id)!;
      if (status.state !== 'up') return;
      status.figures = this.#figures(node.name, index);
      if (this.hub.listenerCount > 0) this.hub.publish({ type: 'node', node: this.#nodeView(node.id) });
    });
  }

  #isUp(nodeId: number): boolean {
    return this.#statuses.get(nodeId)?.state === 'up';
  }

  #nodeView(nodeId: number): NodeView {
    return nodeViewOf(this.layout, nodeId, this.#statuses.get(nodeId)!, {
      host: '127.0.0.1',
      networkHost: null,
      version: '0.1.0',
      membership: this.#membership(nodeId),
    });
  }

  #membership(nodeId: number): MembershipView | null {
    const { name } = this.layout.nodes.find((node) => node.id === nodeId)!;
    return membershipIn(this.#variant, name, this.#statuses.get(nodeId)!.state);
  }

  #nodeViews(): NodeView[] {
    return this.layout.nodes.map((node) => this.#nodeView(node.id));
  }

  #keyspaceView(name: string) {
    const views = this.#nodeViews();
    const telling = views.flatMap((node) => {
      const loss = node.figures?.possibleLoss.find(({ keyspace }) => keyspace === name);
      return loss === undefined ? [] : [{ name: node.name, partitions: loss.partitions }];
    });
    return keyspaceViewOf(this.layout, keyspaceNamed(this.layout, name), {
      isUp: (nodeId) => this.#isUp(nodeId),
      lacking: lackingOf(this.layout, views),
      possibleLoss:
        telling.length === 0
          ? null
          : {
              partitions: Math.max(...telling.map(({ partitions }) => partitions)),
              nodes: telling.map((node) => node.name),
            },
    });
  }

  #keyspaceViews() {
    return this.layout.keyspaces.map(({ name }) => this.#keyspaceView(name));
  }
}
