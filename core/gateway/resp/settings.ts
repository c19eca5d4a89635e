/** Settings of the RESP gateway, each with what changes when it is larger or smaller. */
export interface RespServerSettings {
  readonly host: string;
  /** 0 = any free port (tests). */
  readonly port: number;
  /** Connections at once; one costs about 10 KiB. Beyond it a client is told so and closed. */
  readonly clientCountMax: number;
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
  /** Accepted passwords of the user `default`; none = no authentication. */
  readonly passwords: readonly string[];
  /** Redis's proto-max-bulk-len: a longer value is refused. */
  readonly valueBytesMax: number;
  /** Values above this are stored with a warning in the log: every replica keeps and moves them whole. */
  readonly valueBytesWarning: number;
}

export const respServerDefaults: RespServerSettings = {
  host: '127.0.0.1',
  port: 7379,
  clientCountMax: 10_000,
  outputBufferBytesMax: 268_435_456,
  unreadOutputTimeMsMax: 60_000,
  commandsInFlightMax: 128,
  passwords: [],
  valueBytesMax: 50 * 1_048_576,
  valueBytesWarning: 5 * 1_048_576,
};
