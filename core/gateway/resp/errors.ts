/**
 * What clients are told when something goes wrong: Redis's own words for the mistakes that Redis knows, and the
 * mapping of the store's typed errors to RESP prefixes. Anything that is not a typed error is a bug of ours and is called
 * one: a client that is told that the cluster is down would wait for it to come back.
 */
import { CoterieError } from '../../base/errors.ts';
import type { AccessLevel, Rights } from '../../base/rights.ts';
import { accessWords, keyspacesInWords } from '../../contract/access-words.ts';

/** Too few replicas answered a node. */
export const noQuorum = 'NOQUORUM';

export const errorTexts = {
  syntax: 'ERR syntax error',
  notInteger: 'ERR value is not an integer or out of range',
  notFloat: 'ERR value is not a valid float',
  notPositive: 'ERR value is out of range, must be positive',
  noSuchKey: 'ERR no such key',
  sameObject: 'ERR source and destination objects are the same',
  databaseOutOfRange: 'ERR DB index is out of range',
  tooLong: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  offsetOutOfRange: 'ERR offset is out of range',
  overflow: 'ERR increment or decrement would overflow',
  decrementOverflow: 'ERR decrement would overflow',
  nanOrInfinity: 'ERR increment would produce NaN or Infinity',
  invalidCursor: 'ERR invalid cursor',
  noAuthentication: 'NOAUTH Authentication required.',
  wrongPassword: 'WRONGPASS invalid username-password pair or user is disabled.',
  helloBeforeLogin:
    'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
  passwordless:
    'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
  tooManyClients: 'ERR max number of clients reached',
  keyTooLong: 'ERR key exceeds maximum allowed size (65536 bytes)',
  timeoutNotInteger: 'ERR timeout is not an integer or out of range',
  timeoutNegative: 'ERR timeout is negative',
  internal: 'ERR internal error; it is logged',
  clientGone: 'ERR the client is gone',
  keyspaceDropped:
    'NOKEYSPACE The keyspace of this connection was dropped. Connect again and choose another.',
} as const;

/** The next step is the client's: what it asked for, or has asked for and not read, is more than there is room for. */
export const memoryShort =
  'BUSY This node has no memory left for this: too much is unfinished or unread. Ask for less at once, read the replies, then try again.';

/** RESP2 has no place for other replies beside messages. */
export function listeningOnly(commandName: string): string {
  return `ERR Can't execute '${commandName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
}

export function wrongArity(commandName: string): string {
  return `ERR wrong number of arguments for '${commandName}' command`;
}

export function invalidExpire(commandName: string): string {
  return `ERR invalid expire time in '${commandName}' command`;
}

/** Redis shows at most 128 bytes of the name and of the arguments. */
export function unknownCommand(argv: readonly Buffer[]): string {
  let shown = '';
  for (let index = 1; index < argv.length && shown.length < 128; index++) {
    shown += `'${argv[index].toString('utf8', 0, 128 - shown.length)}' `;
  }
  return `ERR unknown command '${argv[0].toString('utf8', 0, 128)}', with args beginning with: ${shown}`;
}

export function unknownSubcommand(container: string, subcommand: Buffer): string {
  return `ERR unknown subcommand '${subcommand.toString('utf8', 0, 128)}'. Try ${container.toUpperCase()} HELP.`;
}

/** A name that a client gave, short and on one line. */
const shownName = (name: string) => name.slice(0, 64);

/** Redis' words first: programs look for them. */
export function noPermission(user: string, commandName: string, access: AccessLevel): string {
  return `NOPERM User ${user} has no permissions to run the '${commandName}' command: it ${accessWords[access]}. A person can change that, in the app under Users or with: coterie user change ${user}`;
}

export function noPermissionForKeyspace(user: string, keyspace: string, rights: Rights): string {
  return `NOPERM No permissions to access a key: the user ${user} may not use the keyspace ${shownName(keyspace)}, but ${keyspacesInWords(rights)}. Choose one with SELECT or CT.KEYSPACE, or have a person change that: coterie user change ${user}`;
}

export function noPermissionForAll(user: string, commandName: string): string {
  return `NOPERM User ${user} has no permissions to run the '${commandName}' command: it is about all keyspaces, and this user may not use all. A person can change that, in the app under Users or with: coterie user change ${user}`;
}

/**
 * A mistake found while a write is being decided. It travels through the store as an ordinary typed error, so its
 * message is the whole reply, prefix included.
 */
export class CommandError extends CoterieError {
  constructor(reply: string) {
    super('bad-input', reply);
    this.name = 'CommandError';
  }
}

/** The session's keyspace is gone; one of the same name is another. Its client is told so and disconnected. */
export class KeyspaceDropped extends CommandError {
  constructor() {
    super(errorTexts.keyspaceDropped);
  }
}

/** The error reply for anything that the store or a handler reports, without the leading minus. */
export function errorReply(error: unknown): string {
  if (error instanceof CommandError) return error.message;
  if (!(error instanceof CoterieError)) return errorTexts.internal;
  switch (error.code) {
    case 'internal':
      return errorTexts.internal;
    case 'quorum-not-met':
      return `${noQuorum} ${error.message}`;
    case 'unavailable':
    case 'not-ready':
    case 'moved':
      return `CLUSTERDOWN ${error.message}`;
    case 'busy':
      return `BUSY ${error.message}`;
    case 'disk-full':
    case 'disk-failed':
      return `MISCONF ${error.message}`;
    case 'too-many-siblings':
      return `SIBLINGS ${error.message}`;
    case 'unauthorized':
    case 'forbidden':
      return `NOPERM ${error.message}`;
    default:
      return `ERR ${error.message}`;
  }
}
