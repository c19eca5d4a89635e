/**
 * Who may use the browser's way in. A one-time code, printed as a link, becomes a session: a cookie and a token, both random
 * and both needed. A cookie alone would do for any other server on this address, because browsers send it to all ports; the
 * token is kept by the page for its origin. Only their digests are kept here, in memory: the end of the host ends them all.
 *
 * A session ends by itself after a week in which no page was open, so that a browser on a computer that is used now and then
 * stays logged in from one weekend to the next, and after thirty days in any case, so that a stolen pair is of no use for ever.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { SessionView } from '../../contract/views.ts';

const dayMs = 24 * 3_600_000;
const linkLifeMs = 10 * 60_000;
const linksMax = 32;
const sessionsMax = 32;
export const sessionIdleMs = 7 * dayMs;
export const sessionLifeMs = 30 * dayMs;

/** The name carries the port: cookies of one host are shared between its ports, and two clusters must not log each other out. */
const cookieName = (port: number) => `coterie-${port}`;

export interface Session {
  /** Names it to people; opens nothing. */
  readonly id: string;
  readonly browser: string;
  readonly createdAtMs: number;
  lastSeenMs: number;
  /** Ends what is open for it, such as a page's connection. */
  readonly closers: Set<() => void>;
}

interface Secrets {
  readonly cookie: Buffer;
  readonly token: Buffer;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export class Login {
  readonly #nowMs: () => number;
  readonly #sessions = new Map<Session, Secrets>();
  /** Digest of each code that was given out, and when it ends. Oldest first. */
  readonly #links: { readonly code: Buffer; readonly expiresAtMs: number }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  /** A code for one login within ten minutes. The oldest unused one makes room when there are many. */
  newLinkCode(): string {
    this.sweep();
    if (this.#links.length >= linksMax) this.#links.shift();
    const code = randomBytes(24).toString('base64url');
    this.#links.push({ code: digest(code), expiresAtMs: this.#nowMs() + linkLifeMs });
    return code;
  }

  /** Null when the code was used, is too old, or was never given. */
  redeem(
    code: string,
    browser: string,
    port: number,
  ): { session: Session; setCookie: string; token: string } | null {
    this.sweep();
    const wanted = digest(code);
    const index = this.#links.findIndex((link) => timingSafeEqual(link.code, wanted));
    if (index < 0) return null;
    this.#links.splice(index, 1);
    const [cookie, token] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
    const nowMs = this.#nowMs();
    const id = randomBytes(4).toString('hex');
    const session: Session = { id, browser, createdAtMs: nowMs, lastSeenMs: nowMs, closers: new Set() };
    const byAge = [...this.#sessions.keys()].sort((a, b) => a.lastSeenMs - b.lastSeenMs);
    if (byAge.length >= sessionsMax) this.#end(byAge[0]);
    this.#sessions.set(session, { cookie: digest(cookie), token: digest(token) });
    const setCookie = `${cookieName(port)}=${cookie}; Path=/; HttpOnly; SameSite=Strict`;
    return { session, setCookie, token };
  }

  /** The session of which both secrets are shown; null: there is none, or not any more. */
  sessionOf(cookieHeader: string | undefined, token: string, port: number): Session | null {
    this.sweep();
    const given = digest(token);
    for (const cookie of cookiesOf(cookieHeader, port)) {
      for (const [session, secrets] of this.#sessions) {
        const isCookie = timingSafeEqual(secrets.cookie, cookie);
        const isToken = timingSafeEqual(secrets.token, given);
        if (!isCookie || !isToken) continue;
        session.lastSeenMs = this.#nowMs();
        return session;
      }
    }
    return null;
  }

  /** Enough for the page's files, which hold no secret; for nothing else. */
  knowsCookie(cookieHeader: string | undefined, port: number): boolean {
    this.sweep();
    return cookiesOf(cookieHeader, port).some((given) =>
      [...this.#sessions.values()].some(({ cookie }) => timingSafeEqual(cookie, given)),
    );
  }

  /** Newest first. */
  list(ownId: string | null): SessionView[] {
    this.sweep();
    const views = [...this.#sessions.keys()].map(({ id, browser, createdAtMs, lastSeenMs, closers }) => ({
      id,
      browser,
      createdAtMs,
      lastSeenMs,
      expiresAtMs: Math.min(createdAtMs + sessionLifeMs, lastSeenMs + sessionIdleMs),
      openPages: closers.size,
      own: id === ownId,
    }));
    return views.sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** Ends one session, by its id or the unique beginning of it. Throws `not-found`. */
  end(id: string): Session {
    const found = [...this.#sessions.keys()].filter((session) => session.id.startsWith(id));
    if (found.length !== 1) {
      throw new CoterieError('not-found', `There is no session "${id}". See them with: coterie sessions`);
    }
    this.#end(found[0]);
    return found[0];
  }

  /** Ends all, and takes back the links that nobody has used. Returns how many sessions there were. */
  endAll(): number {
    this.#links.splice(0);
    const sessions = [...this.#sessions.keys()];
    for (const session of sessions) this.#end(session);
    return sessions.length;
  }

  /** Ends what is too old. A session with an open page is in use. */
  sweep(): void {
    const nowMs = this.#nowMs();
    while (this.#links.length > 0 && this.#links[0].expiresAtMs < nowMs) this.#links.shift();
    for (const session of this.#sessions.keys()) {
      if (session.closers.size > 0) session.lastSeenMs = nowMs;
      const isIdle = nowMs > session.lastSeenMs + sessionIdleMs;
      if (isIdle || nowMs > session.createdAtMs + sessionLifeMs) this.#end(session);
    }
  }

  #end(session: Session): void {
    this.#sessions.delete(session);
    for (const close of [...session.closers]) close();
    session.closers.clear();
  }
}

/** Digests of what is given under our name; a browser gives one. */
function cookiesOf(header: string | undefined, port: number): Buffer[] {
  const prefix = `${cookieName(port)}=`;
  return (header ?? '')
    .split(';', 64)
    .map((part) => part.trim())
    .filter((part) => part.startsWith(prefix))
    .slice(0, 4)
    .map((part) => digest(part.slice(prefix.length)));
}

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\//, 'Firefox'],
  [/\bChrom(e|ium)\//, 'Chromium or Chrome'],
  [/\bSafari\//, 'Safari'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\bWindows\b/, 'Windows'],
  [/\b(Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bLinux\b/, 'Linux'],
];

/** What a person knows a browser by, from its User-Agent. Known words only: the header may say anything. */
export function browserInWords(userAgent: string | undefined): string {
  const nameIn = (words: typeof browsers) => words.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  const browser = nameIn(browsers);
  const system = nameIn(systems);
  if (browser === undefined) return 'another program';
  return system === undefined ? browser : `${browser} on ${system}`;
}
