/** Many real processes want one folder at the same moment, whatever an earlier owner has left in it: one gets it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleProgram } from '../support/bundle-program.ts';

const contenderCount = 6;
const roundCount = 120;

interface Contender {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: AsyncIterator<string>;
  readonly reader: Interface;
}

let folder: string;
let contenders: Contender[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-contenders-'));
  const source = join(import.meta.dirname, '../support/lock-contender.ts');
  const program = await bundleProgram(source, join(folder, 'program'));
  contenders = Array.from({ length: contenderCount }, () => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const reader = createInterface({ input: child.stdout });
    return { child, reader, lines: reader[Symbol.asyncIterator]() };
  });
});

afterAll(() => {
  for (const { child, reader } of contenders) {
    reader.close();
    child.kill('SIGKILL');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** What stands in the folder before the contenders come. */
const leftovers: Readonly<Record<string, (path: string) => void>> = {
  'nothing is left': () => {},
  'the owner is gone': (path) =>
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 - 1, startedAt: '1', what: 'gone', id: 'a' })),
  'the owner’s number belongs to another program': (path) =>
    writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: 'long ago', what: 'gone', id: 'a' })),
  'the lock was cut short': (path) => {
    writeFileSync(path, '{"pid":');
    utimesSync(path, new Date(0), new Date(0));
  },
};

test.each(Object.entries(leftovers))('one of many starters gets the folder when %s', async (name, leave) => {
  for (let round = 0; round < roundCount; round++) {
    const wanted = join(folder, `${name} ${round}`);
    mkdirSync(wanted);
    leave(join(wanted, 'owner.lock'));
    const line = `${JSON.stringify({ atMs: Date.now() + 8, folder: wanted })}\n`;
    for (const { child } of contenders) child.stdin.write(line);
    const answers = await Promise.all(
      contenders.map(async ({ lines }) => JSON.parse((await lines.next()).value) as string),
    );
    expect({ round, winners: answers.filter((answer) => answer === 'won').length, answers }).toMatchObject({
      winners: 1,
    });
  }
});
