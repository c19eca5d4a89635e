/** LATENCY GRAPH: samples as columns of characters with how old each is beneath, drawn as Redis draws them. */
import type { LatencySample } from './latency-events.ts';

const columnsMax = 80;
const rowCount = 4;
/** Of one row, from low to high; a column that goes on above is a bar. */
const levels = ['_', 'o', '#'];
const bar = '|';

/** Seconds, minutes, hours or days, rounded down: `59s`, `2m`. */
function ageOf(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Of at least one sample; `nowSeconds` since 1970. */
export function latencyGraph(
  event: string,
  { samples, highestMs }: { samples: readonly LatencySample[]; highestMs: number },
  nowSeconds: number,
): string {
  const durations = samples.map(({ durationMs }) => Math.round(durationMs));
  const low = Math.min(...durations);
  const high = Math.max(...durations);
  const ages = samples.map(({ atSeconds }) => ageOf(Math.max(0, nowSeconds - atSeconds)));
  const stepCount = levels.length * rowCount;
  const steps = durations.map((duration) =>
    Math.min(stepCount - 1, Math.floor(((duration - low) * stepCount) / (high - low || 1))),
  );
  const lines = [
    `${event} - high ${high} ms, low ${low} ms (all time high ${Math.round(highestMs)} ms)`,
    '-'.repeat(columnsMax),
  ];
  for (let from = 0; from < steps.length; from += columnsMax) {
    if (from > 0) lines.push('');
    lines.push(...drawn(steps.slice(from, from + columnsMax), ages.slice(from, from + columnsMax)));
  }
  return `${lines.join('\n')}\n`;
}

function drawn(steps: readonly number[], ages: readonly string[]): string[] {
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const below = (rowCount - 1 - row) * levels.length;
    return steps.map((step) => (step < below ? ' ' : (levels[step - below] ?? bar))).join('');
  });
  const longest = Math.max(...ages.map(({ length }) => length));
  const labels = Array.from({ length: longest }, (_, at) => ages.map((age) => age[at] ?? ' ').join(''));
  return [...rows, ' '.repeat(steps.length), ...labels];
}
