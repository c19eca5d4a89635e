/**
 * What all parts of the RESP gateway share: its components, its settings and the one encoder. Also the way of a command
 * from its words to its handler: lookup, arity, authentication, permission, the key's coordinator. It knows nothing of sockets.
 */
import { addressOf } from '../../base/token.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { KeyValueStore } from '../../ports/key-value-store.ts';
import type { Log } from '../../ports/log.ts';
import { type Logins, openToAll } from '../../ports/logins.ts';
import { type Messages, noMessages } from '../../ports/messages.ts';
import type { MutualProof } from '../../ports/mutual-proof.ts';
import type { Random } from '../../ports/random.ts';
import type { UserChanges } from '../../ports/user-changes.ts';
import { RespEncoder } from '../../wire/resp/encoder.ts';
import { SharedTurns } from '../shared-turns.ts';
import { ClientPause } from './client-pause.ts';
import { arityFits, type CommandTable, purposeOf } from './command.ts';
import { CommandWatch } from './command-watch.ts';
import { errorTexts, memoryShort, unknownCommand, wrongArity } from './errors.ts';
import type { ClientIdentity } from './identity.ts';
import { LargeWork, largeWorkBytesMin } from './large-work.ts';
import { MemoryBudget } from './memory-budget.ts';
import { Monitors } from './monitors.ts';
import { PacedLog } from './paced-log.ts';
import { checkPermission } from './permissions.ts';
import { Notifications } from './pubsub/notifications.ts';
import { Publishing } from './pubsub/publishing.ts';
import type { ClientControl, Request } from './request.ts';
import { sendOn } from './sent-on.ts';
import type { RespServerSettings } from './settings.ts';
import { Standstill } from './standstill.ts';

export interface GatewayComponents {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** How the host shows that it is the host; without it, nobody can. */
  readonly hostProof?: MutualProof;
  /** Who may come in; without it, everybody. */
  readonly logins?: Logins;
  /** Whether this node has links to all others; without it, there are none to wait for. */
  readonly reachesOthers?: () => boolean;
  /** To the gateways of other nodes; without it, there are none. */
  readonly messages?: Messages;
  /** Where users are changed; without it, nowhere. */
  readonly userChanges?: UserChanges;
  /** For INFO; without it, it says nothing of the process's memory. */
  readonly memoryUsage?: () => MemoryUsage;
}

export interface MemoryUsage {
  readonly usedBytes: number;
  readonly residentBytes: number;
}

/** Counters for INFO. */
export interface GatewayStatistics {
  commandCount: number;
  connectionCount: number;
  rejectedConnectionCount: number;
  /** Idle ones that were closed to make room for others. */
  displacedConnectionCount: number;
  bytesReceived: number;
  bytesSent: number;
  forwardedCount: number;
}

export const keyBytesMax = 65_536;

export class Gateway {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly settings: RespServerSettings;
  readonly table: CommandTable;
  readonly hostProof: MutualProof | null;
  readonly logins: Logins;
  readonly userChanges: UserChanges | null;
  readonly budget: MemoryBudget;
  readonly largeWork: LargeWork;
  readonly turns: SharedTurns;
  readonly encoder = new RespEncoder();
  readonly watch = new CommandWatch();
  readonly monitors = new Monitors();
  readonly publishing: Publishing;
  readonly notifications: Notifications;
  readonly pause: ClientPause;
  readonly standstill: Standstill;
  /** Bytes in use, and all that the process has of the system; null where nobody can say. */
  readonly memoryUsage: (() => MemoryUsage) | null;
  readonly startedAtMs: number;
  readonly statistics: GatewayStatistics = {
    commandCount: 0,
    connectionCount: 0,
    rejectedConnectionCount: 0,
    displacedConnectionCount: 0,
    bytesReceived: 0,
    bytesSent: 0,
    forwardedCount: 0,
  };
  /** Connected clients by id, in order of arrival. */
  readonly clients = new Map<number, ClientControl>();
  /** The port really listened on; 0 before that. */
  port = 0;

  constructor(components: GatewayComponents, settings: RespServerSettings, table: CommandTable) {
    this.store = components.store;
    this.clock = components.clock;
    this.timers = components.timers;
    this.random = components.random;
    this.log = new PacedLog(components.log, components.clock);
    this.settings = settings;
    this.table = table;
    this.hostProof = components.hostProof ?? null;
    this.logins = components.logins ?? openToAll;
    this.userChanges = components.userChanges ?? null;
    this.memoryUsage = components.memoryUsage ?? null;
    this.turns = new SharedTurns(components.clock, components.timers);
    this.publishing = new Publishing(components.messages ?? noMessages, this.turns);
    this.notifications = new Notifications({ ...components, publishing: this.publishing });
    this.pause = new ClientPause(components.timers);
    this.standstill = new Standstill(components);
    this.pause.onEnd = this.standstill.onAwake = () => {
      for (const client of this.clients.values()) client.goOn();
    };
    this.logins.onChange(() => {
      for (const { identity } of this.clients.values()) identity.rulesChanged();
    });
    this.budget = new MemoryBudget(components.clock, {
      bytesMax: settings.memoryBytesMax,
      pressureTimeMsMax: settings.memoryWaitMsMax,
    });
    this.largeWork = new LargeWork(
      { clock: this.clock, timers: this.timers, budget: this.budget },
      { bytesMax: settings.memoryBytesMax / 4, waitMsMax: settings.largeCommandWaitMsMax },
    );
    this.budget.isWorking = () => this.largeWork.isBusy;
    this.budget.onEased = () => this.largeWork.startWaiting();
    this.startedAtMs = components.clock.monotonicMs();
  }

