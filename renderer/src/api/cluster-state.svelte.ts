/**
 * The cluster as the page knows it: the snapshot with events applied in sequence, the state of the connection, and how
 * old the data is. Events are applied in batches, fewer while the window is hidden, so that a hundred nodes cost one
 * update.
 */
import type { ClusterEvent, MethodName } from '../../../core/contract/api.ts';
import type { ComputerView } from '../../../core/contract/computer-views.ts';
import type { NodeView } from '../../../core/contract/node-views.ts';
import { computerRoles, roleRefusal } from '../../../core/contract/roles.ts';
import type { KeyspaceView, Snapshot } from '../../../core/contract/views.ts';
import { RepairProgress } from '../repair/repair-progress.ts';
import { applyEvent } from './apply-event.ts';
import type { ConnectedApi, Connection } from './connection.ts';
import { RateHistory } from './rate-history.svelte.ts';

const batchMs = 60;
const batchHiddenMs = 2000;
const clockTickMs = 1000;

export class ClusterState {
  readonly api: ConnectedApi;
  readonly rates = new RateHistory();
  /** When each repair last moved. */
  readonly repairProgress = new RepairProgress();
  snapshot = $state.raw<Snapshot | null>(null);
  connection = $state.raw<Connection>({ state: 'connecting' });
  /** When the newest event arrived. */
  receivedAtMs = $state(0);
  nowMs = $state(Date.now());
  readonly connected = $derived(this.connection.state === 'open');
  readonly ageSeconds = $derived(
    this.receivedAtMs === 0 ? 0 : Math.max(0, Math.round((this.nowMs - this.receivedAtMs) / 1000)),
  );
  readonly nodes = $derived<readonly NodeView[]>(this.snapshot?.nodes ?? []);
  readonly keyspaces = $derived<readonly KeyspaceView[]>(this.snapshot?.keyspaces ?? []);
  readonly readOnly = $derived(this.snapshot?.cluster.readOnly ?? false);
  /** What this computer may do, and its name; null: it is of no cluster, or nothing is known yet. One host may play several. */
  readonly standing = $derived.by(() => {
    const own = this.snapshot?.computers.filter(({ self }) => self) ?? [];
    const role = computerRoles.find((one) => own.some((computer) => computer.role === one));
    return role === undefined ? null : { role, name: own[0].name, isHere: true };
  });
  #sequence = -1;
  #queue: ClusterEvent[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #endings: (() => void)[] = [];

  constructor(api: ConnectedApi) {
    this.api = api;
    const ticker = setInterval(() => this.#tick(), clockTickMs);
    const onVisibility = () => {
      if (document.hidden) return;
      this.#flush();
      this.#tick();
    };
    document.addEventListener('visibilitychange', onVisibility);
    this.#endings.push(
      () => clearInterval(ticker),
      () => document.removeEventListener('visibilitychange', onVisibility),
      api.watchConnection((connection) => {
        this.connection = connection;
      }),
      api.subscribe((event) => this.#receive(event)),
    );
  }

  close(): void {
    clearTimeout(this.#flushTimer);
    for (const end of this.#endings) end();
  }

  /** Why this method cannot be called now; null when it can. The host decides by the same table. */
  refusalFor(method: MethodName): string | null {
    if (!this.connected) return 'Not connected to the host.';
    if (this.readOnly) return 'The host is in read-only mode: nothing can be changed from here.';
    return this.standing === null ? null : roleRefusal(method, this.standing);
  }

  node(name: string): NodeView | undefined {
    return this.nodes.find((node) => node.name === name);
  }

  keyspace(name: string): KeyspaceView | undefined {
    return this.keyspaces.find((keyspace) => keyspace.name === name);
  }

  /** A keyspace that a call just answered: shown before the event arrives. */
  putKeyspace(keyspace: KeyspaceView): void {
    if (this.snapshot === null) return;
    const others = this.snapshot.keyspaces.filter((other) => other.name !== keyspace.name);
    const keyspaces = [...others, keyspace].sort((a, b) => a.id - b.id);
    this.snapshot = { ...this.snapshot, keyspaces };
  }

  putComputers(computers: readonly ComputerView[]): void {
    if (this.snapshot !== null) this.snapshot = { ...this.snapshot, computers: [...computers] };
  }

  /** This computer is of no cluster any more, or was of none. */
  forget(): void {
    this.snapshot = null;
    this.#sequence = -1;
    this.#queue = [];
    this.receivedAtMs = 0;
  }

  #receive(event: ClusterEvent): void {
    if (event.type === 'snapshot') {
      this.#queue = [event];
      this.#sequence = event.sequence;
      this.#flush();
      return;
    }
    // Before the first snapshot of a connection nothing can be applied.
    if (this.#sequence < 0) return;
    if (event.sequence !== this.#sequence + 1) {
      this.#sequence = -1;
      this.api.restartEvents();
      return;
    }
    this.#sequence = event.sequence;
    this.#queue.push(event);
    this.#flushTimer ??= setTimeout(() => this.#flush(), document.hidden ? batchHiddenMs : batchMs);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#queue.length === 0) return;
    let next = this.snapshot;
    for (const event of this.#queue) {
      if (event.type === 'snapshot') next = event.snapshot;
      else if (next !== null) next = applyEvent(next, event);
    }
    this.#queue = [];
    if (next !== null && next.repairs !== this.snapshot?.repairs)
      this.repairProgress.note(next.repairs.jobs, Date.now());
    this.snapshot = next;
    this.receivedAtMs = Date.now();
  }

  #tick(): void {
    const nowMs = Date.now();
    this.rates.sample(nowMs, this.connected ? this.nodes : null);
    if (!document.hidden) this.nowMs = nowMs;
  }
}
