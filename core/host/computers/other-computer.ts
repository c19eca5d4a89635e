/** Another computer as this one knows it: where it is reached, what it told last, and when. */
import type { OtherVersion } from '../../contract/checkup-views.ts';
import type { ComputerView } from '../../contract/computer-views.ts';
import type { Place } from '../../platform/peer-transport.ts';
import { addressOf } from './known-places.ts';
import type { ComputerNews } from './messages.ts';
import type { Told } from './remote-node.ts';

/** What is known of a computer at this moment. */
export type ComputerNow = Pick<ComputerView, 'state' | 'address' | 'heardAtMs'> & {
  /** Where programs on other computers find its nodes; null: nobody knows, or nowhere. */
  readonly clientHost: string | null;
};

/** Of its program and its clock. */
export type Telling = Pick<OtherVersion, 'version' | 'layoutVersion' | 'clockAheadMs'>;

/** A computer that was not heard of for so long counts as away. */
const awayAfterMs = 5_000;
const placesMax = 8;

export class OtherComputer {
  /** The first by which this computer knew it: its name here, also once it goes by another one. */
  readonly key: string;
  readonly #sinceMs: number;
  /** Where it may be reached, the best first. */
  #places: readonly Place[] = [];
  news: ComputerNews | null = null;
  /** Wall time; null: never. */
  heardAtMs: number | null = null;
  /** A question to it is under way. */
  asking = false;
  /** What was last told of it to people. */
  wasReached = false;
  /** On the monotonic clock. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #answeredMs = Number.NEGATIVE_INFINITY;
  /** What it told of its nodes, by id. */
  #told: ReadonlyMap<number, Told> = new Map();

  /** `sinceMs`: since when this computer knows of it, on the monotonic clock. */
  constructor(key: string, sinceMs: number) {
    this.key = key;
    this.#sinceMs = sinceMs;
  }

  /** Undefined: nobody knows. */
  get place(): Place | undefined {
    return this.#places[0];
  }

  /** Where programs find its nodes; undefined: nobody knows, or nowhere. */
  get clientHost(): string | undefined {
    const hosts = this.news?.clientHosts;
    const host = this.place?.host;
    return hosts === undefined || (host !== undefined && hosts.includes(host)) ? host : hosts[0];
  }

  /** Null: it has told nothing of that node. */
  told(nodeId: number): Told | null {
    return this.#told.get(nodeId) ?? null;
  }

  /** How far its clock is ahead of the one here; null: it does not tell. */
  get aheadMs(): number | null {
    const there = this.news?.repairs?.nowMs;
    return there === undefined || this.heardAtMs === null ? null : there - this.heardAtMs;
  }

  /** Null: it has told nothing yet. */
  get telling(): Telling | null {
    if (this.news === null) return null;
    const { version, layout } = this.news;
    return { version, layoutVersion: layout.version, clockAheadMs: this.aheadMs };
  }

  /** For how long it has not been heard of; where it never was, since this computer knows of it. */
  silentMs(nowMs: number): number {
    return nowMs - Math.max(this.#heardMs, this.#sinceMs);
  }

  isReached(nowMs: number): boolean {
    return nowMs - this.#heardMs < awayAfterMs;
  }

  now(nowMs: number): ComputerNow {
    const { place } = this;
    return {
      state: this.isReached(nowMs) ? 'reached' : 'away',
      address: place === undefined ? null : addressOf(place.host, place.port),
      heardAtMs: this.heardAtMs,
      clientHost: this.clientHost ?? null,
    };
  }

  /** It may be there. What works stays the first. */
  found(place: Place): void {
    if (this.#places.some((one) => isSame(one, place))) return;
    const [first, ...others] = this.#places;
    this.#places = first === undefined ? [place] : [first, ...[...others, place].slice(1 - placesMax)];
  }

  /** It answered there, or called from there: what answers counts more, for a computer may call from another of its addresses. */
  heard(
    place: Place,
    how: 'answered' | 'called',
    news: ComputerNews,
    at: { nowMs: number; wallMs: number },
  ): void {
    this.news = news;
    this.#told = new Map(news.nodes.map((node) => [node.id, node]));
    this.heardAtMs = at.wallMs;
    this.#heardMs = at.nowMs;
    const works = at.nowMs - this.#answeredMs < awayAfterMs;
    if (how === 'answered') this.#answeredMs = at.nowMs;
    if (how === 'called' && works) this.found(place);
    else this.#places = [place, ...this.#places.filter((one) => !isSame(one, place))].slice(0, placesMax);
  }

  /** It does not answer there: the others are tried before. */
  failed(place: Place, nowMs: number): void {
    if (nowMs - this.#answeredMs < awayAfterMs) return;
    this.#places = [...this.#places.filter((one) => !isSame(one, place)), place];
  }
}

export function isSame(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port;
}
