/** How the command line says that something went wrong: one line, in the words of who typed the command, and an exit code. */
import { CommanderError } from 'commander';
import { type CoterieError, toCoterieError } from '../base/errors.ts';
import { plainJson, plainLine } from '../base/plain-text.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

export interface Report {
  readonly exitCode: number;
  /** For standard output, which programs read, or for people. Empty: nothing is to be said. */
  readonly text: string;
}

/** `hint`: where a usage error can be looked up. */
export function reportOf(cause: unknown, { json, hint }: { json: boolean; hint: string }): Report {
  if (cause instanceof CommanderError) {
    // Help and the version were asked for, and have been printed.
    if (cause.exitCode === 0) return { exitCode: exitCodes.done, text: '' };
    // No command was given: that has been answered with the help.
    if (cause.code === 'commander.help') return { exitCode: exitCodes.usage, text: '' };
    const said = cause.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    const message = `${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.?!)]$/.test(said) ? '' : '.'} ${hint}`;
    return { exitCode: exitCodes.usage, text: json ? asJson('bad-input', message) : plainLine(message) };
  }
  const error = toCoterieError(cause, 'internal');
  const message = inFlags(error);
  return { exitCode: exitCodeOf(error.code), text: json ? asJson(error.code, message) : plainLine(message) };
}

function asJson(code: string, message: string): string {
  return plainJson(JSON.stringify({ error: { code, message } }));
}

/** Where a flag or an argument is called otherwise than what becomes of it. */
const flags: Readonly<Record<string, string>> = {
  name: 'The name',
  key: 'The key',
  keyspace: '--keyspace',
  factors: '--factor',
  readLevel: '--read',
  writeLevel: '--write',
  defaultTimeToLiveMs: '--ttl',
  notifications: '--notify',
  expiresInSeconds: '--ttl',
  code: 'The join code',
};

/** What a change of the layout is made of: some of it is a flag for one command, and an argument for another. */
const changeWords: Readonly<Record<string, string>> = {
  node: 'The node',
  dataCenter: 'The data center',
  to: 'The new name',
  computer: 'The computer',
  weight: 'The weight',
  count: 'The count',
};

/** What the contract refuses begins with the field that it refuses: people know it by its flag. */
function inFlags({ code, message }: CoterieError): string {
  const match = code === 'bad-input' ? /^([a-z]\w*(?:\.\w+)*): (.*)$/s.exec(message) : null;
  if (match === null) return message;
  const [, path, problem] = match;
  const [field, ...rest] = path.split('.');
  const ofChange = field === 'changes' ? changeWords[rest.at(-1) ?? ''] : undefined;
  const known =
    ofChange ?? flags[field] ?? `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return `${known}: ${problem}`;
}
