/** The part of ClusterApi that changes the nodes of a cluster: staged, previewed, applied, taken back. */
import type { LayoutSettings } from '../contract/layout-views.ts';
import { nextLayout } from '../layout/layout.ts';
import type { Handlers, HostActions, NotePerson } from './api-handlers.ts';
import { type Caller, whoOf } from './caller.ts';
import { selfIn } from './own-computers.ts';

type LayoutMethod = Extract<keyof Handlers, `layout.${string}`>;

export function layoutHandlers(host: HostActions, byPerson: NotePerson): Pick<Handlers, LayoutMethod> {
  const apply = async (caller: Caller): Promise<number> => {
    const { version, changes } = await host.staging.apply(appliedBy(host, caller));
    const words = changes.map((change) => `${change}.`).join(' ');
    byPerson(caller, 'cluster', host.layouts.present.clusterName, `Layout ${version} was applied. ${words}`);
    return version;
  };

  return {
    'layout.show': async () => host.view.layout(),
    'layout.stage': async ({ changes }, caller) => {
      const preview = await host.staging.stage(changes);
      host.view.progressed();
      return { ...preview, appliedAs: host.staging.goesByItself ? await apply(caller) : null };
    },
    'layout.settings': async (settings, caller) => {
      const { layouts } = host;
      const words = settingsInWords(settings);
      if (words.length === 0) return {};
      await layouts.change((layout, digest) => nextLayout(layout, digest, settings));
      byPerson(caller, 'cluster', layouts.present.clusterName, words.join(' '));
      return {};
    },
    'layout.unstage': async () => {
      await host.staging.unstage();
      host.view.progressed();
      return {};
    },
    'layout.preview': async () => host.staging.preview(),
    'layout.apply': async (_, caller) => ({ version: await apply(caller) }),
    'layout.revert': async (_, caller) => {
      const { version } = await host.staging.revert();
      byPerson(
        caller,
        'cluster',
        host.layouts.present.clusterName,
        `The last change of nodes was taken back, with layout ${version}.`,
      );
      return { version };
    },
    'layout.history': async () => host.staging.history(),
  };
}

/** Other computers tell it as well: they need to know where it was. */
export function appliedBy({ layouts, ownComputers }: HostActions, caller: Caller): string {
  const { present } = layouts;
  const isHere = caller.from === undefined && present.computers.length > 1;
  return whoOf(isHere ? { ...caller, from: selfIn(present, ownComputers).name } : caller);
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
