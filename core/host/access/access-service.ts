/** Who may use the data of this computer, as the contract offers it: users, their passwords, and whether a login is required. */
import { InTurn } from '../../base/in-turn.ts';
import type { Rights } from '../../base/rights.ts';
import type { AccessView, TokenView } from '../../contract/views.ts';
import type { UserAsk } from '../../node-process/messages.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import {
  type AccessRules,
  newUser,
  requireUser,
  type StoredToken,
  type StoredUser,
  withoutUser,
  withPasswordOf,
  withRequired,
  withRights,
  withUser,
} from '../../security/access.ts';
import { isSameAccess, mergeAccess } from '../../security/access-merge.ts';
import { liveTokens, newToken, tokenNamed, withoutToken, withToken } from '../../security/access-tokens.ts';
import { PasswordLogins } from '../../security/password-logins.ts';
import { rightsOf, rightsToStore } from '../../security/stored-rights.ts';
import { readAccess, writeAccess } from './access-store.ts';

const dayMs = 24 * 3_600_000;

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly log: Log;
  readonly random: Random;
  /** To every node of this computer. */
  readonly spread: (rules: AccessRules) => void;
}

export function accessUserView(user: StoredUser): AccessView['users'][number] {
  const { access, keyspaces } = rightsOf(user);
  return {
    ...{ name: user.name, createdAtMs: user.createdAtMs, access },
    keyspaces: keyspaces === null ? null : [...keyspaces],
  };
}

export class AccessService {
  readonly #parts: Components;
  readonly #folder: string;
  #rules: AccessRules;
  /** For the ways in that the host itself keeps. */
  readonly logins: PasswordLogins;
  /** Something for a person to read, when the rules could not be read. */
  readonly finding: string | null;
  /** Changes follow one another: two at once would both start from the same rules. */
  readonly #turns = new InTurn();

  constructor(components: Components, folder: string) {
    this.#parts = components;
    this.#folder = folder;
    const { rules, finding } = readAccess(folder);
    this.#rules = rules;
    this.finding = finding;
    this.logins = new PasswordLogins(components, rules);
  }

  get rules(): AccessRules {
    return this.#rules;
  }

  view(): AccessView {
    const { required, users } = this.#rules;
    return { required, users: users.map(accessUserView) };
  }

  /** Resolves with the password, which is shown this once. Rejects with `conflict` for a name that is taken. */
  async add(name: string, rights: Rights): Promise<string> {
    const { user, password } = await newUser(name, this.#parts.clock.nowMs(), this.#parts.random);
    await this.#change((rules) => withUser(rules, { ...user, ...rightsToStore(rights) }));
    return password;
  }

  /** A new password; who came in with the old one has to log in again. */
  async renew(name: string): Promise<string> {
    const { user, password } = await newUser(name, this.#parts.clock.nowMs(), this.#parts.random);
    await this.#change((rules) => withPasswordOf(rules, user));
    return password;
  }

  /** All that is asked for, or nothing. Resolves with what it may do now, by which who is connected is judged at the next command. */
  async set(
    name: string,
    { isNew, kept, access, keyspaces }: Omit<Extract<UserAsk, { kind: 'set' }>, 'kind' | 'name'>,
  ): Promise<Rights> {
    let now!: Rights;
    await this.#change((rules) => {
      if (isNew && kept !== null) {
        const createdAtMs = this.#parts.clock.nowMs();
        now = { access: access ?? 'none', keyspaces: keyspaces ?? null };
        return withUser(rules, { name, createdAtMs, ...kept, ...rightsToStore(now), version: 0 });
      }
      const had = rightsOf(requireUser(rules, name));
      now = { access: access ?? had.access, keyspaces: keyspaces === undefined ? had.keyspaces : keyspaces };
      return withRights(kept === null ? rules : withPasswordOf(rules, { name, ...kept }), name, now);
    });
    return now;
  }

  remove(name: string): Promise<void> {
    return this.#change((rules) => withoutUser(rules, name));
  }

  require(required: boolean): Promise<void> {
    return this.#change((rules) => withRequired(rules, required));
  }

  tokens(): TokenView[] {
    const nowMs = this.#parts.clock.nowMs();
    const live = new Set(liveTokens(this.#rules, nowMs));
    return this.#rules.tokens
      .map((token) => {
        const { id, user, name, createdAtMs, expiresAtMs } = token;
        const usedAtMs = this.logins.tokenUsedAtMs(id);
        return { id, user, name, createdAtMs, expiresAtMs, usedAtMs, expired: !live.has(token) };
      })
      .sort((one, other) => other.createdAtMs - one.createdAtMs);
  }

  /** Resolves with the token, which is shown this once. Rejects with `not-found` for a user that is not there. */
  async createToken(
    user: string,
    { name, days }: { name: string; days?: number },
  ): Promise<{ id: string; token: string }> {
    const createdAtMs = this.#parts.clock.nowMs();
    const expiresAtMs = days === undefined ? null : createdAtMs + days * dayMs;
    let made = { id: '', token: '' };
    await this.#change((rules) => {
      const { stored, token } = newToken(rules, { user, name, createdAtMs, expiresAtMs }, this.#parts.random);
      made = { id: stored.id, token };
      return withToken(rules, stored);
    });
    return made;
  }

  /** Resolves with what it was. */
  async revokeToken(id: string): Promise<StoredToken> {
    const token = tokenNamed(this.#rules, id);
    await this.#change((rules) => withoutToken(rules, tokenNamed(rules, token.id)));
    return token;
  }

  /** Rules of another computer of the cluster: what was changed there, and what was changed here. */
  learn(rules: AccessRules): Promise<void> {
    const merged = (present: AccessRules) => {
      const both = mergeAccess(present, rules);
      return isSameAccess(both, present) ? present : both;
    };
    // Told every second, and as a rule nothing is new.
    return merged(this.#rules) === this.#rules ? Promise.resolve() : this.#change(merged);
  }

  #change(edit: (rules: AccessRules) => AccessRules): Promise<void> {
    const { disk, clock, spread } = this.#parts;
    return this.#turns.run(async () => {
      const next = edit(this.#rules);
      if (next === this.#rules) return;
      await writeAccess(disk, next, { folder: this.#folder, nowMs: clock.nowMs() });
      this.#rules = next;
      this.logins.set(next);
      spread(next);
    });
  }
}
