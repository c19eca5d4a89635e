/**
 * What a connection has chosen and every one of its commands needs: keyspace, protocol, consistency levels. A command
 * that another node's gateway forwarded gets a session too, made of the facts that came with it.
 */
import { CoterieError } from '../../base/errors.ts';
import type { ConsistencyLevel } from '../../base/levels.ts';
import type {
  KeyspaceView,
  KeyValueStore,
  ReadOptions,
  WriteOptions,
  WriteResult,
} from '../../ports/key-value-store.ts';
import type { RespProtocol } from '../../wire/resp/encoder.ts';
import { CommandError, errorTexts, KeyspaceDropped } from './errors.ts';

/** A write whose acknowledgements WAIT can ask for; `fixed` when it ran on another node and cannot grow here. */
export interface NotedWrite {
  readonly result: Pick<WriteResult, 'acknowledgedCount'>;
  readonly fixed: boolean;
}

/** What commands on keys ask of a store: the cluster, or the keys of a transaction (transactions/batch-store.ts). */
export type CommandStore = Pick<KeyValueStore, 'keyspaces' | 'read' | 'write'>;

export class Session {
  protocol: RespProtocol = 2;
  /** Set: the command came from another node, so it runs here whatever the ring says and never travels again. */
  readonly forwarded: boolean;
  /** The address at which a client on another computer reached this node; null: it is on this computer. */
  networkHost: string | null = null;
  readLevel: ConsistencyLevel | null = null;
  writeLevel: ConsistencyLevel | null = null;
  /** Ready-made, because a fresh object per command costs more than the command's dispatch. */
  readOptions: ReadOptions = {};
  heldWrite: WriteOptions = { basis: 'held' };
  quorumWrite: WriteOptions = { basis: 'quorum' };
  /** Of a command of another node's client: the `meetingOrder` by which it came here; 0: it says none. Before `setLevels`. */
  order = 0;
  /** The node that it came from had it from another one: it is decided here, or refused. */
  isSentOn = false;
  lastWrites: readonly NotedWrite[] = [];
  readonly store: CommandStore;
  /** What is to be done once the transaction is written whose commands run here; null: it is no transaction's. */
  afterwards: (() => void)[] | null = null;
  /** Number of the keyspace, or -1 while none is chosen: then database 0 is looked up at each use. */
  private keyspaceId = -1;
  private knownKeyspaces: readonly KeyspaceView[] | null = null;
  private knownKeyspace: KeyspaceView | null = null;

  constructor(store: CommandStore, forwarded: boolean) {
    this.store = store;
    this.forwarded = forwarded;
  }

  /** Its commands run within a transaction, which has its place among the large ones itself: they answer within their call. */
  get isBatch(): boolean {
    return this.afterwards !== null;
  }

  /** Throws KeyspaceDropped when the chosen one has gone, and CommandError when no keyspace is database 0. */
  get keyspace(): KeyspaceView {
    const found = this.keyspaceIfThere;
    if (found === null) throw this.#missing();
    return found;
  }

  /** Null when the chosen one has gone, or none is database 0. */
  get keyspaceIfThere(): KeyspaceView | null {
    const all = this.store.keyspaces();
    if (all === this.knownKeyspaces && this.knownKeyspace !== null) return this.knownKeyspace;
    const found =
      this.keyspaceId < 0
        ? all.find((keyspace) => keyspace.database === 0)
        : all.find((keyspace) => keyspace.id === this.keyspaceId);
    if (found === undefined) return null;
    this.knownKeyspaces = all;
    this.knownKeyspace = found;
    return found;
  }

  #missing(): CoterieError {
    if (this.keyspaceId < 0) return new CommandError(errorTexts.databaseOutOfRange);
    if (!this.forwarded) return new KeyspaceDropped();
    // The node that sent the command knows the keyspace: this one may not know it yet, or no more.
    return new CoterieError(
      'not-ready',
      'The node that holds this key does not know the keyspace yet. Try again.',
    );
  }

  /** The number of the database for people and CLIENT INFO. */
  get database(): number {
    return this.keyspaceIfThere?.database ?? -1;
  }

  /** Null when no keyspace has that number. */
  keyspaceOfDatabase(database: number): KeyspaceView | null {
    return this.store.keyspaces().find((keyspace) => keyspace.database === database) ?? null;
  }

  selectKeyspace(id: number): void {
    this.keyspaceId = id;
    this.knownKeyspaces = null;
  }

  setLevels(read: ConsistencyLevel | null, write: ConsistencyLevel | null): void {
    this.readLevel = read;
    this.writeLevel = write;
    this.readOptions = read === null ? {} : { level: read };
    this.heldWrite = { basis: 'held', ...(write === null ? {} : { level: write }) };
    this.quorumWrite = {
      basis: 'quorum',
      ...(write === null ? {} : { level: write }),
      ...(read === null ? {} : { readLevel: read }),
      ...(this.order === 0 ? {} : { order: this.order }),
    };
  }

  /** Counts no longer grow: the writes themselves, with their records, need not be kept for them. */
  settleWrites(): void {
    if (this.lastWrites.length === 0 || this.lastWrites.every((write) => write.fixed)) return;
    this.lastWrites = [{ result: { acknowledgedCount: this.acknowledgedCount }, fixed: true }];
  }

  /** Of the last write: the fewest that any of its keys has. Infinity when nothing was written. */
  get acknowledgedCount(): number {
    // A loop: there may be more of them than a call takes parameters.
    let fewest = Number.POSITIVE_INFINITY;
    for (const { result } of this.lastWrites) fewest = Math.min(fewest, result.acknowledgedCount);
    return fewest;
  }

  /** Back to what a new connection has (RESET). */
  reset(): void {
    this.protocol = 2;
    this.keyspaceId = -1;
    this.knownKeyspaces = null;
    this.lastWrites = [];
    this.setLevels(null, null);
  }

  /** When a new value that names no expiry expires; 0 = never. */
  defaultExpiry(nowMs: number): number {
    const { defaultTimeToLiveMs } = this.keyspace;
    return defaultTimeToLiveMs === 0 ? 0 : nowMs + defaultTimeToLiveMs;
  }
}
