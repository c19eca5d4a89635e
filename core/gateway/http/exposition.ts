/** The text format that Prometheus reads (prometheus.io, "Exposition formats", version 0.0.4), family by family. */

export type Labels = Readonly<Record<string, string>>;

/** Null: not measured, and left out. A gap is a gap, not zero. */
export type Sample = readonly [Labels, number | null];

export interface HistogramSample {
  readonly labels: Labels;
  /** How many were at most as long as each bound; ascending. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function line(name: string, labels: Labels, value: number): string {
  const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
  return `${name}${text.length === 0 ? '' : `{${text.join(',')}}`} ${value}`;
}

export class Exposition {
  readonly #lines: string[] = [];

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, 'gauge', help, samples);
  }

  /** `name` ends in `_total`. */
  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, 'counter', help, samples);
  }

  /** `bounds` in the unit of the name. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    samples: readonly HistogramSample[],
  ): void {
    if (samples.length === 0) return;
    this.#head(name, 'histogram', help);
    for (const { labels, counts, count, sum } of samples) {
      for (const [index, bound] of bounds.entries()) {
        this.#lines.push(line(`${name}_bucket`, { ...labels, le: String(bound) }, counts[index] ?? 0));
      }
      this.#lines.push(line(`${name}_bucket`, { ...labels, le: '+Inf' }, count));
      this.#lines.push(line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count));
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): void {
    const measured = samples.filter((sample): sample is [Labels, number] => sample[1] !== null);
    if (measured.length === 0) return;
    this.#head(name, type, help);
    for (const [labels, value] of measured) this.#lines.push(line(name, labels, value));
  }

  #head(name: string, type: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }
}
