/**
 * The least role that a computer needs for each method of ClusterApi. The host decides by it, for its own page and command line and for
 * those of other computers, and the page shows by the same table what cannot be done. What programs do to the data over Redis and
 * HTTP is no method: it goes by users, whatever the role of a computer.
 */
import { type ComputerRole, computerRoles, isAtLeast } from '../base/roles.ts';
import type { MethodName } from './api.ts';

export { type ComputerRole, computerRoles };

/**
 * An operator keeps the cluster running, in ways that can be undone or cost no more than a repair. What it is made of, who may use it,
 * and what cannot be had back (accepting a loss) is an owner's.
 */
export const leastRoles: Readonly<Record<MethodName, ComputerRole>> = {
  'cluster.snapshot': 'viewer',
  'cluster.rename': 'owner',
  'cluster.without': 'viewer',

  'nodes.start': 'operator',
  'nodes.stop': 'operator',
  'nodes.restart': 'operator',
  'nodes.kill': 'operator',
  'nodes.pause': 'operator',
  'nodes.resume': 'operator',
  'nodes.acceptLoss': 'owner',

  'keyspaces.create': 'owner',
  'keyspaces.alter': 'owner',
  'keyspaces.preview': 'viewer',
  'keyspaces.drop': 'owner',

  'layout.show': 'viewer',
  'layout.stage': 'owner',
  'layout.settings': 'owner',
  'layout.unstage': 'owner',
  'layout.preview': 'viewer',
  'layout.apply': 'owner',
  'layout.revert': 'owner',
  'layout.history': 'viewer',

  'computer.standing': 'viewer',
  'computer.checkup': 'viewer',
  'computer.keyLock': 'viewer',
  'computer.lockKeys': 'owner',
  'computers.invite': 'owner',
  'computers.requests': 'viewer',
  'computers.approve': 'owner',
  'computers.refuse': 'owner',
  'computers.remove': 'owner',
  'computers.setRole': 'owner',
  // Whoever is left when the owners are gone. The host has its own conditions (core/host/computers/taking-over.ts).
  'computers.takeOwnership': 'viewer',
  'computers.keys': 'viewer',
  'computers.replaceKeys': 'owner',
  'computers.replaceOwnKey': 'owner',
  'network.found': 'viewer',
  'network.doctor': 'viewer',
  'network.listen': 'owner',
  'clients.view': 'viewer',
  'clients.open': 'owner',
  // Of a computer without a cluster: it has no role, and nobody else is asked.
  'join.ask': 'owner',
  'join.cancel': 'owner',
  'join.create': 'owner',

  'data.find': 'viewer',
  'data.put': 'operator',
  'data.delete': 'operator',
  'data.replicas': 'viewer',
  'data.list': 'viewer',

  'repairs.list': 'viewer',
  'repairs.run': 'operator',
  'repairs.pause': 'operator',
  'repairs.resume': 'operator',
  'repairs.cancel': 'operator',
  'repairs.retry': 'operator',
  'repairs.schedule': 'operator',
  'repairs.unschedule': 'operator',

  'access.view': 'viewer',
  'access.require': 'owner',
  'access.addUser': 'owner',
  'access.changeUser': 'owner',
  'access.renewPassword': 'owner',
  'access.tokens': 'viewer',
  'access.createToken': 'owner',
  'access.revokeToken': 'owner',
  'access.removeUser': 'owner',

  'sessions.list': 'viewer',
  'sessions.end': 'viewer',

  'activity.list': 'viewer',
};

/** What each may do, as the rest of a sentence that begins with the computer. */
export const roleWords: Readonly<Record<ComputerRole, string>> = {
  owner: 'may do everything',
  operator: 'may run the cluster, and not change what it is made of or who may use it',
  viewer: 'may look, and change nothing',
};

/** Where a computer of that role stands in words: "an operator". */
export const roleNames: Readonly<Record<ComputerRole, string>> = {
  owner: 'an owner',
  operator: 'an operator',
  viewer: 'a viewer',
};

/** Why a computer may not do that, with what to do; null: it may. `name`: of the computer; `isHere`: it is the one that is told. */
export function roleRefusal(
  method: MethodName,
  { role, name, isHere }: { role: ComputerRole; name: string; isHere: boolean },
): string | null {
  if (isAtLeast(role, leastRoles[method])) return null;
  const who = isHere ? 'This computer' : name;
  return `${who} ${roleWords[role]}. To change that, at an owner: coterie computer role ${asArgument(name)} owner`;
}

/** What helps once nobody is left who could say so. */
export function takeCommand(name: string): string {
  return `coterie computer role ${asArgument(name)} owner --take`;
}

/** A name as it is typed on a command line. */
function asArgument(name: string): string {
  return /^[\p{L}\p{N}._-]+$/u.test(name) ? name : `"${name}"`;
}
