/**
 * Whose datagrams are worth opening. To open one that nobody of this cluster sealed costs as much as to open a good one, and
 * whoever can send here can send very many. So a source that has sealed something has its packets opened, and all others
 * together have so many failures a second; beyond that nothing of theirs is opened. A member at a new address that is not heard
 * for it goes on over its link, and is known again once the flood is over. Pure.
 */
interface Source {
  /** Of the last packet that it had sealed. */
  goodMs: number;
  /** When the second began in which its failures are counted. */
  sinceMs: number;
  failures: number;
}

const knownForMs = 60_000;
/** More members than a cluster has; of more the one that was silent longest is forgotten. */
const sourcesMax = 1_024;
const secondMs = 1_000;
/** Of all that are not known: some milliseconds of work. */
const strangersMax = 100;
/** Of one that is known: somebody may use its address. Then it is a stranger. */
const failuresMax = 500;

export class PacketSources {
  /** The one that was silent longest comes first. */
  readonly #known = new Map<string, Source>();
  readonly #strangers = { sinceMs: Number.NEGATIVE_INFINITY, failures: 0 };

  /** `source`: an address with its port. */
  mayOpen(source: string, nowMs: number): boolean {
    if (this.#of(source, nowMs) !== undefined) return true;
    return nowMs - this.#strangers.sinceMs >= secondMs || this.#strangers.failures < strangersMax;
  }

  /** It had sealed what it sent. */
  good(source: string, nowMs: number): void {
    const known = this.#known.get(source) ?? { goodMs: nowMs, sinceMs: nowMs, failures: 0 };
    known.goodMs = nowMs;
    this.#known.delete(source);
    this.#known.set(source, known);
    if (this.#known.size > sourcesMax) this.#known.delete(this.#known.keys().next().value!);
  }

  bad(source: string, nowMs: number): void {
    const counted = this.#of(source, nowMs) ?? this.#strangers;
    if (nowMs - counted.sinceMs >= secondMs) {
      counted.sinceMs = nowMs;
      counted.failures = 0;
    }
    counted.failures++;
    if (counted !== this.#strangers && counted.failures > failuresMax) this.#known.delete(source);
  }

  #of(source: string, nowMs: number): Source | undefined {
    const known = this.#known.get(source);
    return known !== undefined && nowMs - known.goodMs < knownForMs ? known : undefined;
  }
}
