/**
 * How often this node's clients have said each command, how long it took and whether it failed; and what follows from that: the
 * slow log and latency events. A command that went on to another node counts here, where its client is, and not there.
 */
import { type Command, partNameOf } from './command.ts';
import { LatencyEvents } from './latency-events.ts';
import type { Request } from './request.ts';
import { shownWords } from './shown-words.ts';
import { SlowLog } from './slow-log.ts';

export interface CommandFigures {
  calls: number;
  durationUs: number;
  /** Refused before it ran: arity, login, rights. */
  rejected: number;
  /** Answered with an error. */
  failed: number;
  /** Calls by powers of two of microseconds: index 3 for all that took more than 4 and up to 8. */
  readonly byDuration: Float64Array;
}

const durationClasses = 40;

/** Redis's name of a part: config|get. Only what exists has one, so there are never more than there are commands. */
function fullNameOf(command: Command, argv: readonly Buffer[]): string {
  const part = partNameOf(command, argv);
  return part === null ? command.name : `${command.name}|${part}`;
}

export class CommandWatch {
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyEvents();
  private figures = new Map<string, CommandFigures>();

  /** By name, those that were said. */
  get commands(): ReadonlyMap<string, CommandFigures> {
    return this.figures;
  }

  rejected(command: Command, argv: readonly Buffer[]): void {
    this.figuresOf(command, argv).rejected += 1;
  }

  finished(request: Request, { durationMs, nowMs }: { durationMs: number; nowMs: number }): void {
    const { argv, gateway } = request;
    const command = request.command!;
    const durationUs = Math.round(durationMs * 1000);
    this.count(this.figuresOf(command, argv), durationUs, gateway.encoder.isError);
    // WAIT takes as long as its client wants.
    if (command.flags.includes('blocking')) return;
    const atSeconds = Math.floor(nowMs / 1000);
    this.latency.note(command.flags.includes('fast') ? 'fast-command' : 'command', atSeconds, durationMs);
    if (!this.slowLog.isSlow(durationUs)) return;
    const client = request.sink.client!;
    const words = shownWords(command, argv);
    const { remoteAddress: address, name: clientName } = client;
    this.slowLog.add({ atSeconds, durationUs, words, address, clientName });
  }

  /** The commands of a transaction, which took this long together; each counts with an equal part of it. */
  executed(
    commands: readonly { readonly command: Command; readonly argv: readonly Buffer[] }[],
    { durationMs, hasFailed }: { durationMs: number; hasFailed: (index: number) => boolean },
  ): void {
    const durationUs = Math.round((durationMs * 1000) / commands.length);
    for (const [index, { command, argv }] of commands.entries()) {
      this.count(this.figuresOf(command, argv), durationUs, hasFailed(index));
    }
  }

  private count(figures: CommandFigures, durationUs: number, hasFailed: boolean): void {
    figures.calls += 1;
    figures.durationUs += durationUs;
    if (hasFailed) figures.failed += 1;
    const durationClass = Math.ceil(Math.log2(Math.max(1, durationUs)));
    figures.byDuration[Math.min(durationClass, durationClasses - 1)] += 1;
  }

  reset(): void {
    this.figures = new Map();
  }

  private figuresOf(command: Command, argv: readonly Buffer[]): CommandFigures {
    const name = fullNameOf(command, argv);
    const known = this.figures.get(name);
    if (known !== undefined) return known;
    const byDuration = new Float64Array(durationClasses);
    const figures = { calls: 0, durationUs: 0, rejected: 0, failed: 0, byDuration };
    this.figures.set(name, figures);
    return figures;
  }
}
