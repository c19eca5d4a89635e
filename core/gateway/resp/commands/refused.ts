/** Commands of Redis that there will not be, each with its reason: "unknown command" would send people looking for a version that has it. */
import { type Command, defineCommand, needs, oneKey } from '../command.ts';
import { CommandError } from '../errors.ts';

function refuse(reason: string): Command['run'] {
  return () => {
    throw new CommandError(`ERR ${reason}`);
  };
}

const swapdb = refuse(
  'SWAPDB is not supported: keyspaces are on many nodes, which cannot change them all at one moment. Choose another with SELECT or CT.KEYSPACE.',
);
const sort = refuse('SORT is not supported: it sorts lists and sets, and there are only strings here.');

export const refusedCommands: readonly Command[] = [
  defineCommand('server', 'swapdb', 3, ['write', 'fast'], swapdb, {
    need: needs.administeringAll,
    kind: 'free',
  }),
  defineCommand('generic', 'sort', -2, ['write', 'denyoom'], sort, { keys: oneKey, kind: 'free' }),
  defineCommand('generic', 'sort_ro', -2, ['readonly'], sort, { keys: oneKey, kind: 'free' }),
];

/** Whoever asks which commands there are should not be told of these. */
export const refusedNames: readonly string[] = refusedCommands.map(({ name }) => name);
