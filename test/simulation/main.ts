/** Long simulation runs from the command line. Prints every seed that breaks the promise, and how to see it again. */
import { parseArgs } from 'node:util';
import { type RunOptions, safeOptions, simulate } from '../support/simulation/run.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    'first-seed': { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    for: { type: 'string', default: '0' },
    workload: { type: 'string', default: 'both' },
  },
});
const first = Number(values['first-seed']);
const count = Number(values.seeds);
const seconds = Number.parseFloat(values.for);
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1 || Number.isNaN(seconds)) {
  process.stderr.write('Whole numbers please: --seeds 1000 --first-seed 1, or --for 600 (seconds).\n');
  process.exit(1);
}
const workloads: RunOptions[] = (['register', 'set'] as const)
  .filter((workload) => values.workload === 'both' || values.workload === workload)
  .map((workload) => ({ ...safeOptions, workload, writesPerKey: workload === 'set' ? 20 : 25 }));

process.stdout.write(`seeds from ${first}${seconds > 0 ? ` for ${seconds} s` : `, ${count} of them`}\n`);
const startedMs = performance.now();
let seed = first;
let acknowledged = 0;
let reads = 0;
let crashes = 0;
let cuts = 0;
let broken = 0;
const goOn = () => (seconds > 0 ? performance.now() - startedMs < seconds * 1000 : seed < first + count);
for (; goOn(); seed++) {
  for (const options of workloads) {
    const outcome = await simulate(seed, options);
    acknowledged += outcome.acknowledgedCount;
    reads += outcome.readCount;
    crashes += outcome.crashCount;
    cuts += outcome.cutCount;
    if (count === 1 && seconds === 0) process.stdout.write(`${outcome.transcript.join('\n')}\n`);
    if (outcome.violations.length === 0) continue;
    broken++;
    process.stdout.write(`seed ${seed} (${options.workload}): ${outcome.violations.join('; ')}\n`);
    process.stdout.write(
      `  again: npm run simulate -- --seeds 1 --first-seed ${seed} --workload ${options.workload}\n`,
    );
  }
}
const elapsed = ((performance.now() - startedMs) / 1000).toFixed(1);
process.stdout.write(
  `${seed - first} seeds in ${elapsed} s: ${acknowledged} acknowledged writes, ${reads} reads, ${crashes} crashes, ${cuts} cuts; ${broken} runs broke the promise\n`,
);
process.exit(broken === 0 ? 0 : 1);
