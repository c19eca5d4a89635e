/**
 * ACL: who there is, as Redis tells it. Every user may do everything, so rules are never longer than that. Users are made and removed
 * by people (coterie user), not over this port: a program that may read would otherwise let in whom it likes, and stay when it is shut out.
 */
import { lowerText, readInteger } from '../arguments.ts';
import { type Command, type CommandFlag, needs, type Subcommands } from '../command.ts';
import { CommandError } from '../errors.ts';
import { defaultUser } from '../identity.ts';
import type { Request } from '../request.ts';
import { defineContainer } from './subcommands.ts';

const generatedBitsMax = 4_096;
const generatedBitsDefault = 256;

/** Redis' categories, as far as the flags of commands tell them. */
const categories: Readonly<Record<string, (flags: readonly CommandFlag[]) => boolean>> = {
  read: (flags) => flags.includes('readonly'),
  write: (flags) => flags.includes('write'),
  fast: (flags) => flags.includes('fast'),
  slow: (flags) => !flags.includes('fast'),
  admin: (flags) => flags.includes('admin'),
};

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

/** Digests of passwords are shown to nobody. */
function list(request: Request): void {
  answerTexts(
    request,
    usersOf(request).map((user) => `user ${user} ${flagsOf(request, user).join(' ')} ~* &* +@all`),
  );
}

function getUser(request: Request): void {
  const user = request.argv[2].toString('utf8');
  if (!usersOf(request).includes(user)) {
    request.nil();
    return;
  }
  const flags = flagsOf(request, user);
  const encoder = request.begin();
  encoder.map(6);
  encoder.text('flags');
  encoder.set(flags.length);
  for (const flag of flags) encoder.text(flag);
  encoder.text('passwords');
  encoder.array(0);
  for (const [field, value] of [
    ['commands', '+@all'],
    ['keys', '~*'],
    ['channels', '&*'],
  ]) {
    encoder.text(field);
    encoder.text(value);
  }
  encoder.text('selectors');
  encoder.array(0);
  request.end();
}

function categoriesOf(request: Request): void {
  const { argv, gateway } = request;
  if (argv.length === 2) {
    answerTexts(request, Object.keys(categories));
    return;
  }
  const wanted = lowerText(argv[2]);
  if (!Object.hasOwn(categories, wanted))
    throw new CommandError(`ERR Unknown category '${wanted.slice(0, 64)}'`);
  const found = gateway.table.commands.filter(
    ({ flags, internal }) => !internal && categories[wanted](flags),
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

function refuseChange(words: string): () => never {
  return () => {
    throw new CommandError(`ERR ${words}`);
  };
}

const refuseSet = refuseChange(
  'users are not made or changed by programs. A person does it, in the app under Users or with: coterie user add NAME, coterie user password NAME. Every user may read and write all keys',
);
const refuseDelete = refuseChange(
  'users are not removed by programs. A person does it, in the app under Users or with: coterie user remove NAME',
);
const refuseFile = refuseChange(
  'there is no ACL file. Users are kept by Coterie itself, the same at every computer of the cluster',
);

const subcommands: Subcommands = {
  whoami: {
    arity: 2,
    need: needs.nothing,
    run: (request) => request.text(request.sink.client!.identity.user),
  },
  users: { arity: 2, run: (request) => answerTexts(request, usersOf(request)) },
  list: { arity: 2, run: list },
  getuser: { arity: 3, run: getUser },
  cat: { arity: -2, need: needs.nothing, run: categoriesOf },
  genpass: { arity: -2, need: needs.nothing, run: generatePassword },
  setuser: { arity: -3, need: needs.administeringAll, run: refuseSet },
  deluser: { arity: -3, need: needs.administeringAll, run: refuseDelete },
  load: { arity: 2, run: refuseFile },
  save: { arity: 2, run: refuseFile },
};

export const aclCommands: readonly Command[] = [
  defineContainer({ group: 'server', name: 'acl', arity: -2 }, ['admin', 'noscript', 'stale'], subcommands),
];
