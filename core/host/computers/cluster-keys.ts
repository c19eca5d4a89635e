/**
 * Replaces what the computers of the cluster hold in common (core/security/key-epochs.ts): when a person says so, and by itself when
 * somebody who knows it is not let in any more. Nodes learn to take what is made with a new secret before any of them makes
 * something with it, so nobody is taken for a stranger on the way.
 */
import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { newAuthority } from '../../security/certificates.ts';
import {
  type EpochMark,
  type EpochPhase,
  type HeldKeys,
  isLaterEpoch,
  type KeyEpoch,
  markOf,
  nextEpoch,
  secretsIn,
  strangersTo,
  withEpoch,
  withKnown,
} from '../../security/key-epochs.ts';
import { writeHeldKeys } from '../../security/key-store.ts';
import type { SecretStore } from '../../security/secret-files.ts';
import type { SecretSet } from '../../security/secrets.ts';

const tickMs = 1_000;
/** Every computer that is on hears of a new epoch within a few exchanges, which come once a second. */
const takenMs = 10_000;
/** Whoever hears of it later is told by its host, not by packets. */
const usedMs = 60_000;
/** So much later than the first does each next computer do what the first should have done. */
const patienceMs = 10_000;
/** Others, who heard of an epoch a little later, use it by then, and take the next one. */
const followMs = 5_000;
const secretBytes = 32;

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: SecretStore;
  readonly log: Log;
  readonly random: Random;
  readonly clusterId: string;
  /** By which the others know this computer. */
  readonly ownKey: () => string;
  /** Keys of the computers by all layouts that count. */
  readonly letIn: () => ReadonlySet<string>;
  /** Keys of computers with whose end the authority ends. */
  readonly endsAuthority: () => readonly string[];
  /** How many computers come before this one where one of them has to do something. */
  readonly rank: () => number;
  readonly spread: (secrets: SecretSet) => void;
  /** There is another authority. Resolves when this computer goes by it. */
  readonly authorityChanged: (authority: KeyEpoch['authority']) => Promise<void>;
  readonly noted: (message: string) => void;
}

/** What one computer tells another that asks for it. */
export interface ToldEpoch {
  readonly current: KeyEpoch;
  readonly knownTo: readonly string[];
  /** Its nodes make things with it by now: whoever hears of it only now does the same at once. */
  readonly isUsed: boolean;
}

export class ClusterKeys {
  readonly #parts: Components;
  #held: HeldKeys;
  #phase: EpochPhase;
  /** When the phase began, or strangers were first seen. */
  #phaseSinceMs: number;
  #dueSinceMs: number | null = null;
  #timer: Cancellable | null = null;
  readonly #turns = new InTurn();
  #closed = false;

  /** What was replaced before this start is used, and the one before taken for a while yet. */
  constructor(parts: Components, held: HeldKeys) {
    this.#parts = parts;
    this.#held = held;
    this.#phase = held.previous === null ? 'alone' : 'used';
    this.#phaseSinceMs = parts.clock.monotonicMs();
  }

