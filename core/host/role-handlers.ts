/** The part of ClusterApi that says what computers may do: a change of the layout, which every computer tells of. */
import { CoterieError } from '../base/errors.ts';
import { plainLine } from '../base/plain-text.ts';
import { roleNames, roleWords } from '../contract/roles.ts';
import { computerNamed } from '../layout/changes.ts';
import type { Layout } from '../layout/layout.ts';
import { roleIn, setRole } from '../layout/roles.ts';
import type { Handlers, HostActions } from './api-handlers.ts';
import { type Caller, whoOf } from './caller.ts';
import { roleHere } from './computers/computer-roles.ts';
import { whyNotTake } from './computers/taking-over.ts';
import { appliedBy } from './layout-handlers.ts';

type RoleMethod = 'computers.setRole' | 'computers.takeOwnership';

export function roleHandlers(host: HostActions): Pick<Handlers, RoleMethod> {
  const { layouts, ownComputers: own } = host;
  const decide = async (
    edit: (layout: Layout, digest: string) => Layout,
    what: string,
    caller: Caller,
    severity: 'info' | 'warning' = 'info',
  ) => {
    await host.staging.decide(edit, what, appliedBy(host, caller));
    const subject = layouts.present.clusterName;
    host.trail.note({ kind: 'cluster', subject, message: `${what}.`, who: whoOf(caller), severity });
    return { version: layouts.present.version };
  };

  return {
    'computers.setRole': async ({ name, role }, caller) => {
      const computer = computerNamed(layouts.present, name);
      const { id } = computer;
      if (roleIn(layouts.present, computer) === role) return { version: layouts.present.version };
      const what = `${plainLine(computer.name)} is ${roleNames[role]} now: it ${roleWords[role]}`;
      return decide((layout, digest) => setRole(layout, digest, id, role), what, caller);
    },
    'computers.takeOwnership': async ({ name }, caller) => {
      const self = computerNamed(layouts.present, name);
      if (caller.from !== undefined || !own.has(self.id)) {
        throw new CoterieError('bad-input', 'A computer can take this over for itself alone: ask at it.');
      }
      const { computers } = layouts.present;
      const owners = computers
        .filter((one) => !own.has(one.id) && roleIn(layouts.present, one) === 'owner')
        .map((one) => ({ name: plainLine(one.name), silentMs: host.lan?.computers.silentMs(one.id) ?? 0 }));
      const refusal = whyNotTake(roleHere(layouts, own), owners);
      if (refusal !== null) throw new CoterieError('conflict', refusal);
      const what = `${plainLine(self.name)} made itself an owner: no owner had been heard of for an hour`;
      return decide((layout, digest) => setRole(layout, digest, self.id, 'owner'), what, caller, 'warning');
    },
  };
}
