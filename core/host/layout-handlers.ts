/** The part of ClusterApi that changes the nodes of a cluster: staged, previewed, applied, taken back. */
import type { LayoutSettings } from '../contract/layout-views.ts';
import type { ActivityKind } from '../contract/views.ts';
import { nextLayout } from '../layout/layout.ts';
import type { Handlers, HostActions } from './api-handlers.ts';

type LayoutMethod = Extract<keyof Handlers, `layout.${string}`>;

export function layoutHandlers(
  host: HostActions,
  byPerson: (kind: ActivityKind, subject: string, message: string) => void,
): Pick<Handlers, LayoutMethod> {
  const apply = async (by: string): Promise<number> => {
    const { version, changes } = await host.staging.apply(by);
    const words = changes.map((change) => `${change}.`).join(' ');
    byPerson('cluster', host.layouts.present.clusterName, `Layout ${version} was applied. ${words}`);
    return version;
  };

  return {
    'layout.show': async () => host.view.layout(),
    'layout.stage': async ({ changes }, { name }) => {
      const preview = await host.staging.stage(changes);
      host.view.progressed();
      return { ...preview, appliedAs: host.staging.goesByItself ? await apply(name) : null };
    },
    'layout.settings': async (settings) => {
      const { layouts } = host;
      const words = settingsInWords(settings);
      if (words.length === 0) return {};
      await layouts.change((layout, digest) => nextLayout(layout, digest, settings));
      byPerson('cluster', layouts.present.clusterName, words.join(' '));
      return {};
    },
    'layout.unstage': async () => {
      await host.staging.unstage();
      host.view.progressed();
      return {};
    },
    'layout.preview': async () => host.staging.preview(),
    'layout.apply': async (_, { name }) => ({ version: await apply(name) }),
    'layout.revert': async () => {
      const { version } = await host.staging.revert();
      byPerson(
        'cluster',
        host.layouts.present.clusterName,
        `The last change of nodes was taken back, with layout ${version}.`,
      );
      return { version };
    },
    'layout.history': async () => host.staging.history(),
  };
}

function settingsInWords({ joinsByItself, transfer }: LayoutSettings): string[] {
  const words: string[] = [];
  if (joinsByItself !== undefined) {
    words.push(
      joinsByItself
        ? 'New nodes join by themselves from now on.'
        : 'New nodes wait to be applied from now on.',
    );
  }
  if (transfer !== undefined) words.push(`Data moves at the pace "${transfer}" from now on.`);
  return words;
}
