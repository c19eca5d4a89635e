/**
 * The other computers of the cluster, as this one knows them: where they were reached last, what they told of themselves, and how
 * long ago. About once a second each is told what is new here, and answers with what is new there; whoever has the newer layout
 * hands it over. Computers are told apart by their keys, so one that has another address is the same.
 */
import { CoterieError } from '../../base/errors.ts';
import type { ComputerView, JoinRequest } from '../../contract/computer-views.ts';
import { newestOf } from '../../layout/history.ts';
import type { LayoutComputer } from '../../layout/layout.ts';
import type { RepairFigures, RepairWork } from '../../node-process/messages.ts';
import type { ComputerCalls } from '../../platform/computer-calls.ts';
import type { Place } from '../../platform/peer-transport.ts';
import type { Cancellable, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { decodeNews, encodeNews } from '../../wire/peer/layout-messages.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import type { Peer } from '../repairs/who-runs.ts';
import type { AppliedElsewhere } from './applied-elsewhere.ts';
import { compareLayouts, learnKeys } from './catching-up.ts';
import { followed, type KnownCluster, knownOf, notHeardBy } from './known-cluster.ts';
import { type ComputerNews, computerNews, type KnownPlace, repairFigures } from './messages.ts';
import { addressesOf } from './node-addresses.ts';
import { type ComputerNow, isSame, type OtherComputer, type Telling } from './other-computer.ts';
import { type NewsSources, newsOf } from './own-news.ts';
import type { NodesHost } from './remote-node.ts';

const tickMs = 1_000;
const answerWithinMs = 4_000;
const repairWithinMs = 24 * 3_600_000;

interface Components extends NewsSources {
  readonly timers: Timers;
  readonly log: Log;
  readonly calls: ComputerCalls;
  readonly applied: AppliedElsewhere;
  /** Something of a computer, or of one of its nodes, is new. */
  readonly changed: (what: 'figures' | 'computers') => void;
  /** Somebody is reached at another place than before. */
  readonly placesChanged: (places: readonly KnownPlace[]) => void;
}

export class Computers {
  readonly #parts: Components;
  #lastKnown: KnownCluster | null = null;
  /** By the keys that they go by. */
  #others: ReadonlyMap<string, OtherComputer> = new Map();
  #followed: KnownCluster | null = null;
  #tick: Cancellable | null = null;
  #closed = false;
  #toldAddresses = '';

  constructor(parts: Components, known: readonly KnownPlace[]) {
    this.#parts = parts;
    this.follow();
    for (const { computer, ...place } of known) this.found(computer, place);
  }

  start(): void {
    this.#tellAll();
    this.#tick = this.#parts.timers.after(tickMs, () => {
      this.follow();
      this.#look();
      if (!this.#closed) this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#tick?.cancel();
    this.#parts.calls.close();
  }

  /** A computer may be reached there; it is tried, and has to show its key. `computer`: an id in the layout. */
  found(computer: string, place: Place): void {
    this.#of(computer)?.found(place);
  }

  /** News of a computer that called. Returns what it is told. */
  heard(key: string, from: string, news: ComputerNews): ComputerNews {
    const other = this.#others.get(this.#known.keyOfNext.get(key) ?? key);
    if (other !== undefined) this.#take(other, { host: news.host ?? from, port: news.port }, 'called', news);
    return newsOf(this.#parts, this.places);
  }

  /** What another computer knows of the layouts. Returns what is known here. */
  async layoutsOf(body: Buffer): Promise<Buffer> {
    const { layouts } = this.#parts;
    const news = decodeNews(body, layouts.live);
    await layouts.learn(news.layouts, news.trackers);
    return encodeNews(layouts.history, layouts.live);
  }

  /** How many computers that are reached come before this one where one of them has to do something. */
  get rank(): number {
    const [self] = this.#parts.own;
    return this.#known.computers.filter(({ id, key }) => {
      const other = this.#others.get(key ?? '');
      return id < self && other !== undefined && this.#isReached(other);
    }).length;
  }

  get requests(): readonly JoinRequest[] {
    return [...this.#others.values()].flatMap((other) =>
      this.#isReached(other) ? (other.news?.requests ?? []) : [],
    );
  }

  /** Where this computer reaches the others: a newcomer begins with them. */
  get places(): KnownPlace[] {
    const { idOfKey } = this.#known;
    return [...this.#others].flatMap(([key, { place }]) => {
      const computer = idOfKey.get(key);
      return computer === undefined || place === undefined ? [] : [{ computer, ...place }];
    });
  }

  /** The nodes of other computers, by all layouts that count. */
  get elsewhere(): readonly NodeHandle[] {
    return this.#known.elsewhere;
  }

  /** Who may run repairs beside this computer. */
  get peers(): Peer[] {
    const { computers } = this.#known;
    return [...this.#others].map(([present, other]) => ({
      key: other.key,
      ids: computers.flatMap(({ id, key }) => (key === present ? [id] : [])),
      isReached: this.#isReached(other),
      takesPart: other.news?.repairs !== undefined,
      aheadMs: other.aheadMs,
    }));
  }

  views(): (Pick<ComputerView, 'id'> & ComputerNow)[] {
    const nowMs = this.#parts.clock.monotonicMs();
    const nowhere = { state: 'away', address: null, heardAtMs: null, clientHost: null } as const;
    return this.#known.computers.map(({ id, key }) => ({
      id,
      ...(this.#others.get(key ?? '')?.now(nowMs) ?? nowhere),
    }));
  }

  /** What a computer told of its program and its clock; null: nothing yet. */
  told(computer: string): Telling | null {
    return this.#of(computer)?.telling ?? null;
  }

  /** For how long a computer has not been heard of; see OtherComputer. One that nobody knows was here a moment ago. */
  silentMs(computer: string): number {
    return this.#of(computer)?.silentMs(this.#parts.clock.monotonicMs()) ?? 0;
  }

  /** Other computers that are not known to have heard of the newest layout. */
  get notHeard(): readonly LayoutComputer[] {
    return notHeardBy(this.#others, this.#known);
  }

  /** A call of ClusterApi on another computer. Rejects with what it says, and with `unavailable` where it is not reached. */
  async call(computer: string, method: string, input: unknown, by: string): Promise<unknown> {
    const place = this.#placeOf(computer);
    const body = Buffer.from(JSON.stringify({ method, input, by }));
    const answer = await this.#parts.calls.call(place, '/call', body, { withinMs: 30_000 });
    // What it did shows at once.
    const other = this.#of(computer);
    if (other !== null && !other.asking) void this.#tell(other, this.#news());
    return (JSON.parse(answer.toString()) as { output: unknown }).output;
  }

  /** The same object until the layouts change. */
  get #known(): KnownCluster {
    const { layouts, own } = this.#parts;
    const { live } = layouts;
    if (this.#lastKnown?.live === live) return this.#lastKnown;
    this.#lastKnown = knownOf(live, own, (computer) => this.#hostOf(computer));
    return this.#lastKnown;
  }

  #of(computer: string): OtherComputer | null {
    const key = this.#known.computers.find(({ id }) => id === computer)?.key;
    return key === undefined ? null : (this.#others.get(key) ?? null);
  }

  #placeOf(computer: string): Place {
    const place = this.#of(computer)?.place;
    if (place !== undefined) return place;
    throw new CoterieError(
      'unavailable',
      'That computer has not been reached yet. Is it on, and on the same network?',
    );
  }

  /** Those of the layouts that count: nobody else is called, and what others told is forgotten. */
  follow(): void {
    const known = this.#known;
    this.#others = followed(this.#others, this.#followed ?? known, known, this.#parts.clock.monotonicMs());
    this.#followed = known;
    this.#tellAddresses();
  }

  /** A computer that went away says nothing: its silence is news, too. */
  #look(): void {
    for (const other of this.#others.values()) {
      const isReached = this.#isReached(other);
      if (isReached === other.wasReached) continue;
      other.wasReached = isReached;
      this.#parts.changed('computers');
    }
  }

  #tellAll(): void {
    const news = this.#news();
    for (const other of this.#others.values()) if (!other.asking) void this.#tell(other, news);
  }

  /** The same for all of them. */
  #news(): Buffer {
    return Buffer.from(JSON.stringify(newsOf(this.#parts, this.places)));
  }

  async #tell(other: OtherComputer, body: Buffer): Promise<void> {
    const { place } = other;
    if (place === undefined) return;
    other.asking = true;
    try {
      const answer = await this.#parts.calls.call(place, '/news', body, { withinMs: answerWithinMs });
      const news = computerNews.parse(JSON.parse(answer.toString()));
      this.#take(other, place, 'answered', news);
    } catch {
      // The next one is tried at the next turn, and this one after all others.
      other.failed(place, this.#parts.clock.monotonicMs());
    } finally {
      other.asking = false;
    }
  }

  #take(other: OtherComputer, place: Place, how: 'answered' | 'called', news: ComputerNews): void {
    const { clock, calls, layouts, changed, placesChanged, access, keys, repairs, log } = this.#parts;
    const before = other.place;
    const requests = JSON.stringify(other.news?.requests ?? []);
    other.heard(place, how, news, { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() });
    for (const { computer, host, port } of news.places) this.found(computer, { host, port });
    // Where it has answered before rather than where it called from.
    const at = other.place!;
    const isElsewhere = before === undefined || !isSame(before, at);
    if (isElsewhere) placesChanged(this.places);
    this.#tellAddresses();
    if (news.layout.digest !== newestOf(layouts.history).digest) void compareLayouts(this.#parts, at);
    access.learn(news.access).catch((cause: Error) => {
      log.warn('Who may use the data could not be taken from another computer.', { cause: cause.message });
    });
    if (keys.isBehind(news.keys)) void learnKeys(this.#parts, at);
    this.#parts.applied.heard(other.key, news);
    if (news.repairs !== undefined) {
      const ask = (body: Buffer) => calls.call(other.place!, '/repairs', body, { withinMs: answerWithinMs });
      void repairs.heard(other.key, news.repairs.digest, ask);
    }
    const isNew = isElsewhere || !other.wasReached || requests !== JSON.stringify(news.requests);
    other.wasReached = true;
    changed(isNew ? 'computers' : 'figures');
  }

  #hostOf({ id, key, name }: LayoutComputer): NodesHost {
    const other = () => this.#others.get(key ?? '');
    return {
      name,
      told: (nodeId) => other()?.told(nodeId) ?? null,
      isReached: () => {
        const present = other();
        return present !== undefined && this.#isReached(present);
      },
      heardAtMs: () => other()?.heardAtMs ?? null,
      repair: (nodeId, work, signal) => this.#repair(id, nodeId, work, signal),
    };
  }

  async #repair(
    computer: string,
    nodeId: number,
    work: RepairWork,
    signal: AbortSignal,
  ): Promise<RepairFigures> {
    const body = Buffer.from(JSON.stringify({ nodeId, work }));
    const place = this.#placeOf(computer);
    const answer = await this.#parts.calls.call(place, '/repair', body, { withinMs: repairWithinMs, signal });
    return repairFigures.parse(JSON.parse(answer.toString()));
  }

  #isReached(other: OtherComputer): boolean {
    return other.isReached(this.#parts.clock.monotonicMs());
  }

  /** To the nodes of this computer: where those of the others are. */
  #tellAddresses(): void {
    const addresses = addressesOf(this.#others.values(), this.#known.nodes);
    const text = JSON.stringify(addresses);
    if (text === this.#toldAddresses) return;
    this.#toldAddresses = text;
    this.#parts.nodes.setElsewhere(addresses);
  }
}
