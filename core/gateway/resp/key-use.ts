/** What commands do with their keys, in Redis' words: key specifications of COMMAND INFO, flags of COMMAND GETKEYSANDFLAGS. */
import { isWord, word } from './arguments.ts';
import { type Command, keyPositions } from './command.ts';

export interface KeyUse {
  readonly flags: readonly string[];
  /** Null: the flags say it all. */
  readonly notes: string | null;
  /** Position of the first key, and of the last as seen from it; negative: from the end. */
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const reading = 'RO access';
const changing = 'RW access update';

/** By flags, the commands that are not as most that read or write are; two flags: the first key's and the others'. */
const named: Readonly<Record<string, readonly string[]>> = {
  RO: ['strlen', 'exists', 'touch', 'type', 'watch', 'object', 'memory', 'ct.replicas'],
  'OW update': ['setex', 'psetex', 'mset'],
  'OW insert': ['setnx', 'msetnx'],
  'RW insert': ['append'],
  'RW update': ['setrange', 'expire', 'pexpire', 'expireat', 'pexpireat', 'persist'],
  'RW access delete': ['getdel'],
  'RM delete': ['del', 'unlink', 'ct.del'],
  [`${changing} variable_flags`]: ['set', 'bitfield'],
  'RW access delete,OW update': ['rename'],
  'RW access delete,OW insert': ['renamenx'],
  [`${reading},OW update`]: ['copy'],
  [`OW update,${reading}`]: ['bitop'],
};
const flagsByName = new Map(
  Object.entries(named).flatMap(([flags, names]) => names.map((name) => [name, flags.split(',')] as const)),
);
const notesByName: Readonly<Record<string, string>> = {
  set: 'RW and ACCESS due to the optional `GET` argument',
  getex: 'RW and UPDATE because it changes the TTL',
  bitfield: 'This command allows both access and modification of the key',
};

/** None for a command without keys. */
export function keyUsesOf({ name, flags, firstKey, lastKey, keyStep }: Command): KeyUse[] {
  if (firstKey === 0) return [];
  const usual = flags.includes('write') ? changing : reading;
  const [first, others] = (flagsByName.get(name) ?? [usual]).map((each) => each.split(' '));
  const notes = notesByName[name] ?? null;
  const behind = (from: number): number => (lastKey < 0 ? lastKey : lastKey - from);
  if (others === undefined) {
    return [{ flags: first, notes, first: firstKey, last: behind(firstKey), step: keyStep }];
  }
  return [
    { flags: first, notes, first: firstKey, last: 0, step: 1 },
    { flags: others, notes, first: firstKey + 1, last: behind(firstKey + 1), step: keyStep },
  ];
}

const wordGet = word('get');
const writing = [word('set'), word('incrby')];

/** The keys among the words of a command, and what this one does with each. */
export function keysUsedBy(
  command: Command,
  words: readonly Buffer[],
): { key: Buffer; flags: readonly string[] }[] {
  const uses = keyUsesOf(command);
  const options = words.slice(command.name === 'set' ? 3 : 2);
  return keyPositions(command, words.length).map((position, index) => {
    let { flags } = uses[Math.min(index, uses.length - 1)];
    if (flags.includes('variable_flags')) {
      const isRead = command.name === 'bitfield' || options.some((option) => isWord(option, wordGet));
      const isWritten =
        command.name === 'set' || options.some((option) => writing.some((each) => isWord(option, each)));
      flags = (isRead && isWritten ? changing : isWritten ? 'OW update' : reading).split(' ');
    }
    return { key: words[position], flags };
  });
}
