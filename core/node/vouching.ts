/**
 * When records and identity vouch for each other (identity.ts): before the first write, every few seconds in which something
 * changed, and when a loss has been made good. A disk that takes nothing now is asked again; until the first time has come off,
 * nothing is written in this node's name, because its epoch could be given out twice.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Writer } from '../replication/parts.ts';
import type { LocalRecords } from '../replication/replica/local-records.ts';
import type { Identity } from './identity.ts';

/**
 * Shorter: fewer acknowledged writes can be taken away by an old copy or a cut tail without being noticed. Longer: fewer syncs,
 * two for each mark.
 */
const defaultVouchEveryMs = 10_000;
const retryAfterMs = 1_000;

interface Components {
  readonly identity: Identity;
  readonly records: LocalRecords;
  readonly timers: Timers;
  readonly log: Log;
  readonly writer: Writer;
}

export class Vouching {
  readonly #parts: Components;
  readonly #everyMs: number;
  #seenChanges = 0;
  #timer: Cancellable | null = null;
  #closed = false;

  constructor(parts: Components, everyMs = defaultVouchEveryMs) {
    this.#parts = parts;
    this.#everyMs = everyMs;
  }

  /** Resolves when this start is durable, or after the first try where the disk does not take it now. */
  async begin(): Promise<void> {
    const { identity, writer, log } = this.#parts;
    try {
      await identity.begin();
      writer.refusal = null;
      this.#arm(this.#everyMs, () => this.#mark());
    } catch (cause) {
      const error = toCoterieError(cause, 'disk-failed');
      if (writer.refusal === null) {
        log.error('The disk takes no writes: this node only answers reads until it does.', {
          cause: error.message,
        });
      }
      writer.refusal = new CoterieError(error.code, `This node cannot write yet. ${error.message}`);
      this.#arm(retryAfterMs, () => this.begin());
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** All that was lost is back. */
  async noteWhole(): Promise<void> {
    try {
      await this.#parts.identity.noteRebuilding(false);
    } catch (cause) {
      // The next start compares everything once more: a loss of time only.
      this.#parts.log.warn('That this node is whole again could not be noted.', {
        cause: toCoterieError(cause, 'disk-failed').message,
      });
    }
  }

  #arm(afterMs: number, action: () => Promise<void>): void {
    if (this.#closed) return;
    this.#timer = this.#parts.timers.after(afterMs, () => void action());
  }

  async #mark(): Promise<void> {
    const { identity, records, log } = this.#parts;
    const { changeCount } = records;
    if (changeCount !== this.#seenChanges) {
      try {
        await identity.vouch();
        this.#seenChanges = changeCount;
      } catch (cause) {
        log.warn('The newest records are not vouched for yet; it is tried again.', {
          cause: toCoterieError(cause, 'disk-failed').message,
        });
      }
    }
    this.#arm(this.#everyMs, () => this.#mark());
  }
}
