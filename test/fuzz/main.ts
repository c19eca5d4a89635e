/** Fuzzes the targets that are named, or all: begins with the corpus, and leaves what it found there. */
import { parseArgs } from 'node:util';
import { corpusFolder, readCorpus, writeCorpus, writeCrash } from '../support/fuzz/corpus.ts';
import { Fuzzer } from '../support/fuzz/fuzzer.ts';
import { targets } from '../support/fuzz/targets.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const usage = `Usage: npm run fuzz -- [--minutes 1] [--seed S] [--list] [target...]
  Minutes are those of each target. Without a target: all of them, one after the other.
`;

function refuse(message: string): never {
  process.stderr.write(`${message}\n${usage}`);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    list: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed))
  refuse('Minutes are more than none, and the seed is a whole number.');
const unknown = positionals.find((name) => !targets.some((target) => target.name === name));
if (unknown !== undefined) refuse(`There is no target "${unknown}". See them with --list.`);
if (values.list) {
  process.stdout.write(`${targets.map(({ name }) => name).join('\n')}\n`);
  process.exit(0);
}

const root = process.env.COTERIE_ROOT!;
let crashes = 0;
process.stdout.write(`Seed ${seed}, ${minutes} minutes for each target.\n`);
for (const target of targets) {
  if (positionals.length > 0 && !positionals.includes(target.name)) continue;
  const folder = corpusFolder(root, target.name);
  const given = readCorpus(folder).map(({ bytes }) => bytes);
  const until = performance.now() + minutes * 60_000;
  const fuzzer = new Fuzzer(target, new SeededRandom(seed));
  const { runs, blocks, kept, crash } = await fuzzer.run(given, () => performance.now() >= until);
  process.stdout.write(`${target.name}: ${runs} runs, ${blocks} blocks, ${kept.length} inputs kept\n`);
  if (crash === null) {
    writeCorpus(folder, kept);
    continue;
  }
  crashes++;
  const path = writeCrash(root, target.name, crash.input);
  process.stdout.write(
    `  FOUND: ${crash.cause.stack ?? crash.cause.message}\n  Mend the reader, then move ${path} to ${folder}/regression-WHAT-IT-WAS, so that every test runs it again.\n`,
  );
}
process.exit(crashes === 0 ? 0 : 1);
