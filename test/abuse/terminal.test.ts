/**
 * Keys, values, names and errors that are commands for a terminal, shown by the command line on a real one (script(1); skipped, saying
 * so, where there is none): nothing that a terminal obeys arrives.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPlainLine } from '../../core/base/plain-text.ts';
import { RealCluster } from '../support/cluster.ts';

const program = join(process.env.COTERIE_ROOT ?? join(import.meta.dirname, '../..'), 'dist/cli.js');
const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eevil\rnode-1  up';
const cluster = new RealCluster();
let client: Redis;

beforeAll(async () => {
  await cluster.start('--nodes', '1');
  client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  await client.set(`key ${hostile}`, `value ${hostile}`);
  await client.set('plain', `value ${hostile}`);
  await client.call('CT.PUT', 'siblings', `one ${hostile}`);
  await client.call('CT.PUT', 'siblings', `two ${hostile}`);
});
afterAll(async () => {
  client?.disconnect();
  await cluster.dispose();
});

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** What a person would see, as the terminal gets it; standard error comes with it. */
function onTerminal(...words: string[]): Promise<string> {
  const line = [process.execPath, program, ...words, '--data', cluster.folder].map(quoted).join(' ');
  return new Promise((resolve) => {
    execFile('script', ['-qec', line, '/dev/null'], { encoding: 'utf8' }, (_, out) => resolve(out));
  });
}

const isThere = process.platform === 'linux' && existsSync('/usr/bin/script');

describe.skipIf(!isThere)(`on a terminal${isThere ? '' : ' (skipped: there is no script(1))'}`, () => {
  test.each([
    ['a value', ['get', 'plain'], /value \\u\{1b\}\]0;owned/],
    ['a value as JSON', ['get', 'plain', '--json'], /value \\u001b\]0;owned/],
    ['values of siblings', ['get', 'siblings'], /sibling 1: .*\\u\{1b\}[\s\S]*sibling 2: .*\\u\{1b\}/],
    ['the key of an error', ['get', `none ${hostile}`], /none \\u\{1b\}.* holds no value/],
    ['the key of an error as JSON', ['get', `none ${hostile}`, '--keyspace', 'none', '--json'], /error/],
    ['a keyspace that there is none of', ['get', 'plain', '--keyspace', hostile], /keyspace/],
    ['a name that is refused', ['keyspace', 'create', hostile], /[Nn]ame/],
    ['a command that there is none of', [hostile], /[Uu]nknown command/],
    ['an option that there is none of', ['get', 'plain', `--${hostile}`], /[Uu]nknown option/],
    ['where a key lives', ['replicas', 'default', `key ${hostile}`], /NODE/],
    ['what happened', ['status'], /node-1|home|NODE/],
  ] as const)('%s is shown by number', async (_, words, said) => {
    const shown = await onTerminal(...words);
    expect(shown).toMatch(said);
    // A terminal ends its lines itself.
    for (const line of shown.replaceAll('\r\n', '\n').split('\n')) {
      expect(isPlainLine(line), JSON.stringify(line)).toBe(true);
    }
  });
});
