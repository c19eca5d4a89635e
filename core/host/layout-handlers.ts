/** The part of ClusterApi that changes the nodes of a cluster: staged, previewed, applied, taken back. */
import type { ActivityKind } from '../contract/views.ts';
import type { Handlers, HostActions } from './api-handlers.ts';

type LayoutMethod = Extract<keyof Handlers, `layout.${string}`>;

export function layoutHandlers(
  host: HostActions,
  byPerson: (kind: ActivityKind, subject: string, message: string) => void,
): Pick<Handlers, LayoutMethod> {
  return {
    'layout.show': async () => host.view.layout(),
    'layout.stage': async ({ changes }) => {
      const preview = await host.staging.stage(changes);
      host.view.progressed();
      return preview;
    },
    'layout.unstage': async () => {
      await host.staging.unstage();
      host.view.progressed();
      return {};
    },
    'layout.preview': async () => host.staging.preview(),
    'layout.apply': async () => {
      const { version, changes } = await host.staging.apply();
      const words = changes.map((change) => `${change}.`).join(' ');
      byPerson('cluster', host.layouts.present.clusterName, `Layout ${version} was applied. ${words}`);
      return { version };
    },
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
