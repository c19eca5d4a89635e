/** Users as programs that may administer make, change and remove them. Who keeps the users is elsewhere, and may be away. */
import type { CoterieError } from '../base/errors.ts';
import type { AccessLevel } from '../base/rights.ts';

export interface UserWish {
  readonly name: string;
  /** Made with it; refused when there is a user of that name by now. */
  readonly isNew: boolean;
  /** Null: it stays. */
  readonly password: Buffer | null;
  /** Null: it stays. */
  readonly access: AccessLevel | null;
  /** Undefined: they stay. Null: all. */
  readonly keyspaces: readonly string[] | null | undefined;
}

/** `by` is the user who asks. `done` is called once; what went wrong is for people to read. */
export interface UserChanges {
  set(by: string, wish: UserWish, done: (error: CoterieError | null) => void): void;
  /** Tells how many there were. */
  remove(
    by: string,
    names: readonly string[],
    done: (error: CoterieError | null, count?: number) => void,
  ): void;
}
