/** What the computer at which somebody asks may do here: this one by its role in the present layouts, another one by that of its key. */
import type { ComputerRole } from '../../base/roles.ts';
import { roleRefusal } from '../../contract/roles.ts';
import type { LayoutComputer } from '../../layout/layout.ts';
import { roleAmong } from '../../layout/roles.ts';
import type { HostActions } from '../api-handlers.ts';
import type { LayoutService } from '../layouts/layout-service.ts';
import { selfIn } from '../own-computers.ts';

export function mayNotBy(layouts: LayoutService, own: ReadonlySet<string>): HostActions['mayNot'] {
  return (method, { from, role }) => {
    if (from !== undefined) return roleRefusal(method, { role: role ?? 'viewer', name: from, isHere: false });
    const { name } = selfIn(layouts.present, own);
    return roleRefusal(method, { role: roleHere(layouts, own), name, isHere: true });
  };
}

export function roleHere(layouts: LayoutService, own: ReadonlySet<string>): ComputerRole {
  // One that was taken out is bound by no role any more: nobody else goes by what it does.
  return roleNow(layouts, ({ id }) => own.has(id)) ?? 'owner';
}

/** Null: no such computer is let in any more. */
export function roleNow(
  { live }: LayoutService,
  isIt: (computer: LayoutComputer) => boolean,
): ComputerRole | null {
  return roleAmong(
    live.map(({ layout }) => layout),
    isIt,
  );
}
