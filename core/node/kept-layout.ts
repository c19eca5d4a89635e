/**
 * What a node keeps of the layouts beside its data: those that are live, so that it never follows an older one, and how far it and
 * the others had come, so that it knows after a crash what it was still getting.
 */
import { toCoterieError } from '../base/errors.ts';
import { historyOf, type LayoutHistory, newestOf } from '../layout/history.ts';
import { decodeLayout, layoutDocument } from '../layout/layout-document.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { liveFrom, trackersFrom, trackersOf } from '../wire/peer/layout-messages.ts';

export const layoutFile = 'layout.json';

/** As JSON: a document of the newest layout (layout/layout-document.ts) with more members. */
export function keptHistoryAsJson(history: LayoutHistory): unknown {
  const { layout, digest } = newestOf(history);
  return layoutDocument(layout, { digest, older: history.live.slice(0, -1), trackers: trackersOf(history) });
}

/** Null: there is none, or it cannot be read. */
export async function readKeptHistory(disk: Disk, log: Log): Promise<LayoutHistory | null> {
  try {
    const text = (await disk.readFile(layoutFile)).toString();
    const layout = decodeLayout(text);
    const { digest, older, trackers, settled } = JSON.parse(text);
    // Of a version that kept one layout, and was still getting data for it: nobody knows from whom.
    if (settled !== undefined && settled !== 'newest') return null;
    const live = [...liveFrom(older ?? []), { layout, digest: typeof digest === 'string' ? digest : '' }];
    return { ...historyOf(live), trackers: trackersFrom(trackers ?? []) };
  } catch (cause) {
    const { code, message } = toCoterieError(cause, 'corrupt');
    if (code === 'disk-failed' || code === 'busy') throw cause;
    if (code !== 'not-found') log.warn(`${layoutFile} of this node cannot be used.`, { cause: message });
    return null;
  }
}
