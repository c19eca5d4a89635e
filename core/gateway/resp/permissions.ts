/**
 * Whether a user may run a command. Asked once per command, at the node that the client speaks to, and only of those who may
 * not do everything (identity.ts): for all others it costs one look at a flag. What a command asks for stands in the table
 * (command.ts); one that says nothing is for administering, so that nothing is open because somebody forgot to say it.
 */
import { mayUseKeyspace, type Rights, reaches } from '../../base/rights.ts';
import type { KeyspaceView } from '../../ports/key-value-store.ts';
import { lowerText } from './arguments.ts';
import { type Command, type Need, partNameOf } from './command.ts';
import { CommandError, noPermission, noPermissionForAll, noPermissionForKeyspace } from './errors.ts';
import type { ClientIdentity } from './identity.ts';
import type { Request } from './request.ts';

const nothing: Need = { access: 'none', keyspaces: 'none' };

/** What this call needs, and how Redis would name it. */
function needOf(command: Command, argv: readonly Buffer[]): { need: Need; name: string } {
  const { parts, name } = command;
  if (parts === null || argv.length < 2) return { need: command.need, name };
  if (argv.length === 2 && lowerText(argv[1]) === 'help') return { need: nothing, name };
  const part = partNameOf(command, argv);
  if (part === null) return { need: command.need, name };
  return { need: parts[part].need ?? command.need, name: `${name}|${part}` };
}

/** Throws what the client is to be told when it may not. */
export function checkPermission(request: Request, identity: ClientIdentity): void {
  const { rights, user } = identity;
  const { need, name } = needOf(request.command!, request.argv);
  if (!reaches(rights.access, need.access)) throw new CommandError(noPermission(user, name, rights.access));
  if (need.keyspaces === 'all' && rights.keyspaces !== null)
    throw new CommandError(noPermissionForAll(user, name));
  if (need.keyspaces === 'selected') checkKeyspace(request, request.session.keyspace);
}

/** Messages go across keyspaces. */
export function mayHearAll(rights: Rights): boolean {
  return rights.keyspaces === null && reaches(rights.access, 'read');
}

/** For a keyspace that the words of a command name, or of which it would tell. */
export function mayUse(request: Request, { name }: KeyspaceView): boolean {
  const identity = request.root.sink.client?.identity;
  return identity === undefined || !identity.isLimited || mayUseKeyspace(identity.rights, name);
}

export function checkKeyspace(request: Request, keyspace: KeyspaceView): void {
  if (mayUse(request, keyspace)) return;
  const { user, rights } = request.root.sink.client!.identity;
  throw new CommandError(noPermissionForKeyspace(user, keyspace.name, rights));
}
