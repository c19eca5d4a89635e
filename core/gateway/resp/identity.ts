/** Who a connection is, as far as it has shown: nobody yet, a user, or the host. */
import type { CoterieError } from '../../base/errors.ts';
import { fullRights, noRights, type Rights } from '../../base/rights.ts';
import type { Logins } from '../../ports/logins.ts';

/** Whoever has not said, where nobody has to; and the user of clients that send a password alone. */
export const defaultUser = 'default';
/** Whom CLIENT LIST shows for the host: no name that one can log in with. */
const hostUser = '(host)';

export class ClientIdentity {
  /** Empty while it has to log in. */
  user = '';
  isHost = false;
  rights: Rights = noRights;
  /** It may not do everything. Worked out when it changes, because every command asks. */
  isLimited = true;
  readonly #logins: Logins;
  /** It may be heard, or may not any more. */
  readonly #changed: (mayBeHeard: boolean) => void;
  /** Of the password that it came in with; null: it did not need one. */
  #stamp: string | null = null;

  constructor(logins: Logins, changed: (mayBeHeard: boolean) => void) {
    this.#logins = logins;
    this.#changed = changed;
    this.reset();
  }

  /** It has shown a password, and is nobody who merely need not. */
  get isUser(): boolean {
    return this.#stamp !== null;
  }

  /** As a new connection; the host stays what it is. */
  reset(): void {
    if (this.isHost) return;
    this.#becomeAnybody();
  }

  becomeHost(): void {
    this.isHost = true;
    this.#become(hostUser, null, fullRights);
  }

  /** `user` null: only a password was given. `done` is called once, now or later; a wrong one changes nothing. */
  logIn(
    user: string | null,
    password: Buffer,
    done: (error: CoterieError | null, isRight?: boolean) => void,
  ): void {
    const logins = this.#logins;
    const name = user ?? defaultUser;
    const stamp = logins.stampOf(name);
    if (!logins.required && name === defaultUser && stamp === null) {
      // As Redis's `nopass` user, which takes any password.
      this.#become(defaultUser, null, fullRights);
      done(null, true);
      return;
    }
    logins.check(name, password, (error, isRight) => {
      if (error === null && isRight) this.#become(name, stamp, logins.rightsOf(name) ?? noRights);
      done(error, isRight);
    });
  }

  /** Who may come in, or do what, has changed: a user that was removed, or has a new password, is nobody now. */
  rulesChanged(): void {
    if (this.isHost) return;
    const isUser = this.#stamp !== null && this.#logins.stampOf(this.user) === this.#stamp;
    if (isUser) {
      this.#allow(this.#logins.rightsOf(this.user) ?? noRights);
      return;
    }
    this.#becomeAnybody();
  }

  /** Whoever says nothing may do everything, or, where a login is required, nothing. */
  #becomeAnybody(): void {
    if (this.#logins.required) this.#become('', null, noRights);
    else this.#become(defaultUser, null, fullRights);
  }

  #become(user: string, stamp: string | null, rights: Rights): void {
    this.user = user;
    this.#stamp = stamp;
    this.#allow(rights);
    this.#changed(user !== '');
  }

  #allow(rights: Rights): void {
    this.rights = rights;
    this.isLimited = rights.access !== 'admin' || rights.keyspaces !== null;
  }
}
