/** Who a connection is, as far as it has shown: nobody yet, a user, or the host. */
import type { CoterieError } from '../../base/errors.ts';
import type { Logins } from '../../ports/logins.ts';

/** Whoever has not said, where nobody has to; and the user of clients that send a password alone. */
export const defaultUser = 'default';
/** Whom CLIENT LIST shows for the host: no name that one can log in with. */
const hostUser = '(host)';

export class ClientIdentity {
  /** Empty while it has to log in. */
  user = '';
  isHost = false;
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

  /** As a new connection; the host stays what it is. */
  reset(): void {
    if (this.isHost) return;
    this.#become(this.#logins.required ? '' : defaultUser, null);
  }

  becomeHost(): void {
    this.isHost = true;
    this.#become(hostUser, null);
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
      this.#become(defaultUser, null);
      done(null, true);
      return;
    }
    logins.check(name, password, (error, isRight) => {
      if (error === null && isRight) this.#become(name, stamp);
      done(error, isRight);
    });
  }

  /** Who may come in has changed: a user that was removed, or has a new password, is nobody now. */
  rulesChanged(): void {
    if (this.isHost) return;
    const { required } = this.#logins;
    const isUser = this.#stamp !== null && this.#logins.stampOf(this.user) === this.#stamp;
    if (isUser) return;
    this.#become(required ? '' : defaultUser, null);
  }

  #become(user: string, stamp: string | null): void {
    this.user = user;
    this.#stamp = stamp;
    this.#changed(user !== '');
  }
}
