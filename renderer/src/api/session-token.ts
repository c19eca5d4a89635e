/** The token of this browser's session, kept for this origin; the login page puts it there (public/login.js). */
import { sessionPath, tokenStorageKey } from '../../../core/contract/session.ts';

export class SessionToken {
  /** Null: there is none, or this browser keeps nothing. */
  get value(): string | null {
    try {
      return window.localStorage.getItem(tokenStorageKey);
    } catch {
      return null;
    }
  }

  forget(): void {
    try {
      window.localStorage.removeItem(tokenStorageKey);
    } catch {
      // It was not kept either.
    }
  }

  /** Calls back when another tab of this browser has logged in. */
  whenRenewed(act: () => void): void {
    window.addEventListener('storage', ({ key, newValue }) => {
      if (key === tokenStorageKey && newValue !== null) act();
    });
  }

  /** Whether the host says that this browser is not logged in. A host that cannot be reached says nothing. */
  async isRefused(): Promise<boolean> {
    try {
      const headers = { Authorization: `Bearer ${this.value ?? ''}` };
      return (await fetch(sessionPath, { headers, cache: 'no-store' })).status === 401;
    } catch {
      return false;
    }
  }
}
