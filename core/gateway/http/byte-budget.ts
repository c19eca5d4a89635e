/**
 * Memory for what is on its way through this process: bodies and frames that are not complete yet, and answers that are not
 * read yet. One budget for all of them, so that many at once cost no more than it allows. Small things keep a part of it to
 * themselves: large uploads, however many, do not keep small ones out. Whoever announces much and sends little makes room.
 */
import { CoterieError } from '../../base/errors.ts';

export interface ByteBudgetSettings {
  readonly bytesMax: number;
  /** Part of `bytesMax` for shares that are small. */
  readonly smallReserveBytes: number;
  /** Shares of at most this many bytes are small. */
  readonly smallBytesMax: number;
}

export const defaultByteBudget: ByteBudgetSettings = {
  bytesMax: 256 * 1024 * 1024,
  smallReserveBytes: 32 * 1024 * 1024,
  smallBytesMax: 256 * 1024,
};

/** A share younger than this has had no time to show its pace. */
const slowAfterMs = 2_000;
/** On a loopback address a client that sends at all sends a thousand times as fast. */
const slowBytesPerMs = 128;

export interface Share {
  readonly bytes: number;
  /** Throws `busy` when what it grows by does not fit; it then stays as it was. */
  resize(bytes: number): void;
  /** For what is there already and cannot be refused any more. */
  force(bytes: number): void;
  /** So many of the announced bytes have come; those of a slow one may be wanted by others. */
  arrived(bytes: number): void;
  /** All has come. */
  complete(): void;
  release(): void;
}

interface Held {
  bytes: number;
  arrivedBytes: number;
  readonly sinceMs: number;
  /** Null: it gives way to nobody. */
  displace: (() => void) | null;
}

export class ByteBudget {
  readonly #settings: ByteBudgetSettings;
  readonly #monotonicMs: () => number;
  readonly #shares = new Set<Held>();
  #usedBytes = 0;

  constructor(monotonicMs: () => number, settings: ByteBudgetSettings = defaultByteBudget) {
    this.#monotonicMs = monotonicMs;
    this.#settings = settings;
  }

  /** Throws `busy` when it does not fit. `displace` is called when a slow share has to make room; it is released then. */
  take(bytes: number, displace: (() => void) | null = null): Share {
    const held: Held = { bytes: 0, arrivedBytes: 0, sinceMs: this.#monotonicMs(), displace };
    this.#resize(held, bytes);
    this.#shares.add(held);
    const isHeld = () => this.#shares.has(held);
    const force = (to: number) => {
      if (!isHeld()) return;
      this.#usedBytes += to - held.bytes;
      held.bytes = to;
    };
    return {
      get bytes() {
        return held.bytes;
      },
      resize: (to) => {
        if (isHeld()) this.#resize(held, to);
      },
      force,
      arrived: (count) => {
        held.arrivedBytes += count;
      },
      complete: () => {
        held.displace = null;
      },
      release: () => {
        force(0);
        this.#shares.delete(held);
      },
    };
  }

  #resize(held: Held, bytes: number): void {
    const growth = bytes - held.bytes;
    if (growth > 0 && !this.#fits(bytes, growth)) this.#displaceSlow(bytes, growth, held);
    if (growth > 0 && !this.#fits(bytes, growth)) {
      throw new CoterieError(
        'busy',
        'Too much is being sent to this computer, or waits to be read, at this moment. Try again in a second.',
      );
    }
    this.#usedBytes += growth;
    held.bytes = bytes;
  }

  #fits(bytes: number, growth: number): boolean {
    const { bytesMax, smallReserveBytes, smallBytesMax } = this.#settings;
    const limit = bytes <= smallBytesMax ? bytesMax : bytesMax - smallReserveBytes;
    return this.#usedBytes + growth <= limit;
  }

  #displaceSlow(bytes: number, growth: number, but: Held): void {
    const nowMs = this.#monotonicMs();
    const paceOf = ({ arrivedBytes, sinceMs }: Held) => arrivedBytes / Math.max(1, nowMs - sinceMs);
    const slow = [...this.#shares].filter(
      (held) =>
        held !== but &&
        held.displace !== null &&
        nowMs - held.sinceMs > slowAfterMs &&
        paceOf(held) < slowBytesPerMs,
    );
    for (const held of slow.sort((a, b) => paceOf(a) - paceOf(b))) {
      if (this.#fits(bytes, growth)) return;
      this.#usedBytes -= held.bytes;
      held.bytes = 0;
      this.#shares.delete(held);
      held.displace?.();
    }
  }
}
