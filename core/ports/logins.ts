/** Who may use the data through Redis and HTTP: every program of this computer, or, once a person asks for it, users alone. */
import type { CoterieError } from '../base/errors.ts';
import type { Rights } from '../base/rights.ts';

export interface Logins {
  /** False: nobody needs to say who it is. */
  readonly required: boolean;
  /** Their names. */
  readonly users: readonly string[];
  /**
   * Whether this is the user's password; `done` is called once, never while `check` runs. It costs tens of milliseconds by
   * intent, and more after wrong ones. `busy`: too many are being checked; nothing was found out.
   */
  check(user: string, password: Buffer, done: (error: CoterieError | null, isRight: boolean) => void): void;
  /** Differs after the user's password was changed; null: there is no such user. Who logged in before is asked again then. */
  stampOf(user: string): string | null;
  /** What the user may do; null: there is no such user. Another object once that has changed, or more often. */
  rightsOf(user: string): Rights | null;
  /** The rules have changed. */
  onChange(handler: () => void): void;
}

export interface HttpLogins extends Logins {
  /** As `check`, for a token: `user` is whose it is, null for one that lets nobody in. A right one costs nothing. */
  checkToken(token: string, done: (error: CoterieError | null, user: string | null) => void): void;
}

/** No user is known, and none is needed. */
export const openToAll: HttpLogins = {
  required: false,
  users: [],
  check: (_user, _password, done) => queueMicrotask(() => done(null, false)),
  checkToken: (_token, done) => queueMicrotask(() => done(null, null)),
  stampOf: () => null,
  rightsOf: () => null,
  onChange: () => {},
};
