/**
 * Logins by user and password, or by a token. What costs time is bounded: few are checked at once, few wait, and each wrong password makes
 * the next check for that user wait longer. A password that was right once is known again without that, so a program that
 * connects often is quick, also while somebody else is guessing.
 */
import { createHmac } from 'node:crypto';
import { CoterieError } from '../base/errors.ts';
import type { Rights } from '../base/rights.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { HttpLogins } from '../ports/logins.ts';
import type { Random } from '../ports/random.ts';
import { type AccessRules, isPasswordOf, type StoredUser } from './access.ts';
import { tokenShown } from './access-tokens.ts';
import { rightsOf } from './stored-rights.ts';

/** One check fills a core for some 60 ms and 32 MiB. */
const atOnceMax = 2;
const waitingMax = 64;
const firstDelayMs = 100;
const delayMaxMs = 5_000;
/** Wrong passwords are told at most once in this time, with their number. */
const tellEveryMs = 60_000;

interface Attempt {
  /** Null: with a token that is none. */
  readonly user: string | null;
  readonly password: Buffer;
  readonly done: (error: CoterieError | null, isRight: boolean) => void;
}

export class PasswordLogins implements HttpLogins {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #recallKey: Buffer;
  #rules: AccessRules;
  readonly #handlers: (() => void)[] = [];
  /** By user: what its password looks like under a key of this process. */
  readonly #recalled = new Map<string, string>();
  /** Wrong ones in a row, by user; those for users that do not exist count together, under ''. */
  readonly #wrong = new Map<string, number>();
  /** When each token let somebody in last, here, since this process began; by its id. */
  readonly #tokenUse = new Map<string, number>();
  readonly #waiting: Attempt[] = [];
  #running = 0;
  #untold = 0;
  #telling = false;

  constructor(
    components: { clock: Pick<Clock, 'nowMs'>; timers: Timers; log: Log; random: Random },
    rules: AccessRules,
  ) {
    this.#clock = components.clock;
    this.#timers = components.timers;
    this.#log = components.log;
    this.#recallKey = Buffer.from(components.random.bytes(32));
    this.#rules = rules;
  }

  get required(): boolean {
    return this.#rules.required;
  }

  get users(): readonly string[] {
    return this.#rules.users.map(({ name }) => name);
  }

  set(rules: AccessRules): void {
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return;
    this.#rules = rules;
    this.#recalled.clear();
    this.#wrong.clear();
    const ids = new Set(rules.tokens.map(({ id }) => id));
    for (const id of this.#tokenUse.keys()) if (!ids.has(id)) this.#tokenUse.delete(id);
    for (const handler of this.#handlers) handler();
  }

  onChange(handler: () => void): void {
    this.#handlers.push(handler);
  }

  stampOf(user: string): string | null {
    return this.#userNamed(user)?.salt ?? null;
  }

  check(user: string, password: Buffer, done: Attempt['done']): void {
    const known = this.#userNamed(user);
    if (known !== null && this.#recalled.get(user) === this.#seen(known, password)) {
      queueMicrotask(() => done(null, true));
      return;
    }
    this.#wait({ user, password, done });
  }

  rightsOf(user: string): Rights | null {
    const known = this.#userNamed(user);
    return known === null ? null : rightsOf(known);
  }

  checkToken(token: string, done: (error: CoterieError | null, user: string | null) => void): void {
    const nowMs = this.#clock.nowMs();
    const shown = tokenShown(this.#rules, token, nowMs);
    if (shown === null) {
      // It waits as a wrong password does, and is told as one.
      this.#wait({ user: null, password: Buffer.alloc(0), done: (error) => done(error, null) });
      return;
    }
    this.#tokenUse.set(shown.id, nowMs);
    queueMicrotask(() => done(null, shown.user));
  }

  /** Null: not here, or not since this process began. */
  tokenUsedAtMs(id: string): number | null {
    return this.#tokenUse.get(id) ?? null;
  }

  #wait(attempt: Attempt): void {
    if (this.#waiting.length >= waitingMax) {
      const busy = new CoterieError('busy', 'Too many logins at once. Try again in a few seconds.');
      queueMicrotask(() => attempt.done(busy, false));
      return;
    }
    this.#waiting.push(attempt);
    this.#next();
  }

  #userNamed(name: string | null): StoredUser | null {
    return this.#rules.users.find((user) => user.name === name) ?? null;
  }

  #seen({ salt }: StoredUser, password: Buffer): string {
    return createHmac('sha256', this.#recallKey).update(salt).update(password).digest('base64');
  }

  #next(): void {
    while (this.#running < atOnceMax && this.#waiting.length > 0) {
      const attempt = this.#waiting.shift()!;
      this.#running++;
      const wrong = this.#wrong.get(this.#bucketOf(attempt.user)) ?? 0;
      const delayMs = wrong === 0 ? 0 : Math.min(delayMaxMs, firstDelayMs * 2 ** Math.min(wrong - 1, 10));
      this.#timers.after(delayMs, () => void this.#run(attempt));
    }
  }

  #bucketOf(user: string | null): string {
    return this.#userNamed(user)?.name ?? '';
  }

  async #run({ user, password, done }: Attempt): Promise<void> {
    const known = this.#userNamed(user);
    let isRight = false;
    let failure: CoterieError | null = null;
    try {
      isRight = user !== null && (await isPasswordOf(known, password));
    } catch {
      failure = new CoterieError('busy', 'The password could not be checked now. Try again.');
    }
    this.#running--;
    // The rules may have changed meanwhile: then the answer is about this user as he was, who may be as before.
    const isSame = known !== null && this.#userNamed(user)?.salt === known.salt;
    if (isRight && !isSame) isRight = false;
    const bucket = this.#bucketOf(user);
    if (isRight && known !== null) {
      this.#wrong.delete(bucket);
      this.#recalled.set(known.name, this.#seen(known, password));
    } else if (failure === null) {
      this.#wrong.set(bucket, (this.#wrong.get(bucket) ?? 0) + 1);
      this.#untold++;
      if (!this.#telling) this.#tell();
    }
    done(failure, isRight);
    this.#next();
  }

  #tell(): void {
    this.#telling = this.#untold > 0;
    if (!this.#telling) return;
    this.#log.warn('Somebody gave a wrong user, password or token.', { count: this.#untold });
    this.#untold = 0;
    this.#timers.after(tellEveryMs, () => this.#tell());
  }
}
