/**
 * What the gateway knows of a command: name, arity, keys, how it may overlap with others, and the function that runs it.
 * The table finds one by its bytes without making a string of them.
 */
import { assert } from '../../base/assert.ts';
import type { AccessLevel } from '../../base/rights.ts';
import type { Purpose } from '../../ports/key-value-store.ts';
import type { Request } from './request.ts';

export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'fast'
  | 'loading'
  | 'stale'
  | 'noscript'
  | 'no_auth'
  | 'blocking';

/**
 * - key: exactly one key, argv[1]; goes to the key's coordinator; overlaps with commands on other keys.
 * - barrier: several keys, the whole keyspace, or a change of the session: alone on its connection.
 * - free: touches neither keys nor session; runs at once, its reply keeps its place.
 */
export type CommandKind = 'key' | 'barrier' | 'free';

/** What a user must be allowed (permissions.ts). */
export interface Need {
  readonly access: AccessLevel;
  /** Of which keyspaces, beside those that its words name: none, the one that the connection has selected, or all. */
  readonly keyspaces: 'none' | 'selected' | 'all';
}

export const needs = {
  /** Whoever is logged in: about the connection itself, or about what is no secret. */
  nothing: { access: 'none', keyspaces: 'none' },
  reading: { access: 'read', keyspaces: 'selected' },
  writing: { access: 'write', keyspaces: 'selected' },
  administering: { access: 'admin', keyspaces: 'none' },
  /** What one who may not use all keyspaces could otherwise widen, or empty, beyond its own. */
  administeringAll: { access: 'admin', keyspaces: 'all' },
} as const satisfies Record<string, Need>;

/** One part of a command that is a container of others, such as CLIENT LIST. */
export interface Subcommand {
  /** Number of words including container and subcommand; negative = at least. */
  readonly arity: number;
  /** Absent: what the container needs. */
  readonly need?: Need;
  readonly run: (request: Request) => void;
}

export type Subcommands = Readonly<Record<string, Subcommand>>;

export interface Command {
  readonly name: string;
  /** As in Redis: the number of words including the name; negative = at least. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly need: Need;
  /** By its second word, for a container; null: it is none. */
  readonly parts: Subcommands | null;
  /** Positions of keys, as in COMMAND INFO: 0 = none; lastKey -1 = to the end. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly keyStep: number;
  readonly kind: CommandKind;
  /** Read-modify-write: such commands on one key must meet on one node. A function where it depends on the options. */
  readonly exclusive: boolean | ((argv: readonly Buffer[]) => boolean);
  readonly group: string;
  /** For COMMAND DOCS: what it does, and since which version of Redis; null: its name says enough. */
  readonly summary: string | null;
  readonly since: string;
  /** Not for clients: a step of a command that spans several keys, between gateways only. */
  readonly internal: boolean;
  /** What a multi-key command is when it names one key: an ordinary command of kind `key`, which can overlap and travel. */
  readonly oneKeyForm: Command | null;
  /** Bytes by which the value may become larger than what is there and what is sent; null: by none. */
  readonly growth: ((argv: readonly Buffer[]) => number) | null;
  /** Bytes that it needs while it runs, where one key and its words do not say it (gateway.ts); null: they do. */
  readonly work: ((request: Request) => number) | null;
  readonly run: (request: Request) => void;
}

interface CommandDefaults {
  /** What its flags do not say. */
  readonly need?: Need;
  readonly parts?: Subcommands;
  readonly kind?: CommandKind;
  readonly exclusive?: Command['exclusive'];
  readonly keys?: readonly [number, number, number];
  readonly internal?: boolean;
  readonly oneKeyForm?: Command;
  readonly summary?: string;
  readonly since?: string;
  readonly growth?: (argv: readonly Buffer[]) => number;
  readonly work?: (request: Request) => number;
}

function needOf(flags: readonly CommandFlag[]): Need {
  if (flags.includes('no_auth')) return needs.nothing;
  if (flags.includes('admin')) return needs.administering;
  if (flags.includes('write')) return needs.writing;
  return flags.includes('readonly') ? needs.reading : needs.administering;
}

