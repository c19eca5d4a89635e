/** What every command gets: the running host, and how its answer is shown. */
import { InvalidArgumentError, Option } from 'commander';
import { consistencyLevels } from '../base/levels.ts';
import type { ControlClient } from './control-client.ts';
import type { Output } from './output.ts';

export interface CommandContext {
  client(): ControlClient;
  /** The data folder. */
  folder(): string;
  output(): Output;
  /** Of a command that has said what it found, and ends with another code than 0 for it. */
  endWith(exitCode: number): void;
  readStandardInput(): Promise<Buffer>;
}

/** An option that takes a consistency level, in any case of letters. */
export const level = (flags: string, text: string) =>
  new Option(flags, text).choices([...consistencyLevels]).argParser(upper);

function upper(text: string): string {
  const found = consistencyLevels.find((candidate) => candidate === text.toUpperCase());
  if (found === undefined) throw new InvalidArgumentError(`Use one of ${consistencyLevels.join(', ')}.`);
  return found;
}

export function parseNodeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 16) {
    throw new InvalidArgumentError('One computer hosts 1 to 16 nodes.');
  }
  return count;
}
