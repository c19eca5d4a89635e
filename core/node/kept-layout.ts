/**
 * The layouts that a node keeps beside its data: the newest that it was given, so that it never follows an older one, and the
 * one that its data is complete for, so that it knows after a crash what it was still getting. One small file, replaced as a
 * whole; a disk that does not take it now is asked again until it does.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { type Layout, parseLayout } from '../layout/layout.ts';
import type { Timers } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

export const layoutFile = 'layout.json';
const retryAfterMs = 1_000;

export interface KeptLayouts {
  readonly newest: Layout;
  /** What this node holds is all that it should hold by this one; older than `newest` while data is on its way. */
  readonly settled: Layout;
}

/** Null: there is none, or it cannot be read. */
export async function readKeptLayouts(disk: Disk, log: Log): Promise<KeptLayouts | null> {
  try {
    const { format, layout, settled } = JSON.parse((await disk.readFile(layoutFile)).toString());
    if (format !== 1) throw new CoterieError('unsupported', `${layoutFile} has an unknown format.`);
    const newest = parseLayout(JSON.stringify(layout));
    return { newest, settled: settled === null ? newest : parseLayout(JSON.stringify(settled)) };
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'corrupt');
    if (code === 'disk-failed' || code === 'busy') throw cause;
    if (code !== 'not-found') log.warn(`${layoutFile} of this node cannot be used.`, { cause: message });
    return null;
  }
}

export class LayoutKeeper {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #log: Log;
  #wanted: KeptLayouts | null = null;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(components: { disk: Disk; timers: Timers; log: Log }) {
    this.#disk = components.disk;
    this.#timers = components.timers;
    this.#log = components.log;
  }

  /** Resolves once these, or later ones, are durable, or this keeper was closed. */
  keep(layouts: KeptLayouts): Promise<void> {
    this.#wanted = layouts;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  close(): void {
    this.#closed = true;
  }

  async #writeAll(): Promise<void> {
    while (this.#wanted !== null && !this.#closed) {
      const { newest, settled } = this.#wanted;
      this.#wanted = null;
      const content = { format: 1, layout: newest, settled: settled === newest ? null : settled };
      try {
        await this.#disk.replaceFile(layoutFile, Buffer.from(JSON.stringify(content)));
      } catch (cause) {
        this.#log.warn('The layout could not be kept beside the data; it is tried again.', {
          cause: toCoterieError(cause, 'disk-failed').message,
        });
        this.#wanted ??= { newest, settled };
        await new Promise<void>((resolve) => this.#timers.after(retryAfterMs, resolve));
      }
    }
  }
}
