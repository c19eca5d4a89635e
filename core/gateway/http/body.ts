/**
 * Bodies of requests, gathered within the budget of the process: what does not fit is refused before it is read, what comes
 * too slowly is given up, and what a caller that went away had sent is forgotten at once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CoterieError } from '../../base/errors.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { ByteBudget, Share } from './byte-budget.ts';

export interface BodyComponents {
  readonly budget: ByteBudget;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface BodyLimits {
  readonly bytesMax: number;
  readonly tooLargeWords: string;
}

type Request = Pick<IncomingMessage, 'headers' | 'on' | 'off' | 'resume' | 'pause' | 'destroyed'>;
type Response = Pick<ServerResponse, 'writeContinue'>;

/** Without a length a body takes its share in steps. */
const stepBytes = 1024 * 1024;
/** What any request costs beside its body. */
const overheadBytes = 4 * 1024;
const lookEveryMs = 1_000;
const silentMaxMs = 10_000;
const graceMs = 15_000;
/** The least pace of a whole body: 50 MiB within 65 seconds. */
const bytesPerMsMin = 1024;

function announcedOf({ headers }: Request): number | null {
  const text = headers['content-length'];
  if (text === undefined) return headers['transfer-encoding'] === undefined ? 0 : null;
  return Number(text);
}

/**
 * Runs `use` with the whole body; its bytes count until that is over. Throws `too-large`, `busy` (no room now, or too slow),
 * `unavailable` (the caller is gone).
 */
export async function withBody<T>(
  components: BodyComponents,
  { request, response }: { request: Request; response: Response },
  limits: BodyLimits,
  use: (body: Buffer) => Promise<T>,
): Promise<T> {
  const announced = announcedOf(request);
  if (announced !== null && announced > limits.bytesMax) throw tooLarge(limits);
  let displaced = () => {};
  const share = components.budget.take(overheadBytes + (announced ?? stepBytes), () => displaced());
  try {
    const body = await new Promise<Buffer>((resolve, reject) => {
      const gathering = new Gathering({ ...components, share, request }, limits, announced, resolve, reject);
      displaced = () => gathering.fail(tooSlow());
      if (/100-continue/i.test(request.headers.expect ?? '')) response.writeContinue();
      gathering.start();
    });
    share.complete();
    return await use(body);
  } finally {
    share.release();
  }
}

class Gathering {
  readonly #around: BodyComponents & { share: Share; request: Request };
  readonly #limits: BodyLimits;
  /** Of the announced length: memory that nothing was written to yet costs nothing. Null: the length is not known. */
  readonly #whole: Buffer | null;
  readonly #parts: Buffer[] = [];
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: Error) => void;
  readonly #startedMs: number;
  #lastMs: number;
  #length = 0;
  #look: Cancellable | null = null;

  constructor(
    around: BodyComponents & { share: Share; request: Request },
    limits: BodyLimits,
    announced: number | null,
    resolve: (body: Buffer) => void,
    reject: (error: Error) => void,
  ) {
    this.#around = around;
    this.#limits = limits;
    this.#whole = announced === null ? null : Buffer.allocUnsafe(announced);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#startedMs = around.clock.monotonicMs();
    this.#lastMs = this.#startedMs;
  }

  start(): void {
    const { request } = this.#around;
    if (request.destroyed) {
      this.fail(gone());
      return;
    }
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
    request.on('error', this.#onGone);
    request.on('close', this.#onGone);
    this.#lookLater();
  }

  fail(error: Error): void {
    this.#stop();
    this.#parts.length = 0;
    this.#reject(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { share, clock } = this.#around;
    const at = this.#length;
    this.#length += chunk.length;
    this.#lastMs = clock.monotonicMs();
    share.arrived(chunk.length);
    if (this.#length > (this.#whole?.length ?? this.#limits.bytesMax)) {
      this.fail(tooLarge(this.#limits));
      return;
    }
    if (this.#whole !== null) {
      chunk.copy(this.#whole, at);
      return;
    }
    try {
      // Joining them at the end takes as much again, for a moment.
      const needed = overheadBytes + 2 * this.#length;
      if (needed > share.bytes) share.resize(needed + stepBytes);
    } catch (cause) {
      this.fail(cause as Error);
      return;
    }
    this.#parts.push(chunk);
  };

  readonly #onEnd = (): void => {
    this.#stop();
    if (this.#whole === null) this.#resolve(Buffer.concat(this.#parts));
    else if (this.#length === this.#whole.length) this.#resolve(this.#whole);
    else this.#reject(gone());
  };

  readonly #onGone = (): void => this.fail(gone());

  #lookLater(): void {
    const { timers, clock } = this.#around;
    this.#look = timers.after(lookEveryMs, () => {
      const nowMs = clock.monotonicMs();
      const withinMs = graceMs + (this.#whole?.length ?? this.#length) / bytesPerMsMin;
      const isLate = nowMs - this.#lastMs > silentMaxMs || nowMs - this.#startedMs > withinMs;
      if (isLate) this.fail(tooSlow());
      else this.#lookLater();
    });
  }

  #stop(): void {
    const { request } = this.#around;
    this.#look?.cancel();
    request.off('data', this.#onData);
    request.off('end', this.#onEnd);
    request.off('error', this.#onGone);
    request.off('close', this.#onGone);
    request.on('error', () => {});
  }
}

const tooLarge = ({ tooLargeWords }: BodyLimits) => new CoterieError('too-large', tooLargeWords);
const tooSlow = () => new CoterieError('busy', 'The body came too slowly, and was given up. Send it again.');
const gone = () => new CoterieError('unavailable', 'The caller is gone.');
