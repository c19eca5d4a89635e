/**
 * Who may use the browser's way in. A one-time link, printed at the start, becomes a cookie; the cookie is a random
 * secret kept in memory. Host and Origin are checked on every request, because a page from elsewhere can make a
 * browser talk to a loopback address (DNS rebinding).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const sessionCountMax = 100;
const linkLifeMs = 10 * 60 * 1000;
/** The name carries the port: cookies of one host are shared between its ports, and two clusters must not log each other out. */
const cookieName = (port: number) => `coterie-${port}`;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export class Login {
  readonly #nowMs: () => number;
  readonly #sessions = new Map<string, number>();
  readonly #links = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A code for one login within ten minutes. */
  newLinkCode(): string {
    const code = randomBytes(24).toString('base64url');
    this.#links.set(code, this.#nowMs() + linkLifeMs);
    return code;
  }

  /** The cookie to set, or null when the code was used, is too old, or was never given. */
  redeem(code: string, port: number): string | null {
    const wanted = digest(code);
    for (const [known, expiresAtMs] of this.#links) {
      if (!timingSafeEqual(digest(known), wanted)) continue;
      this.#links.delete(known);
      if (this.#nowMs() > expiresAtMs) return null;
      const session = randomBytes(32).toString('base64url');
      this.#sessions.set(session, this.#nowMs());
      const [oldest] = this.#sessions.keys();
      if (this.#sessions.size > sessionCountMax) this.#sessions.delete(oldest);
      return `${cookieName(port)}=${session}; Path=/; HttpOnly; SameSite=Strict`;
    }
    return null;
  }

  isLoggedIn(cookieHeader: string | undefined, port: number): boolean {
    const prefix = `${cookieName(port)}=`;
    for (const part of (cookieHeader ?? '').split(';')) {
      const cookie = part.trim();
      if (!cookie.startsWith(prefix)) continue;
      const given = digest(cookie.slice(prefix.length));
      for (const session of this.#sessions.keys()) if (timingSafeEqual(digest(session), given)) return true;
    }
    return false;
  }
}

/** Names under which a loopback server may be addressed. */
export function isOwnAddress(authority: string | undefined, host: string, port: number): boolean {
  return [host, 'localhost', '127.0.0.1', '[::1]'].some((name) => authority === `${name}:${port}`);
}

/** A browser names the page that a request comes from; other programs name none. */
export function isOwnOrigin(origin: string | undefined, host: string, port: number): boolean {
  if (origin === undefined) return true;
  return origin.startsWith('http://') && isOwnAddress(origin.slice('http://'.length), host, port);
}
