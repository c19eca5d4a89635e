/**
 * How nodes tell each other which layouts are live and how far everybody is, as JSON:
 *   question  {"newest":[version,digest],"live":[digest…],"trackers":[[node,turn,heard,ack,sync,syncAck,key]…]}
 *   answer    the same, and "layouts":[{"layout","digest"}…] where the asker lacks one of them
 */
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { type LayoutHistory, type LiveLayout, newestOf, type Tracker } from '../../layout/history.ts';
import { checkedLayout } from '../../layout/layout-document.ts';

export type TrackerRow = readonly [number, number, number, number, number, number, string];

export interface LayoutNews {
  readonly newest: readonly [number, string];
  readonly live: readonly string[];
  readonly trackers: ReadonlyMap<number, Tracker>;
  /** Empty where the other has them all. */
  readonly layouts: readonly LiveLayout[];
}

const count = z.number().int().min(0);
const digestSchema = z.string().max(128);
const rowSchema = z.tuple([count, count, count, count, count, count, digestSchema]);
const newsSchema = z.object({
  newest: z.tuple([count, digestSchema]),
  live: z.array(digestSchema).max(64),
  trackers: z.array(rowSchema).max(65_536),
  layouts: z.array(z.unknown()).max(64).optional(),
});

export function trackersOf({ trackers }: Pick<LayoutHistory, 'trackers'>): TrackerRow[] {
  return [...trackers].map(
    ([id, { turn, heard, ack, sync, syncAck, key }]) => [id, turn, heard, ack, sync, syncAck, key] as const,
  );
}

/** Throws `corrupt` for anything else than trackersOf gives. */
export function trackersFrom(rows: unknown): Map<number, Tracker> {
  const parsed = z.array(rowSchema).safeParse(rows);
  if (!parsed.success) throw new CoterieError('corrupt', 'It does not tell how far the nodes are.');
  return trackersIn(parsed.data);
}

function trackersIn(rows: readonly TrackerRow[]): Map<number, Tracker> {
  return new Map(
    rows.map(([id, turn, heard, ack, sync, syncAck, key]) => [id, { turn, heard, ack, sync, syncAck, key }]),
  );
}

/**
 * Throws `corrupt` for anything else than live layouts. Those that are `known` are not checked again, which takes milliseconds, and
 * stay the same objects: what was reckoned for one of them need not be reckoned anew.
 */
export function liveFrom(entries: readonly unknown[], known: readonly LiveLayout[] = []): LiveLayout[] {
  return entries.map((entry) => {
    const { layout, digest } = (entry ?? {}) as Record<string, unknown>;
    if (typeof digest !== 'string') throw new CoterieError('corrupt', 'A layout has no digest.');
    const same = digest === '' ? undefined : known.find((one) => one.digest === digest);
    return same ?? { layout: checkedLayout(layout), digest };
  });
}

export function encodeNews(history: LayoutHistory, layouts: readonly LiveLayout[]): Buffer {
  const { layout, digest } = newestOf(history);
  const news = {
    newest: [layout.version, digest],
    live: history.live.map((one) => one.digest),
    trackers: trackersOf(history),
    ...(layouts.length === 0 ? {} : { layouts }),
  };
  return Buffer.from(JSON.stringify(news));
}

/** Throws `bad-input`. `known`: as in liveFrom. */
export function decodeNews(bytes: Buffer, known: readonly LiveLayout[] = []): LayoutNews {
  try {
    const news = newsSchema.parse(JSON.parse(bytes.toString()));
    return {
      newest: news.newest,
      live: news.live,
      trackers: trackersIn(news.trackers),
      layouts: liveFrom(news.layouts ?? [], known),
    };
  } catch {
    throw new CoterieError('bad-input', 'What another node says of the layout does not have the right form.');
  }
}
