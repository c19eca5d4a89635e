/**
 * The inputs that fuzzing has kept, run again, and some fresh ones beside them. No reader may do anything but take an input or refuse it
 * as it says it does; `npm run fuzz` looks for more.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusCountMax, corpusFolder, readCorpus } from '../support/fuzz/corpus.ts';
import { Fuzzer } from '../support/fuzz/fuzzer.ts';
import { runInput } from '../support/fuzz/target.ts';
import { targets } from '../support/fuzz/targets.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { seed } from '../support/seeds.ts';

const root = join(import.meta.dirname, '../..');
/** Of each target: all of them together take two seconds. */
const freshRuns = 100;
const refusal = /^(refused|no JSON|none|[a-z]+(-[a-z]+)*: )/;

describe.each(targets.map((target) => [target.name, target] as const))('%s', (name, target) => {
  it('takes what its encoder makes', async () => {
    expect(await runInput(target, target.seeds[0])).not.toMatch(refusal);
  });

  it('does with every input of the corpus what it may', async () => {
    const kept = readCorpus(corpusFolder(root, name));
    expect(kept.length).toBeLessThanOrEqual(corpusCountMax);
    for (const { name: file, bytes } of kept) {
      await runInput(target, bytes).catch((cause: Error) => {
        throw new Error(`test/fuzz/corpus/${name}/${file}: ${cause.message}`, { cause });
      });
    }
  });

  it('does with fresh inputs what it may', async () => {
    const { crash } = await new Fuzzer(target, new SeededRandom(seed)).run([], (runs) => runs >= freshRuns);
    const input = crash?.input.toString('base64');
    expect(crash?.cause, `COTERIE_SEED=${seed}, with ${input} (base64)`).toBeUndefined();
  });
});

describe('the list of targets', () => {
  it('has names of its own for all, and a corpus for no others', () => {
    const names = targets.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(readdirSync(join(root, 'test/fuzz/corpus'))));
  });

  it('reads with every reader of core/wire', () => {
    const texts = (folder: string) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => readFileSync(join(root, folder, path), 'utf8'));
    const used = texts('test/support/fuzz/targets').join();
    const exported = texts('core/wire').flatMap((text) => [
      ...text.matchAll(/^export (?:function|class) ((?:decode|parse)\w+|\w*(?:Parser|Reader|Greeting))\b/gm),
    ]);
    const readers = exported.map(([, reader]) => reader).filter((reader) => !withinOthers.includes(reader));
    expect(readers.length).toBeGreaterThan(30);
    expect(readers.filter((reader) => !used.includes(reader))).toEqual([]);
  });
});

/** Numbers within the words of a command: read by the commands. */
const withinOthers = ['parseSafeInteger', 'parseInteger64'];
