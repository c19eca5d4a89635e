/** SLOWLOG, LATENCY and MONITOR: what an operator sees of the commands of this node's clients (command-watch.ts, monitors.ts). */
import { lowerText, readNumber } from '../arguments.ts';
import { type Command, defineCommand, needs, type Subcommands } from '../command.ts';
import type { CommandFigures } from '../command-watch.ts';
import { CommandError } from '../errors.ts';
import { latencyGraph } from '../latency-graph.ts';
import type { Request } from '../request.ts';
import { slowLogCountMax } from '../slow-log.ts';
import { defineContainer } from './subcommands.ts';

const slowCountError = 'ERR count should be greater than or equal to -1';

function slowest(request: Request): void {
  const { argv, gateway } = request;
  const count = argv.length === 2 ? 10 : readNumber(argv[2], slowCountError);
  if (count < -1 || argv.length > 3) throw new CommandError(slowCountError);
  const commands = gateway.watch.slowLog.newest(count === -1 ? slowLogCountMax : count);
  const encoder = request.begin();
  encoder.array(commands.length);
  for (const { id, atSeconds, durationUs, words, address, clientName } of commands) {
    encoder.array(6);
    for (const number of [id, atSeconds, durationUs]) encoder.integer(number);
    encoder.array(words.length);
    for (const shown of words) encoder.bulk(shown);
    encoder.text(address);
    encoder.text(clientName);
  }
  request.end();
}

const slowLogParts: Subcommands = {
  get: { arity: -2, run: slowest },
  len: { arity: 2, run: (request) => request.integer(request.gateway.watch.slowLog.length) },
  reset: {
    arity: 2,
    run: (request) => {
      request.gateway.watch.slowLog.clear();
      request.ok();
    },
  },
};

function history(request: Request): void {
  const samples = request.gateway.watch.latency.of(lowerText(request.argv[2]));
  const encoder = request.begin();
  encoder.array(samples.length);
  for (const { atSeconds, durationMs } of samples) {
    encoder.array(2);
    encoder.integer(atSeconds);
    encoder.integer(Math.round(durationMs));
  }
  request.end();
}

function latest(request: Request): void {
  const { latency } = request.gateway.watch;
  const encoder = request.begin();
  encoder.array(latency.events.length);
  for (const event of latency.events) {
    const samples = latency.of(event);
    const last = samples[samples.length - 1];
    encoder.array(4);
    encoder.text(event);
    encoder.integer(last.atSeconds);
    encoder.integer(Math.round(last.durationMs));
    encoder.integer(Math.round(latency.highestMs(event)));
  }
  request.end();
}

function graph(request: Request): void {
  const { clock, watch } = request.gateway;
  const event = lowerText(request.argv[2]);
  const samples = watch.latency.of(event);
  if (samples.length === 0) {
    throw new CommandError(
      `ERR No samples available for event '${request.argv[2].toString('utf8', 0, 128)}'`,
    );
  }
  const noted = { samples, highestMs: watch.latency.highestMs(event) };
  request.begin().verbatim(latencyGraph(event, noted, Math.floor(clock.nowMs() / 1000)));
  request.end();
}

function forget(request: Request): void {
  const { latency } = request.gateway.watch;
  const named = request.argv.slice(2).map(lowerText);
  const events = named.length === 0 ? latency.events : named;
  request.integer(events.filter((event) => latency.forget(event)).length);
}

function doctor(request: Request): void {
  const { latency } = request.gateway.watch;
  const text =
    latency.thresholdMs === 0
      ? 'Nothing is noted yet: choose from how many milliseconds on with CONFIG SET latency-monitor-threshold N.'
      : latency.events.length === 0
        ? `No command has taken ${latency.thresholdMs} ms or more.`
        : `Commands took ${latency.thresholdMs} ms or more: see LATENCY LATEST, and SLOWLOG GET for which. A write waits for the disks of several nodes; how those are shows the app.`;
  request.begin().verbatim(text);
  request.end();
}

/** [upper bound in microseconds, calls up to there], where something is added. */
function cumulative({ byDuration }: CommandFigures): [number, number][] {
  const steps: [number, number][] = [];
  let sum = 0;
  byDuration.forEach((count, index) => {
    sum += count;
    if (count > 0) steps.push([2 ** index, sum]);
  });
  return steps;
}

/** A container's name stands for its parts. */
function histogram(request: Request): void {
  const named = new Set(request.argv.slice(2).map(lowerText));
  const found = [...request.gateway.watch.commands].filter(
    ([name, { calls }]) =>
      calls > 0 && (named.size === 0 || named.has(name) || named.has(name.split('|')[0])),
  );
  const encoder = request.begin();
  encoder.map(found.length);
  for (const [name, figures] of found) {
    const steps = cumulative(figures);
    encoder.text(name);
    encoder.map(2);
    encoder.text('calls');
    encoder.integer(figures.calls);
    encoder.text('histogram_usec');
    encoder.map(steps.length);
    for (const [bound, count] of steps) {
      encoder.integer(bound);
      encoder.integer(count);
    }
  }
  request.end();
}

const latencyParts: Subcommands = {
  history: { arity: 3, run: history },
  latest: { arity: 2, run: latest },
  graph: { arity: 3, run: graph },
  reset: { arity: -2, run: forget },
  doctor: { arity: 2, run: doctor },
  histogram: { arity: -2, run: histogram },
};

function monitor(request: Request): void {
  const client = request.sink.client!;
  request.ok();
  request.gateway.monitors.add(client);
}

/** What they show is data of all keyspaces. */
const more = { need: needs.administeringAll };
const flags = ['admin', 'noscript', 'stale'] as const;

export const watchingCommands: readonly Command[] = [
  defineContainer({ group: 'server', name: 'slowlog', arity: -2 }, flags, slowLogParts, {
    ...more,
    summary: 'The last commands of this node’s clients that took long.',
    since: '2.2.12',
  }),
  defineContainer({ group: 'server', name: 'latency', arity: -2 }, flags, latencyParts, {
    summary: 'When commands of this node’s clients took long, and how long each takes.',
    since: '2.8.13',
  }),
  defineCommand('server', 'monitor', 1, flags, monitor, {
    ...more,
    summary: 'Shows every command of this node’s clients as it begins.',
  }),
];
