/**
 * A client's command as others may be shown it: in the slow log and by MONITOR. What may be a password never is, nor is more than
 * a piece of anything long.
 */
import type { Command } from './command.ts';

const wordCountMax = 32;
const wordBytesMax = 128;
const redacted = Buffer.from('(redacted)', 'latin1');

/** From which word on; whole tails, for what is misspelled in front of a password should not show it. */
const secretsFrom: Readonly<Record<string, number>> = {
  auth: 1,
  hello: 2,
  acl: 2,
  'ct.host': 1,
  post: 1,
  'host:': 1,
};
const secretSetting = /pass|auth|key/i;

function firstSecret({ name }: Command, argv: readonly Buffer[]): number {
  // One that is refused may name a secret all the same: CONFIG SET requirepass.
  if (name === 'config' && argv.some((word) => secretSetting.test(word.toString('latin1', 0, 64)))) return 3;
  return secretsFrom[name] ?? Number.POSITIVE_INFINITY;
}

function shortened(word: Buffer): Buffer {
  if (word.length <= wordBytesMax) return Buffer.from(word);
  const rest = `... (${word.length - wordBytesMax} more bytes)`;
  return Buffer.concat([word.subarray(0, wordBytesMax), Buffer.from(rest, 'latin1')]);
}

/** Copies: the words themselves are slices of what may be large. */
export function shownWords(command: Command, argv: readonly Buffer[]): Buffer[] {
  const secret = firstSecret(command, argv);
  const isCut = argv.length > wordCountMax;
  const shown = argv
    .slice(0, isCut ? wordCountMax - 1 : argv.length)
    .map((word, index) => (index >= secret ? redacted : shortened(word)));
  if (isCut) shown.push(Buffer.from(`... (${argv.length - wordCountMax + 1} more arguments)`, 'latin1'));
  return shown;
}
