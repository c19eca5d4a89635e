/**
 * The layouts that a node keeps beside its data: the newest that it was given, so that it never follows an older one, and the
 * one that its data is complete for, so that it knows after a crash what it was still getting.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { type Layout, parseLayout } from '../layout/layout.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

export const layoutFile = 'layout.json';

export interface KeptLayouts {
  readonly newest: Layout;
  /** What this node holds is all that it should hold by this one; older than `newest` while data is on its way. */
  readonly settled: Layout;
}

/** What the file holds, as JSON. */
export function keptLayoutsAsJson({ newest, settled }: KeptLayouts): unknown {
  return { format: 1, layout: newest, settled: settled === newest ? null : settled };
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