  start(): void {
    this.#timer = this.#parts.timers.after(tickMs, () => {
      void this.#look().catch(({ message }: Error) => {
        this.#parts.log.warn('The keys of the cluster could not be replaced. It is tried again.', {
          cause: message,
        });
      });
      if (!this.#closed) this.start();
    });
  }

  /** Resolves when nothing is being written any more. */
  close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    return this.#turns.ended();
  }

  get mark(): EpochMark {
    return markOf(this.#held.current);
  }

  get madeAtMs(): number {
    return this.#held.current.madeAtMs;
  }

  /** For computers that are let in. */
  get told(): ToldEpoch {
    const { current, knownTo } = this.#held;
    return { current, knownTo, isUsed: this.#phase !== 'taken' };
  }

  isBehind(mark: EpochMark): boolean {
    return isLaterEpoch(mark, this.mark);
  }

  /** Of another computer. Rejects where it cannot be written; it is heard of again. */
  async learn({ current, knownTo, isUsed }: ToldEpoch): Promise<void> {
    const before = this.#held;
    await this.#change(() => withEpoch(this.#held, current, knownTo, this.#phase), isUsed ? 'used' : 'taken');
    if (this.#held.current !== before.current)
      this.#parts.noted('Keys of the cluster that another computer made were taken.');
  }

  /**
   * `isWanted`: also what programs on other computers, and join codes, know the cluster by. Resolves with whether that was replaced, as it
   * is as well where somebody is out with whom it ends.
   */
  async replace(isWanted: boolean): Promise<boolean> {
    this.#mustBeUsed();
    const { clock, random, clusterId, letIn, endsAuthority } = this.#parts;
    const ending = endsAuthority();
    const isOver = strangersTo(this.#held, letIn()).some((key) => ending.includes(key));
    const authority = isWanted || isOver ? await newAuthority(clusterId, clock.nowMs()) : null;
    const secret = Buffer.from(random.bytes(secretBytes));
    await this.#change(() => {
      // Another one may have been made meanwhile.
      this.#mustBeUsed();
      return nextEpoch(this.#held, { secret, authority, letIn: letIn() }, clock.nowMs());
    });
    return authority !== null;
  }

  #mustBeUsed(): void {
    if (this.#phase !== 'taken') return;
    throw new CoterieError(
      'busy',
      'The keys of the cluster were replaced just now. Try again in ten seconds.',
    );
  }

  /** One after the other; null: nothing is new. */
  #change(next: () => HeldKeys | null, phase: EpochPhase = 'taken'): Promise<void> {
    return this.#turns.run(async () => {
      const { files, clusterId, spread, clock, authorityChanged } = this.#parts;
      if (this.#closed) throw new CoterieError('unavailable', 'This computer is being stopped.');
      const held = next();
      if (held === null) return;
      const before = this.#held;
      await writeHeldKeys(files, clusterId, held);
      this.#held = held;
      if (held.current === before.current) return;
      this.#phase = phase;
      this.#phaseSinceMs = clock.monotonicMs();
      this.#dueSinceMs = null;
      spread(secretsIn(held, this.#phase));
      const { authority } = held.current;
      if (authority.certificate !== before.current.authority.certificate) await authorityChanged(authority);
    });
  }

  async #look(): Promise<void> {
    const { clock, letIn, ownKey, rank, noted, spread } = this.#parts;
    const nowMs = clock.monotonicMs();
    const inPhaseMs = nowMs - this.#phaseSinceMs;
    if (this.#phase === 'taken' ? inPhaseMs >= takenMs : this.#phase === 'used' && inPhaseMs >= usedMs) {
      this.#phase = this.#phase === 'taken' ? 'used' : 'alone';
      this.#phaseSinceMs = nowMs;
      spread(secretsIn(this.#held, this.#phase));
    }
    const present = letIn();
    // Taken out: what the others go by is no longer its to make.
    if (!present.has(ownKey())) return;
    if (withKnown(this.#held, present) !== this.#held) {
      await this.#change(() => withKnown(this.#held, letIn()));
    }
    if (strangersTo(this.#held, present).length === 0) {
      this.#dueSinceMs = null;
      return;
    }
    this.#dueSinceMs ??= nowMs;
    const isFresh = this.#phase !== 'alone' && nowMs - this.#phaseSinceMs < followMs;
    if (this.#phase === 'taken' || isFresh || nowMs - this.#dueSinceMs < rank() * patienceMs) return;
    const withAuthority = await this.replace(false);
    noted(
      withAuthority
        ? 'A computer was taken out, and the authority with it: there are a new secret and a new certificate, which programs on other computers need. Join codes of before are void.'
        : 'Who knew the secret of the cluster is let in no more: there is a new secret.',
    );
  }
}
