/**
 * The layouts that a node keeps beside its data: the newest that it was given, so that it never follows an older one, and the
 * one that its data is complete for, so that it knows after a crash what it was still getting.
 */
import { toCoterieError } from '../base/errors.ts';
import type { Layout } from '../layout/layout.ts';
import { decodeLayout } from '../layout/layout-document.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';

export const layoutFile = 'layout.json';

export interface KeptLayouts {
  readonly newest: Layout;
  /** What this node holds is all that it should hold by this one; older than `newest` while data is on its way. Null: by none. */
  readonly settled: Layout | null;
}

/** What the file holds, as JSON: a layout document (layout/layout-document.ts) with one member more. */
export function keptLayoutsAsJson({ newest, settled }: KeptLayouts): unknown {
  return { format: 1, layout: newest, settled: settled === newest ? 'newest' : settled };
}

/** Null: there is none, or it cannot be read. */
export async function readKeptLayouts(disk: Disk, log: Log): Promise<KeptLayouts | null> {
  try {
    const text = (await disk.readFile(layoutFile)).toString();
    const newest = decodeLayout(text);
    const { settled } = JSON.parse(text);
    if (settled === 'newest') return { newest, settled: newest };
    const isKnown = settled !== null && settled !== undefined;
    return { newest, settled: isKnown ? decodeLayout(JSON.stringify({ format: 1, layout: settled })) : null };
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'corrupt');
    if (code === 'disk-failed' || code === 'busy') throw cause;
    if (code !== 'not-found') log.warn(`${layoutFile} of this node cannot be used.`, { cause: message });
    return null;
  }
}
