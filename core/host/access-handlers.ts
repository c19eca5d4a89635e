/** The part of ClusterApi that says who may use the data: users, their passwords and tokens, and whether a login is required. */
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { rightsInWords } from '../contract/access-words.ts';
import { keyspaceNamed } from '../layout/layout.ts';
import type { Handlers, HostActions, NotePerson } from './api-handlers.ts';

type AccessMethod = Extract<keyof Handlers, `access.${string}`>;

export function accessHandlers(host: HostActions, byPerson: NotePerson): Pick<Handlers, AccessMethod> {
  return {
    'access.view': async () => host.access.view(),
    'access.require': async ({ required }, caller) => {
      if (!required && host.settings.clientsOpen) {
        throw new CoterieError(
          'conflict',
          'Programs on other computers may connect here, so a login stays required. Close that first: coterie clients close',
        );
      }
      await host.access.require(required);
      const words = required ? 'Programs must log in now.' : 'Programs need no login any more.';
      byPerson(caller, 'cluster', 'access', words);
      return {};
    },
    'access.addUser': async ({ name, ...rights }, caller) => {
      for (const keyspace of rights.keyspaces ?? []) keyspaceNamed(host.layouts.present, keyspace);
      const password = await host.access.add(name, rights);
      byPerson(caller, 'cluster', name, `The user ${name} was added. It ${rightsInWords(rights)}.`);
      return { name, password };
    },
    'access.changeUser': async ({ name, ...change }, caller) => {
      if (change.access === undefined && change.keyspaces === undefined)
        throw new CoterieError('bad-input', 'Say what the user may do, or in which keyspaces.');
      const { users } = host.access.view();
      // What it has may stay, although its keyspace is not there any more.
      const had = users.find((user) => user.name === name)?.keyspaces ?? [];
      for (const keyspace of change.keyspaces ?? [])
        if (!had.includes(keyspace)) keyspaceNamed(host.layouts.present, keyspace);
      const { access = null, keyspaces } = change;
      const rights = await host.access.set(name, { isNew: false, kept: null, access, keyspaces });
      byPerson(caller, 'cluster', name, `The user ${name} now ${rightsInWords(rights)}.`);
      return {};
    },
    'access.renewPassword': async ({ name }, caller) => {
      const password = await host.access.renew(name);
      byPerson(caller, 'cluster', name, `The user ${name} got a new password.`);
      return { name, password };
    },
    'access.removeUser': async ({ name }, caller) => {
      await host.access.remove(name);
      byPerson(caller, 'cluster', name, `The user ${name} was removed.`);
      return {};
    },
    'access.tokens': async () => host.access.tokens(),
    'access.createToken': async ({ user, ...wish }, caller) => {
      const made = await host.access.createToken(user, wish);
      byPerson(
        caller,
        'cluster',
        user,
        `A token ${inWords({ ...made, ...wish })} was made for the user ${user}.`,
      );
      return { ...made, user };
    },
    'access.revokeToken': async ({ id }, caller) => {
      const token = await host.access.revokeToken(id);
      byPerson(
        caller,
        'cluster',
        token.user,
        `The token ${inWords(token)} of the user ${token.user} was revoked.`,
      );
      return {};
    },
  };
}

function inWords({ id, name }: { readonly id: string; readonly name: string }): string {
  return name === '' ? id : `${id} (${plainLine(name)})`;
}
