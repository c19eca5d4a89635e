/** What a plan means for keyspaces, in words. */
import type { LayoutPreview } from '../../../core/contract/layout-views.ts';
import { listWords } from '../components/format.ts';

type Losses = LayoutPreview['survival'][number]['before'];

function survived(losses: Losses): string {
  const names = losses
    .filter(({ readable, writable }) => readable && writable)
    .map(({ loss }) => `a ${loss.replace('-', ' ')}`);
  return names.length === 0 ? 'the loss of nothing' : `the loss of ${listWords(names)}`;
}

/** One sentence for each keyspace that will survive something else than now. */
export function survivalInWords({ survival }: Pick<LayoutPreview, 'survival'>): string[] {
  return survival.flatMap(({ keyspace, before, after }) => {
    const [was, will] = [survived(before), survived(after)];
    return was === will ? [] : [`${keyspace} survives ${was} now, and ${will} afterwards.`];
  });
}