  /** False when the request is no runnable command; it has been answered with the reason then. */
  admit(request: Request): boolean {
    const { argv, sink } = request;
    let command = this.table.find(argv[0]);
    if (command === null || (command.internal && sink.client !== null)) {
      request.error(unknownCommand(argv));
      return false;
    }
    if (command.oneKeyForm !== null && argv.length === 2) command = command.oneKeyForm;
    request.command = command;
    if (!arityFits(command, argv.length)) {
      if (sink.client !== null) this.watch.rejected(command, argv);
      request.error(wrongArity(command.name));
      return false;
    }
    if (sink.client !== null && sink.client.identity.user === '' && !command.flags.includes('no_auth')) {
      this.watch.rejected(command, argv);
      request.error(errorTexts.noAuthentication);
      return false;
    }
    if (sink.client?.identity.isLimited === true && !this.permits(request, sink.client.identity))
      return false;
    if (command.kind !== 'key') return true;
    if (argv[1].length > keyBytesMax) {
      request.error(errorTexts.keyTooLong);
      return false;
    }
    try {
      request.address = addressOf(request.session.keyspace.id, argv[1]);
    } catch (cause) {
      request.fail(cause);
      return false;
    }
    return true;
  }

  private permits(request: Request, identity: ClientIdentity): boolean {
    try {
      checkPermission(request, identity);
      return true;
    } catch (cause) {
      this.watch.rejected(request.command!, request.argv);
      request.fail(cause);
      return false;
    }
  }

  /** Runs an admitted request here or on the node that coordinates its key, once there is room for what it needs. */
  run(request: Request): void {
    const isPlaced = request.address === null || request.session.isBatch;
    const bytes = isPlaced ? 0 : this.workBytesOf(request);
    // One that is sent on to a second node keeps its place.
    if (bytes < largeWorkBytesMin || request.largeBytes > 0) {
      this.start(request);
      return;
    }
    const isRead = !request.command!.flags.includes('write');
    this.largeWork.enter({
      bytes,
      isRead,
      isAbandoned: () => request.isAbandoned,
      start: () => {
        request.largeBytes = bytes;
        this.start(request);
      },
      refuse: () => request.error(memoryShort),
    });
  }

  /** What a command on one key needs while it runs: what is there is read and copied, what is new goes to each replica. */
  private workBytesOf(request: Request): number {
    const command = request.command!;
    if (command.work !== null) return command.work(request);
    const held = 2 * this.store.sizeOf(request.address!);
    if (!command.flags.includes('write')) return held;
    const grown = command.growth === null ? 0 : command.growth(request.argv);
    return held + 3 * (request.bytes + grown);
  }

  private start(request: Request): void {
    const command = request.command!;
    // One that is tried again is still one.
    if (request.turnWaitSinceMs === null) this.statistics.commandCount += 1;
    if (request.sink.client !== null && request.startedAtMs < 0) {
      request.startedAtMs = this.clock.monotonicMs();
      this.monitors.show(request, this.clock.nowMs());
    }
    request.attempt(() => {
      // What is part of a transaction is decided with it, where it has been sent.
      const isPlaced = request.session.isSentOn || request.session.isBatch;
      if (request.address !== null && !isPlaced) {
        const purpose = purposeOf(command, request.argv);
        // Of what others send here only that which has to meet is looked at again: they may not reach where it meets, and this node does.
        const isWelcome = request.session.forwarded && purpose !== 'read-modify-write';
        const target = isWelcome ? null : this.store.coordinatorOf(request.address, purpose);
        if (target !== null) {
          sendOn(this, request, target, purpose);
          return;
        }
      }
      command.run(request);
    });
  }

  /** A client's own command is about to be answered. */
  finished(request: Request): void {
    const durationMs = this.clock.monotonicMs() - request.startedAtMs;
    this.watch.finished(request, { durationMs, nowMs: this.clock.nowMs() });
  }

  /** A mistake of ours that one command has come upon. */
  reportBug(cause: unknown, request: Request): void {
    this.log.error('A command failed by a mistake in Coterie. Please report it.', {
      command: request.command?.name ?? '',
      cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  }
}
