/**
 * Gives this computer another key of its own, when a person says so and before its certificate ends. The steps, and what is let in at
 * each, are in core/layout/key-change.ts; this takes them one after the other, once a second, from whatever it finds.
 */
import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import { plainLine } from '../../base/plain-text.ts';
import { listOf } from '../../base/words.ts';
import { type KeyStep, keyStep, nameKeys } from '../../layout/key-change.ts';
import type { Layout, LayoutComputer } from '../../layout/layout.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { isDueForNewKey } from '../../security/certificates.ts';
import { heldKeysOf, type TrustKeeper } from './trust.ts';

const tickMs = 1_000;
/** Connections are made anew within a second; what was asked over the old ones is answered meanwhile. */
const moveMs = 2_000;
const strangeWords =
  'The others know this computer by another key than trust.json holds: another one that has its data goes on in its place, or an older file was put back.';

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly own: ReadonlySet<string>;
  readonly trust: Pick<TrustKeeper, 'trust' | 'makeNextKey' | 'goByNextKey'>;
  readonly layout: () => Layout;
  /** Makes, keeps and spreads the next layout; all computers are told what it was, and who wanted it. */
  readonly decide: (
    edit: (layout: Layout, digest: string) => Layout,
    what: string,
    by: string | null,
  ) => Promise<void>;
  /** Other computers that are not known to have heard of the newest layout. */
  readonly notHeard: () => readonly LayoutComputer[];
  /** Whether the nodes of this computer go by the newest layout. */
  readonly nodesHeard: () => boolean;
  /** What the computer shows from now on is another key. */
  readonly show: () => Promise<void>;
  readonly noted: (message: string) => void;
}

export class OwnKey {
  readonly #parts: Components;
  /** Computers that are known to have heard of the key that is announced: whatever they decide later knows of it. */
  #heard = new Set<string>();
  #heardOf = '';
  /** Since when the present key is shown, on the monotonic clock. */
  #shownMs: number;
  #isStrange = false;
  #timer: Cancellable | null = null;
  #closed = false;
  readonly #turns = new InTurn();

  constructor(parts: Components) {
    this.#parts = parts;
    this.#shownMs = parts.clock.monotonicMs();
  }

  start(): void {
    this.#timer = this.#parts.timers.after(tickMs, () => {
      void this.#turns
        .run(() => this.#look())
        .catch(({ message }: Error) => {
          this.#parts.log.warn('The key of this computer could not be replaced yet. It is tried again.', {
            cause: message,
          });
        });
      if (!this.#closed) this.start();
    });
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#turns.ended();
  }

  get isUnderWay(): boolean {
    return this.#step !== 'rest' && this.#step !== 'stranger';
  }

  /** Names of computers that have to hear of the new key before it is shown. */
  get waitsFor(): string[] {
    if (this.#step !== 'hear') return [];
    this.#listen();
    return this.#parts.notHeard().flatMap(({ id, name }) => (this.#heard.has(id) ? [] : [plainLine(name)]));
  }

  /**
   * Begins, anew where one that was made before is still to be shown. Resolves when the new key is on the disk and announced; the rest
   * follows by itself. Throws `busy` while one that is shown takes the place of the one before, and `conflict` where the others know it by
   * a key that it does not have.
   */
  replace(by: string): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#step === 'stranger') throw new CoterieError('conflict', strangeWords);
      // One that is still to be shown may have lain on the disk for days, and may have been copied with it: another one is made.
      if (!['rest', 'announce', 'hear'].includes(this.#step)) {
        throw new CoterieError(
          'busy',
          'The key of this computer is being replaced already. Try again in ten seconds.',
        );
      }
      if (this.#closed) throw new CoterieError('unavailable', 'This computer is being stopped.');
      await this.#parts.trust.makeNextKey();
      await this.#look(by);
    });
  }

  get #step(): KeyStep {
    return this.#stepIn(this.#parts.layout());
  }

  #stepIn(layout: Layout): KeyStep {
    const { own, trust, clock, notHeard, nodesHeard } = this.#parts;
    const isHeard = () => nodesHeard() && notHeard().every(({ id }) => this.#heard.has(id));
    const isMoved = clock.monotonicMs() - this.#shownMs >= moveMs && nodesHeard();
    const held = heldKeysOf(trust.trust);
    return keyStep(layout, own, held, { isHeard: held.next === this.#heardOf && isHeard(), isMoved });
  }

  /** Who has heard by now is remembered: a later change, of which it has not, takes nothing of that. */
  #listen(): void {
    const { next } = heldKeysOf(this.#parts.trust.trust);
    const { computers } = this.#parts.layout();
    const isAnnounced = next !== null && computers.some(({ nextKey }) => nextKey === next);
    if (!isAnnounced || next !== this.#heardOf) {
      this.#heard = new Set();
      this.#heardOf = isAnnounced ? next : '';
    }
    if (!isAnnounced) return;
    const silent = new Set(this.#parts.notHeard().map(({ id }) => id));
    for (const { id } of computers) if (!silent.has(id)) this.#heard.add(id);
  }

  async #look(by: string | null = null): Promise<void> {
    const { trust, clock, log, show, noted } = this.#parts;
    if (this.#closed) return;
    this.#listen();
    const { present, next } = heldKeysOf(trust.trust);
    const step = this.#step;
    if (step === 'stranger' && !this.#isStrange) log.error(strangeWords);
    this.#isStrange = step === 'stranger';
    switch (step) {
      case 'rest':
        if (isDueForNewKey(trust.trust.computer.certificate, clock.nowMs())) {
          await trust.makeNextKey();
          noted('The certificate of this computer ends within half a year: it gets a new key.');
        }
        break;
      case 'announce':
        await this.#decide(by, 'announce', { key: present, nextKey: next! }, 'is about to go by a new key');
        break;
      case 'go-by':
        await trust.goByNextKey();
        this.#shownMs = clock.monotonicMs();
        await show();
        break;
      case 'settle':
        await this.#decide(
          by,
          'settle',
          { key: present },
          'goes by its new key, and the one before is let in no more',
        );
        break;
      case 'withdraw':
        await this.#decide(by, 'withdraw', { key: present }, 'keeps its key: the new one was lost');
        break;
    }
  }

  /** Nothing where the layout has become another one meanwhile: the next look finds what there is to do then. */
  async #decide(
    by: string | null,
    step: KeyStep,
    keys: { readonly key: string; readonly nextKey?: string },
    words: string,
  ): Promise<void> {
    const { layout, own, decide } = this.#parts;
    const names = layout().computers.flatMap(({ id, name }) => (own.has(id) ? [plainLine(name)] : []));
    const edit = (present: Layout, digest: string) => {
      if (this.#stepIn(present) === step) return nameKeys(present, digest, own, keys);
      throw new CoterieError('conflict', 'Another change came first.');
    };
    await decide(edit, `${listOf(names)} ${words}`, by);
  }
}