/** Defines a command; the kind follows from the keys, and what it needs from the flags, unless they are named. */
export function defineCommand(
  group: string,
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  run: Command['run'],
  more: CommandDefaults = {},
): Command {
  const keys = more.keys ?? [0, 0, 0];
  const kind = more.kind ?? (keys[0] === 1 && keys[1] === 1 ? 'key' : 'barrier');
  return {
    name,
    arity,
    flags,
    need: more.need ?? needOf(flags),
    parts: more.parts ?? null,
    firstKey: keys[0],
    lastKey: keys[1],
    keyStep: keys[2],
    kind,
    exclusive: more.exclusive ?? false,
    group,
    summary: more.summary ?? null,
    since: more.since ?? '1.0.0',
    internal: more.internal ?? false,
    oneKeyForm: more.oneKeyForm ?? null,
    growth: more.growth ?? null,
    work: more.work ?? null,
    run,
  };
}

export const oneKey = [1, 1, 1] as const;
export const allKeys = [1, -1, 1] as const;

interface Entry {
  readonly command: Command;
  readonly bytes: Buffer;
  readonly next: Entry | null;
}

const tableSize = 1_024;

function slotOfName(name: Uint8Array): number {
  let hash = name.length;
  for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + (name[index] | 0x20)) | 0;
  return (hash ^ (hash >>> 10)) & (tableSize - 1);
}

/** Upper and lower case letters are the same; `word` is lower case already. */
export function equalsIgnoringCase(bytes: Uint8Array, word: Uint8Array): boolean {
  if (bytes.length !== word.length) return false;
  for (let index = 0; index < word.length; index++) {
    const byte = bytes[index];
    if (byte === word[index]) continue;
    if (byte < 0x41 || byte > 0x5a || (byte | 0x20) !== word[index]) return false;
  }
  return true;
}

export class CommandTable {
  readonly commands: readonly Command[];
  private readonly slots: (Entry | null)[] = new Array(tableSize).fill(null);

  constructor(commands: readonly Command[]) {
    this.commands = commands;
    for (const command of commands) {
      const bytes = Buffer.from(command.name, 'latin1');
      assert(command.name === command.name.toLowerCase(), 'command names are kept in lower case');
      assert(this.find(bytes) === null, `command ${command.name} is defined once`);
      const slot = slotOfName(bytes);
      this.slots[slot] = { command, bytes, next: this.slots[slot] };
    }
  }

  /** Null for a name that is no command. */
  find(name: Uint8Array): Command | null {
    // No name is longer; a value in the place of a name should not cost a walk over it.
    if (name.length > 32) return null;
    for (let entry = this.slots[slotOfName(name)]; entry !== null; entry = entry.next) {
      if (equalsIgnoringCase(name, entry.bytes)) return entry.command;
    }
    return null;
  }
}

/** The second word of a container's command where it is one of its parts; else null. */
export function partNameOf({ parts }: Command, argv: readonly Buffer[]): string | null {
  if (parts === null || argv.length < 2 || argv[1].length > 32) return null;
  const name = argv[1].toString('latin1').toLowerCase();
  return Object.hasOwn(parts, name) ? name : null;
}

export function arityFits(command: Pick<Command, 'arity'>, wordCount: number): boolean {
  return command.arity >= 0 ? wordCount === command.arity : wordCount >= -command.arity;
}

/** Positions of the keys among `wordCount` words; a part of a container may have fewer (OBJECT HELP). */
export function keyPositions(command: Command, wordCount: number): number[] {
  const positions: number[] = [];
  if (command.firstKey === 0) return positions;
  const last = command.lastKey < 0 ? wordCount + command.lastKey : Math.min(command.lastKey, wordCount - 1);
  for (let index = command.firstKey; index <= last; index += command.keyStep) positions.push(index);
  return positions;
}

/** What a command wants with its key. */
export function purposeOf({ exclusive, flags }: Command, argv: readonly Buffer[]): Purpose {
  if (typeof exclusive === 'boolean' ? exclusive : exclusive(argv)) return 'read-modify-write';
  return flags.includes('write') ? 'write' : 'read';
}
