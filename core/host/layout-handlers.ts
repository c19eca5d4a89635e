/** The part of ClusterApi that changes the nodes of a cluster: staged, previewed, applied, taken back. */
import type { ActivityKind } from '../contract/views.ts';
import type { Handlers, HostActions } from './api-handlers.ts';

type LayoutMethod = Extract<keyof Handlers, `layout.${string}`>;

export function layoutHandlers(
  host: HostActions,
  byPerson: (kind: ActivityKind, subject: string, message: string) => void,
): Pick<Handlers, LayoutMethod> {
  const apply = async (): Promise<number> => {
    const { version, changes } = await host.staging.apply();
    const words = changes.map((change) => `${change}.`).join(' ');
    byPerson('cluster', host.layouts.present.clusterName, `Layout ${version} was applied. ${words}`);
    return version;
  };

  return {
    'layout.show': async () => host.view.layout(),
    'layout.stage': async ({ changes }) => {
      const preview = await host.staging.stage(changes);
      host.view.progressed();
      return { ...preview, appliedAs: host.staging.goesByItself ? await apply() : null };
    },
    'layout.joining': async ({ byItself }) => {
      await host.staging.joinByItself(byItself);
      host.view.progressed();
      const words = byItself
        ? 'New nodes join by themselves from now on.'
        : 'New nodes wait to be applied from now on.';
      byPerson('cluster', host.layouts.present.clusterName, words);
      return {};
    },
    'layout.unstage': async () => {
      await host.staging.unstage();
      host.view.progressed();
      return {};
    },
    'layout.preview': async () => host.staging.preview(),
    'layout.apply': async () => ({ version: await apply() }),
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
