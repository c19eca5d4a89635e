/** Settings of the RESP gateway, each with what changes when it is larger or smaller. */
import type { Server } from 'node:tls';
import type { NetworkPlaces } from '../network-listeners.ts';

export interface RespServerSettings {
  readonly host: string;
  /** 0 = any free port (tests). */
  readonly port: number;
  /** For clients on other computers, over TLS; null: they cannot connect. */
  readonly network: NetworkListener | null;
  /**
   * Connections at once, the host's aside; one costs about 10 KiB and a file descriptor. Beyond it the one that has been idle
   * for longest makes room; where none is idle, the newcomer is told so and closed.
   */
  readonly clientCountMax: number;
  /**
   * Bytes that all clients together may make the node hold: unfinished commands, commands under way, replies not read. Smaller:
   * fewer large values at a time (each passes several times its size through here), and clients that do not read are closed
   * sooner. Larger: the node may grow by that much, at a client's wish.
   */
  readonly memoryBytesMax: number;
  /**
   * How long clients wait for room while nothing comes to its end, before somebody, perhaps one of them, is refused. Less than
   * the time-outs of common clients.
   */
  readonly memoryWaitMsMax: number;
  /**
   * How long a command that needs much memory waits for those before it, of which only a few run at once. Smaller: a burst of
   * large values is refused in part; larger: the last of them answer later than their clients wait.
   */
  readonly largeCommandWaitMsMax: number;
  /** A command of which nothing more comes for this long is given up, and its connection closed. */
  readonly unfinishedCommandTimeMsMax: number;
  /** Beyond that time a command may go on as long as it comes at this rate, from its beginning on: bytes per second. */
  readonly unfinishedCommandRateMin: number;
  /**
   * Bytes of replies waiting for one client. Above a quarter of it no further command of that client is started, so only
   * replies already under way can reach the limit; at the limit the client is disconnected. Smaller: a few readers of
   * large values are cut off; larger: a client that never reads costs more memory.
   */
  readonly outputBufferBytesMax: number;
  /** A client that leaves replies unread for this long is disconnected. */
  readonly unreadOutputTimeMsMax: number;
  /** Commands of one connection that may be under way at once; more overlap hides latency, fewer bound memory. */
  readonly commandsInFlightMax: number;
  /** Redis's proto-max-bulk-len: a longer value is refused. */
  readonly valueBytesMax: number;
  /** Values above this are stored with a warning in the log: every replica keeps and moves them whole. */
  readonly valueBytesWarning: number;
}

export interface NetworkListener extends NetworkPlaces {
  /** The wanted one; where it is taken, any. */
  readonly port: number;
  /** Bounds what strangers hold before their handshake is over. */
  readonly guard: (server: Server) => void;
}

export const respServerDefaults: RespServerSettings = {
  host: '127.0.0.1',
  port: 7379,
  network: null,
  clientCountMax: 10_000,
  memoryBytesMax: 512 * 1_048_576,
  memoryWaitMsMax: 10_000,
  largeCommandWaitMsMax: 30_000,
  unfinishedCommandTimeMsMax: 45_000,
  unfinishedCommandRateMin: 32_768,
  outputBufferBytesMax: 268_435_456,
  unreadOutputTimeMsMax: 60_000,
  commandsInFlightMax: 128,
  valueBytesMax: 50 * 1_048_576,
  valueBytesWarning: 5 * 1_048_576,
};
