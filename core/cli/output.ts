/** How answers look: a table for people, JSON for programs. */

export interface Output {
  readonly json: boolean;
  write(text: string): void;
}

/** `value` goes out as JSON; `text` is what people see instead. */
export function show(output: Output, value: unknown, text: () => string): void {
  output.write(output.json ? `${JSON.stringify(value)}\n` : `${text()}\n`);
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
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
