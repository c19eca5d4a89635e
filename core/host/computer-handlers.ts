/** The part of ClusterApi that concerns computers: who is in, who is near, who asks to come in; and what is asked of another one. */

import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { listOf } from '../base/words.ts';
import type { OwnKeyView, SharedKeysView } from '../contract/computer-views.ts';
import { computerNamed } from '../layout/changes.ts';
import { presentInterfaces } from '../platform/interfaces.ts';
import { certificateFingerprint } from '../security/fingerprints.ts';
import type { Handlers, HostActions } from './api-handlers.ts';
import { whoOf } from './caller.ts';
import { checkupOf } from './checkup/checkup.ts';
import { interfacesAfter } from './computers/client-interfaces.ts';
import { clientsViewOf } from './computers/clients-view.ts';
import { foundView } from './computers/finder.ts';
import type { Lan } from './computers/open-lan.ts';
import { appliedBy } from './layout-handlers.ts';
import { takenOut } from './own-computers.ts';
import { roleHandlers } from './role-handlers.ts';

export type ComputerMethod = Extract<
  keyof Handlers,
  `computer.${string}` | `computers.${string}` | `network.${string}` | `clients.${string}` | `join.${string}`
>;

export function computerHandlers(host: HostActions): Pick<Handlers, ComputerMethod> {
  const lan = (): Lan => {
    if (host.lan !== null) return host.lan;
    throw new CoterieError(
      'conflict',
      'This computer takes no connections from other computers. Start it with: coterie serve --listen lan',
    );
  };
  const isMember = async (): Promise<never> => {
    throw new CoterieError('conflict', 'This computer is in a cluster already.');
  };
  /** The other computer at which somebody asks; null: it is this one, or nobody knows the request. */
  const whereAsked = (id: string): string | null => {
    if (lan().desk.requests.some((one) => one.id.startsWith(id))) return null;
    const at = lan().computers.requests.find((one) => one.id.startsWith(id))?.at;
    return host.layouts.present.computers.find(({ name }) => plainLine(name) === at)?.id ?? null;
  };

  return {
    'computer.standing': async () => {
      const { present } = host.layouts;
      const self = present.computers.find(({ id }) => host.ownComputers.has(id));
      return {
        state: 'member',
        computer: plainLine(self?.name ?? ''),
        detail: self === undefined ? takenOut : null,
        fingerprint: host.lan?.key() ?? null,
        cluster: plainLine(present.clusterName),
      };
    },
    'computer.checkup': async () => checkupOf(host),
    'computer.keyLock': async () => host.files.lock,
    'computer.lockKeys': async ({ on }, caller) => {
      const wasOn = host.files.lock.isOn;
      await host.files.setLock(on);
      if (wasOn !== on) {
        const form = on
          ? 'locked by the key store of the system'
          : 'kept in plain files, which only this account can read';
        host.trail.note({
          ...{ kind: 'cluster', subject: 'keys', message: `The keys of this computer are ${form} now.` },
          who: whoOf(caller),
        });
      }
      return host.files.lock;
    },
    'computers.invite': async (wish, caller) => lan().desk.invite(wish, whoOf(caller)),
    'computers.requests': async () =>
      host.lan === null
        ? []
        : [...lan().desk.requests, ...lan().computers.requests].sort((a, b) => a.askedAtMs - b.askedAtMs),
    'computers.approve': async ({ id, ...choice }, caller) => {
      const at = whereAsked(id);
      if (at !== null) {
        const answer = await lan().computers.call(at, 'computers.approve', { id, ...choice }, whoOf(caller));
        return answer as { version: number | null };
      }
      return { version: await lan().desk.approve(id, { ...choice, by: appliedBy(host, caller) }) };
    },
    'computers.refuse': async ({ id, block }, caller) => {
      const at = whereAsked(id);
      if (at !== null) await lan().computers.call(at, 'computers.refuse', { id, block }, whoOf(caller));
      else await lan().desk.refuse(id, { block, by: whoOf(caller) });
      return {};
    },
    'computers.remove': async ({ name, ...how }, caller) => ({
      version: await lan().desk.remove(name, { ...how, by: whoOf(caller) }),
    }),
    ...roleHandlers(host),
    'computers.keys': async () => keysViewOf(lan()),
    'computers.replaceKeys': async ({ authority }, caller) => {
      const also = (await lan().keys.replace(authority))
        ? ' Programs on other computers need the new certificate, and join codes of before are void.'
        : '';
      host.trail.note({
        ...{ kind: 'cluster', subject: host.layouts.present.clusterName, by: 'person', who: whoOf(caller) },
        message: `The keys of the cluster were replaced.${also}`,
      });
      return keysViewOf(lan());
    },
    'computers.replaceOwnKey': async ({ name }, caller) => {
      const computer = name === undefined ? null : computerNamed(host.layouts.present, name);
      if (computer !== null && !host.ownComputers.has(computer.id)) {
        const input = { name: computer.id };
        const answer = lan().computers.call(computer.id, 'computers.replaceOwnKey', input, whoOf(caller));
        return (await answer) as OwnKeyView;
      }
      await lan().ownKey.replace(appliedBy(host, caller));
      return ownKeyViewOf(lan());
    },
    'network.found': async () =>
      host.lan === null ? [] : foundView(lan().discovery, host.layouts.present.clusterId),
    'network.doctor': async () => (host.lan === null ? [] : lan().discovery.reports()),
    'network.listen': async ({ on }, caller) => {
      if (on === (host.lan !== null)) return {};
      const others = host.layouts.present.computers.filter(({ id }) => !host.ownComputers.has(id));
      if (!on && others.length > 0) {
        throw new CoterieError(
          'conflict',
          'Other computers are in this cluster, and reach this one only while it takes connections. Take them out first.',
        );
      }
      await host.choose({ listens: on, ...(on ? {} : { clientsOpen: false }) });
      const words = on ? 'may connect to this one now.' : 'cannot connect to this one any more.';
      host.trail.note({
        ...{ kind: 'cluster', subject: 'network', message: `Other computers ${words}` },
        who: whoOf(caller),
      });
      return {};
    },
    'clients.view': async () => clientsViewOf(host),
    'clients.open': async ({ on, interfaces: named, only }, caller) => {
      const { isOpen, whyNot } = clientsViewOf(host);
      if (on && whyNot !== null) throw new CoterieError('conflict', whyNot);
      const present = isOpen ? host.settings.clientInterfaces : [];
      const places = { listen: host.settings.listen ?? '', interfaces: present };
      const open = interfacesAfter({ on, named, only }, places, presentInterfaces());
      const clientsOpen = open === null || open.length > 0;
      if (clientsOpen === isOpen && JSON.stringify(open) === JSON.stringify(present)) return {};
      await host.choose({ clientsOpen, clientInterfaces: clientsOpen ? open : null });
      const where = open === null ? '' : ` through ${listOf(open.map(plainLine))} alone`;
      const words = clientsOpen
        ? `may reach the data here now${where}, with a login.`
        : 'cannot reach the data here any more.';
      host.trail.note({
        ...{ kind: 'cluster', subject: 'network', message: `Programs on other computers ${words}` },
        who: whoOf(caller),
      });
      return {};
    },
    'join.ask': isMember,
    'join.cancel': isMember,
    'join.create': isMember,
  };
}

function ownKeyViewOf({ ownKey }: Lan): OwnKeyView {
  return { isUnderWay: ownKey.isUnderWay, waitsFor: ownKey.waitsFor };
}

function keysViewOf(lan: Lan): SharedKeysView {
  const { keys, authority } = lan;
  const { number } = keys.mark;
  return {
    number,
    replacedAtMs: number === 0 ? null : keys.madeAtMs,
    authority: certificateFingerprint(authority()).toString('hex'),
    own: ownKeyViewOf(lan),
  };
}
