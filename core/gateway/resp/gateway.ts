/**
 * What all parts of the RESP gateway share: its components, its settings and the one encoder. Also the way of a command
 * from its words to its handler: lookup, arity, authentication, the key's coordinator. It knows nothing of sockets.
 */
import { isWriteRefusal } from '../../base/errors.ts';
import { addressOf } from '../../base/token.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { KeyValueStore } from '../../ports/key-value-store.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { RespEncoder } from '../../wire/resp-encoder.ts';
import { arityFits, type Command, type CommandTable, purposeOf } from './command.ts';
import { errorTexts, unknownCommand, wrongArity } from './errors.ts';
import { encodeForwarded, readForwardedReply } from './forwarding.ts';
import type { ClientControl, Request } from './request.ts';
import type { RespServerSettings } from './settings.ts';

export interface GatewayComponents {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Counters for INFO. */
export interface GatewayStatistics {
  commandCount: number;
  connectionCount: number;
  rejectedConnectionCount: number;
  bytesReceived: number;
  bytesSent: number;
  forwardedCount: number;
}

export const keyBytesMax = 65_536;
/** Nodes that a command is sent to one after the other while each refuses writes. */
const forwardCountMax = 3;

export class Gateway {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly settings: RespServerSettings;
  readonly table: CommandTable;
  readonly encoder = new RespEncoder();
  readonly startedAtMs: number;
  readonly statistics: GatewayStatistics = {
    commandCount: 0,
    connectionCount: 0,
    rejectedConnectionCount: 0,
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
    this.log = components.log;
    this.settings = settings;
    this.table = table;
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
      request.error(wrongArity(command.name));
      return false;
    }
    if (sink.client !== null && sink.client.user === '' && !command.flags.includes('no_auth')) {
      request.error(errorTexts.noAuthentication);
      return false;
    }
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

  /** Runs an admitted request here or on the node that coordinates its key. */
  run(request: Request): void {
    const command = request.command!;
    this.statistics.commandCount += 1;
    request.attempt(() => {
      if (request.address !== null && !request.session.forwarded) {
        const target = this.store.coordinatorOf(request.address, purposeOf(command, request.argv));
        if (target !== null) {
          this.forward(request, command, target);
          return;
        }
      }
      command.run(request);
    });
  }

  /** A mistake of ours that one command has come upon. */
  reportBug(cause: unknown, request: Request): void {
    this.log.error('A command failed by a mistake in Coterie. Please report it.', {
      command: request.command?.name ?? '',
      cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
  }

  private forward(request: Request, command: Command, target: number): void {
    this.statistics.forwardedCount += 1;
    const bytes = encodeForwarded(request.session, request.argv);
    const answer = request.onAnswer((reply: Buffer) => {
      const { acknowledgedCount, body } = readForwardedReply(reply);
      if (command.flags.includes('write')) request.noteWrite({ acknowledgedCount }, true);
      request.raw([body]);
    });
    this.store.forward(target, bytes, (error, reply) => {
      // Nothing was done there: the next one is asked, and after that the client gets the reason.
      if (error !== null && isWriteRefusal(error) && request.forwardCount < forwardCountMax) {
        request.forwardCount++;
        this.run(request);
      } else answer(error, reply);
    });
  }
}
