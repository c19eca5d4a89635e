/** How answers look: a table for people, JSON for programs. On a terminal nothing is shown that a terminal obeys. */
import { plainJson, plainLine, plainLines } from '../base/plain-text.ts';

export interface Output {
  readonly json: boolean;
  /** A person looks at it; else it goes into a file or another program, byte for byte. */
  readonly terminal: boolean;
  write(text: string): void;
}

/** `value` goes out as JSON; `text` is what people see instead. */
export function show(output: Output, value: unknown, text: () => string): void {
  const { json, terminal } = output;
  const out = json ? JSON.stringify(value) : text();
  output.write(`${terminal ? (json ? plainJson(out) : plainLines(out)) : out}\n`);
}

/** Columns as wide as their widest cell; the last one is left as it is. A cell is one line, whatever is in it. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows.map((row) => row.map(plainLine))];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
