/** What another computer knows better, asked for when its news tell so. Nothing comes of it when it fails: the next news tell it again. */
import type { ComputerCalls } from '../../platform/computer-calls.ts';
import type { Place } from '../../platform/peer-transport.ts';
import type { Log } from '../../ports/log.ts';
import { decodeNews, encodeNews } from '../../wire/peer/layout-messages.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import { toldKeys } from './messages.ts';

const withinMs = 4_000;

export async function compareLayouts(
  { calls, layouts, log }: { calls: ComputerCalls; layouts: LayoutService; log: Log },
  place: Place,
): Promise<void> {
  try {
    const body = encodeNews(layouts.history, layouts.live);
    const news = decodeNews(await calls.call(place, '/layouts', body, { withinMs }), layouts.live);
    await layouts.learn(news.layouts, news.trackers);
  } catch (cause) {
    log.warn('Layouts could not be compared with another computer.', { cause: (cause as Error).message });
  }
}

export async function learnKeys(
  { calls, keys, log }: { calls: ComputerCalls; keys: ClusterKeys; log: Log },
  place: Place,
): Promise<void> {
  try {
    const answer = await calls.call(place, '/keys', Buffer.alloc(0), { withinMs });
    await keys.learn(toldKeys.parse(JSON.parse(answer.toString())));
  } catch (cause) {
    log.warn('The keys of the cluster could not be taken from another computer. It is tried again.', {
      cause: (cause as Error).message,
    });
  }
}
