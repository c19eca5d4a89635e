/** How the command line ends when something is wrong: one kind, one code, in the words of who typed. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CoterieError, errorCodes } from '../../../core/base/errors.ts';
import { isPlainLine } from '../../../core/base/plain-text.ts';
import { exitCodeOf } from '../../../core/cli/exit-codes.ts';
import { as, parseFactors, wholeSeconds } from '../../../core/cli/parsing.ts';
import { reportOf } from '../../../core/cli/report-error.ts';
import { name } from '../../../core/contract/names.ts';

const hint = 'See: coterie help';
const hostile = '\u001b]0;owned\u0007\u009b2J\u202e\r\nnode-1  up';

function ran(...words: string[]): unknown {
  const program = new Command('coterie')
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  program
    .command('put <key>')
    .option('--ttl <seconds>', 'seconds', wholeSeconds(1))
    .option('--factor <n>', 'factor', parseFactors)
    .option('--name <name>', 'name', as(name))
    .action(() => {});
  try {
    program.parse(words, { from: 'user' });
    return null;
  } catch (cause) {
    return cause;
  }
}

describe('what is reported', () => {
  it('has one exit code for each kind, with and without --json', () => {
    const codes = new Map<string, number>(errorCodes.map((code) => [code, exitCodeOf(code)]));
    expect(codes.get('bad-input')).toBe(2);
    expect(codes.get('not-found')).toBe(3);
    expect(codes.get('unavailable')).toBe(4);
    expect(codes.get('conflict')).toBe(1);
    for (const code of errorCodes) {
      const cause = new CoterieError(code, 'It did not work.');
      const [plain, json] = [false, true].map((asked) => reportOf(cause, { json: asked, hint }));
      expect(plain.exitCode).toBe(json.exitCode);
      expect(plain.exitCode).toBeGreaterThan(0);
      expect(JSON.parse(json.text)).toEqual({ error: { code, message: 'It did not work.' } });
    }
  });

  it.each([
    ['changes.0.dataCenter: Use letters.', 'The data center: Use letters.'],
    ['changes.3.to: Use letters.', 'The new name: Use letters.'],
    ['dataCenter: Use letters.', '--data-center: Use letters.'],
    ['factors.office: Use a number.', '--factor: Use a number.'],
  ])('is said in the words of who typed it: %s', (told, said) => {
    expect(reportOf(new CoterieError('bad-input', told), { json: false, hint }).text).toBe(said);
  });

  it.each([
    ['an error of ours', new CoterieError('not-found', hostile)],
    ['a mistake', new TypeError(hostile)],
    ['a refused field', new CoterieError('bad-input', `key: ${hostile}`)],
    ['a command that there is none of', ran(hostile)],
    ['an option that there is none of', ran('put', 'a', `--${hostile}`)],
  ])('is nothing that a terminal obeys, whatever is in it: %s', (_, cause) => {
    for (const json of [false, true]) {
      const { text } = reportOf(cause, { json, hint });
      expect(text).not.toBe('');
      expect(isPlainLine(text)).toBe(true);
    }
  });

  it.each([
    [['put', 'a', '--ttl', 'abc'], /--ttl .* whole seconds from 1 on, such as 30/],
    [['put', 'a', '--ttl', '-5'], /--ttl .* whole seconds/],
    [['put', 'a', '--ttl', '1.5'], /--ttl .* whole seconds/],
    [['put', 'a', '--factor', 'office=2,office=3'], /office is named twice/],
    [['put', 'a', '--factor', '=3'], /one per data center: office=3/],
    [['put', 'a', '--name', ''], /--name .* Use letters/],
    [['put'], /[Mm]issing required argument 'key'/],
    [['nosuch'], /[Uu]nknown command 'nosuch'/],
  ])('%j is a usage error that names the flag, and gives an example', (words, said) => {
    const { exitCode, text } = reportOf(ran(...words), { json: false, hint });
    expect(exitCode).toBe(2);
    expect(text).toMatch(said);
    expect(text).not.toMatch(/\n|Invalid input|expected number/);
  });

  it('is nothing for help, and usage where no command was given', () => {
    expect(reportOf(ran('--help'), { json: false, hint })).toEqual({ exitCode: 0, text: '' });
    expect(reportOf(ran(), { json: false, hint })).toEqual({ exitCode: 2, text: '' });
  });

  it('calls a field by its flag where the host has refused it', () => {
    const of = (message: string) =>
      reportOf(new CoterieError('bad-input', message), { json: false, hint }).text;
    expect(of('readLevel: Use one of ONE, QUORUM.')).toBe('--read: Use one of ONE, QUORUM.');
    expect(of('dataCenter: Use letters.')).toBe('--data-center: Use letters.');
    expect(of('Give office: it has no nodes.')).toBe('Give office: it has no nodes.');
  });
});
