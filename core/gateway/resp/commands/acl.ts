/**
 * ACL: who there is and what they may do, as Redis tells it (acl-rules.ts), and the changes that a program may ask for. Those are made by
 * the host, which spreads them and notes who asked. Only a user who logged in may ask: where none has to, any program could otherwise
 * make itself one that stays when a login is required later.
 */
import { fullRights } from '../../../base/rights.ts';
import type { UserChanges } from '../../../ports/user-changes.ts';
import { aclHelp, aclWordsMax, commandsInAcl, keyspacesInAcl, rightsInAcl, wishOf } from '../acl-rules.ts';
import { lowerText, readInteger } from '../arguments.ts';
import { categoryNames, isCategory, isInCategory } from '../categories.ts';
import { type Command, needs, type Subcommands } from '../command.ts';
import { CommandError } from '../errors.ts';
import { defaultUser } from '../identity.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

const generatedBitsMax = 4_096;
const generatedBitsDefault = 256;

/** Whoever has not said who it is may do everything, unless a login is required. */
function isOpenToAll({ gateway, session }: Request): boolean {
  return !gateway.logins.required && session.networkHost === null;
}

function usersOf({ gateway }: Request): readonly string[] {
  const { users } = gateway.logins;
  return users.includes(defaultUser) ? users : [defaultUser, ...users];
}

/** `on`, or what keeps it out. */
function flagsOf(request: Request, user: string): readonly string[] {
  if (request.gateway.logins.users.includes(user)) return ['on'];
  return isOpenToAll(request) ? ['on', 'nopass'] : ['off'];
}

function answerTexts(request: Request, texts: readonly string[]): void {
  const encoder = request.begin();
  encoder.array(texts.length);
  for (const text of texts) encoder.text(text);
  request.end();
}

/** Whoever is no user in our sense may do everything, where it may come in at all. */
const rightsOf = ({ gateway }: Request, user: string) => gateway.logins.rightsOf(user) ?? fullRights;

/** Digests of passwords are shown to nobody. */
function list(request: Request): void {
  answerTexts(
    request,
    usersOf(request).map(
      (user) => `user ${user} ${flagsOf(request, user).join(' ')} ${rightsInAcl(rightsOf(request, user))}`,
    ),
  );
}

function getUser(request: Request): void {
  const user = request.argv[2].toString('utf8');
  if (!usersOf(request).includes(user)) {
    request.nil();
    return;
  }
  const flags = flagsOf(request, user);
  const rights = rightsOf(request, user);
  const encoder = request.begin();
  encoder.map(7);
  encoder.text('flags');
  encoder.set(flags.length);
  for (const flag of flags) encoder.text(flag);
  encoder.text('passwords');
  encoder.array(0);
  for (const [field, value] of [
    ['commands', commandsInAcl(rights)],
    ['keys', '~*'],
    ['channels', '&*'],
  ]) {
    encoder.text(field);
    encoder.text(value);
  }
  encoder.text('selectors');
  encoder.array(0);
  encoder.text('databases');
  encoder.text(keyspacesInAcl(rights));
  request.end();
}

function cat(request: Request): void {
  const { argv, gateway } = request;
  if (argv.length === 2) {
    answerTexts(request, categoryNames);
    return;
  }
  const wanted = lowerText(argv[2]);
  if (!isCategory(wanted)) throw new CommandError(`ERR Unknown category '${wanted.slice(0, 64)}'`);
  const found = gateway.table.commands.filter(
    (command) => !command.internal && isInCategory(command, wanted),
  );
  answerTexts(
    request,
    found.map(({ name }) => name),
  );
}

function generatePassword(request: Request): void {
  const { argv, gateway } = request;
  const bits = argv.length > 2 ? Number(readInteger(argv[2])) : generatedBitsDefault;
  if (bits < 1 || bits > generatedBitsMax) {
    throw new CommandError(
      `ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to ${generatedBitsMax}`,
    );
  }
  const digits = Math.ceil(bits / 4);
  const hex = Buffer.from(gateway.random.bytes(Math.ceil(digits / 2))).toString('hex');
  request.text(hex.slice(0, digits));
}

/** The user who asks, and where it can ask. */
function changesBy({ gateway, sink }: Request): { by: string; changes: UserChanges } {
  const { identity } = sink.client!;
  if (!identity.isUser) {
    throw new CommandError(
      'NOPERM users are changed by a user who may administer: log in first with AUTH name password. A person makes the first one with: coterie user add NAME --access admin',
    );
  }
  if (gateway.userChanges === null) throw new CommandError('ERR users are not changed here');
  return { by: identity.user, changes: gateway.userChanges };
}

function setUser(request: Request): void {
  const { argv, gateway } = request;
  const { by, changes } = changesBy(request);
  if (argv.length > aclWordsMax) throw new CommandError(`ERR at most ${aclWordsMax} words are taken at once`);
  const name = argv[2].toString('utf8');
  const before = gateway.logins.rightsOf(name);
  const wish = wishOf(name, argv.slice(3), { before, keyspaces: gateway.store.keyspaces() });
  changes.set(
    by,
    wish,
    request.onAnswer(() => request.ok()),
  );
}

function deleteUser(request: Request): void {
  const { argv } = request;
  const { by, changes } = changesBy(request);
  if (argv.length > aclWordsMax) throw new CommandError(`ERR at most ${aclWordsMax} words are taken at once`);
  const names = new Set(argv.slice(2).map((bytes) => bytes.toString('utf8')));
  changes.remove(
    by,
    [...names],
    request.onAnswer((count: number) => request.integer(count)),
  );
}

function refuseFile(): never {
  throw new CommandError(
    'ERR there is no ACL file. Users are kept by Coterie itself, the same at every computer of the cluster',
  );
}

function help(request: Request): void {
  answerTexts(request, ['ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:', ...aclHelp, 'HELP']);
}

const subcommands: Subcommands = {
  whoami: {
    arity: 2,
    need: needs.nothing,
    run: (request) => request.text(request.sink.client!.identity.user),
  },
  users: { arity: 2, run: (request) => answerTexts(request, usersOf(request)) },
  list: { arity: 2, run: list },
  getuser: { arity: 3, run: getUser },
  cat: { arity: -2, need: needs.nothing, run: cat },
  genpass: { arity: -2, need: needs.nothing, run: generatePassword },
  setuser: { arity: -3, need: needs.administeringAll, run: setUser },
  deluser: { arity: -3, need: needs.administeringAll, run: deleteUser },
  help: { arity: 2, need: needs.nothing, run: help },
  load: { arity: 2, run: refuseFile },
  save: { arity: 2, run: refuseFile },
};

export const aclCommands: readonly Command[] = [
  defineContainer({ group: 'server', name: 'acl', arity: -2 }, ['admin', 'noscript', 'stale'], subcommands),
];
