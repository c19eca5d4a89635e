/**
 * Long simulation runs from the command line: prints every seed that breaks a promise, and how to see it again. One seed
 * alone prints its transcript.
 */
import { parseArgs } from 'node:util';
import { resurrectedAfter } from '../support/simulation/deletions.ts';
import { cameBack } from '../support/simulation/expiries.ts';
import { type LatencyModel, latencyModels } from '../support/simulation/latency.ts';
import { type FaultKind, faultKinds, harmlessToData } from '../support/simulation/nemesis.ts';
import { type RunOptions, safeOptions, simulate } from '../support/simulation/run.ts';
import { workloadNames } from '../support/simulation/workloads.ts';
import { worldOf } from '../support/simulation/world.ts';

const usage =
  'Usage: npm run simulate -- [--seeds 1000] [--first-seed 1] [--for 600s] [--workload worlds|deletions|expiries|all|NAME]\n' +
  '  worlds: data centers, factors, levels, clients and faults drawn from the seed, which is the rule\n' +
  `  NAME: ${workloadNames.join(', ')}: three nodes, and\n` +
  `       [--nodes 3] [--sloppy] [--quick] [--latency uniform|lnkd-ssd|lnkd-disk] [--faults all|${faultKinds.join('|')}, separated by commas]\n`;

function refuse(message: string): never {
  process.stderr.write(`${message}\n${usage}`);
  process.exit(1);
}

/** Seconds, or with a unit: 90s, 10m, 8h. */
function secondsOf(text: string): number {
  const match = /^([0-9.]+)([smh]?)$/.exec(text);
  if (match === null) refuse(`"${text}" is no duration.`);
  return Number(match[1]) * { '': 1, s: 1, m: 60, h: 3_600 }[match[2]]!;
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    'first-seed': { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    for: { type: 'string', default: '0' },
    workload: { type: 'string', default: 'all' },
    nodes: { type: 'string', default: '3' },
    sloppy: { type: 'boolean', default: false },
    /** Without lost disks and without waiting for equal replicas: about five times as many seeds in the same time. */
    quick: { type: 'boolean', default: false },
    faults: { type: 'string', default: 'all' },
    latency: { type: 'string', default: 'uniform' },
  },
});
const first = Number(values['first-seed']);
const count = Number(values.seeds);
const nodeCount = Number(values.nodes);
const seconds = secondsOf(values.for);
if (![first, count, nodeCount].every(Number.isInteger) || count < 1 || nodeCount < 1) {
  refuse('Seeds and nodes are whole numbers.');
}
const all = values.quick ? harmlessToData : faultKinds;
const wanted = values.faults === 'all' ? [...all] : values.faults.split(',');
const unknown = wanted.find((kind) => !faultKinds.includes(kind as FaultKind));
if (unknown !== undefined) refuse(`There is no fault "${unknown}".`);
if (!latencyModels.includes(values.latency as LatencyModel)) {
  refuse(`There is no model of latency "${values.latency}".`);
}
interface Run {
  readonly options: RunOptions;
  /** What replays it, beside the seed. */
  readonly flags: string;
}

const wants = (name: string) => values.workload === 'all' || values.workload === name;

function runsOf(seed: number): Run[] {
  const runs: Run[] = wants('worlds') ? [{ options: worldOf(seed), flags: '--workload worlds' }] : [];
  const workload = workloadNames.find((name) => name === values.workload);
  if (workload === undefined) return runs;
  const options: RunOptions = {
    ...safeOptions,
    workload,
    nodeCount,
    sloppy: values.sloppy,
    healing: !values.quick,
    latency: values.latency as LatencyModel,
    faults: wanted as FaultKind[],
    writesPerKey: workload === 'set' ? 20 : 25,
  };
  const switches = `${values.sloppy ? ' --sloppy' : ''}${values.quick ? ' --quick' : ''}`;
  const flags = `--workload ${workload} --nodes ${nodeCount} --faults ${values.faults}${switches}`;
  return [...runs, { options, flags }];
}

/** Scenarios with a checker of their own, each with what it found. */
const scenarios: readonly [string, (seed: number) => Promise<string[]>][] = [
  ['deletions', (seed) => resurrectedAfter(seed, 'by rule')],
  ['expiries', async (seed) => (await cameBack(seed, 'by the horizon')).found],
];

process.stdout.write(`seeds from ${first}${seconds > 0 ? ` for ${seconds} s` : `, ${count} of them`}\n`);
const startedMs = performance.now();
const faults = new Map<string, number>();
let seed = first;
let acknowledged = 0;
let reads = 0;
let broken = 0;
const goOn = () => (seconds > 0 ? performance.now() - startedMs < seconds * 1000 : seed < first + count);
for (; goOn(); seed++) {
  for (const [name, run] of scenarios) {
    if (!wants(name)) continue;
    const found = await run(seed);
    if (found.length > 0) report(seed, `--workload ${name}`, found);
  }
  for (const { options, flags } of runsOf(seed)) {
    const outcome = await simulate(seed, options);
    acknowledged += outcome.acknowledgedCount;
    reads += outcome.readCount;
    for (const [kind, times] of Object.entries(outcome.faultCounts)) {
      faults.set(kind, (faults.get(kind) ?? 0) + times);
    }
    if (count === 1 && seconds === 0) process.stdout.write(`${outcome.transcript.join('\n')}\n`);
    if (outcome.violations.length > 0) report(seed, flags, outcome.violations);
  }
}

function report(seed: number, flags: string, found: readonly string[]): void {
  broken++;
  process.stdout.write(`seed ${seed}: ${found.join('; ')}\n`);
  process.stdout.write(`  again: npm run simulate -- --seeds 1 --first-seed ${seed} ${flags}\n`);
}

const elapsed = ((performance.now() - startedMs) / 1000).toFixed(1);
const struck = [...faults].map(([kind, times]) => `${kind} ${times}`).join(', ');
process.stdout.write(
  `${seed - first} seeds in ${elapsed} s: ${acknowledged} acknowledged writes, ${reads} reads; ${struck}; ` +
    `${broken} runs broke a promise\n`,
);
process.exit(broken === 0 ? 0 : 1);
