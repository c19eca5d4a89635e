import { describe, expect, it } from 'vitest';
import { browserInWords, Login, sessionIdleMs, sessionLifeMs } from '../../../core/host/access/login.ts';

const port = 7370;
const minuteMs = 60_000;

function begin() {
  const time = { nowMs: 0 };
  const login = new Login(() => time.nowMs);
  const enter = () => {
    const { session, setCookie, token } = login.redeem(login.newLinkCode(), 'Firefox', port)!;
    return { session, token, cookie: setCookie.split(';')[0] };
  };
  return { time, login, enter };
}

describe('the login to the browser’s way in', () => {
  it('takes a link once, within ten minutes', () => {
    const { login, time } = begin();
    const code = login.newLinkCode();
    expect(login.redeem(code, 'Firefox', port)?.setCookie).toMatch(
      /^coterie-7370=.*; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(login.redeem(code, 'Firefox', port)).toBeNull();
    expect(login.redeem('guess', 'Firefox', port)).toBeNull();
    const late = login.newLinkCode();
    time.nowMs += 10 * minuteMs + 1;
    expect(login.redeem(late, 'Firefox', port)).toBeNull();
  });

  it('keeps the newest 32 unused links', () => {
    const { login } = begin();
    const codes = Array.from({ length: 40 }, () => login.newLinkCode());
    expect(codes.map((code) => login.redeem(code, 'Firefox', port) !== null)).toEqual(
      codes.map((_, index) => index >= 8),
    );
  });

  it('wants both the cookie and the token, of the same session', () => {
    const { login, enter } = begin();
    const [one, two] = [enter(), enter()];
    expect(login.sessionOf(`theme=dark; ${one.cookie}`, one.token, port)).toBe(one.session);
    expect(login.sessionOf(one.cookie, two.token, port)).toBeNull();
    expect(login.sessionOf(one.cookie, '', port)).toBeNull();
    expect(login.sessionOf(undefined, one.token, port)).toBeNull();
    expect(login.sessionOf(one.cookie, one.token, port + 1)).toBeNull();
    expect(login.sessionOf(`${one.cookie}x`, one.token, port)).toBeNull();
    expect(login.knowsCookie(one.cookie, port)).toBe(true);
    expect(login.knowsCookie(`${one.cookie}x`, port)).toBe(false);
  });

  it('ends after a week without use, not while a page is open, and after thirty days in any case', () => {
    const { login, enter, time } = begin();
    const [idle, used, open] = [enter(), enter(), enter()];
    let closed = 0;
    open.session.closers.add(() => closed++);
    const isIn = ({ cookie, token }: typeof idle) => login.sessionOf(cookie, token, port) !== null;
    time.nowMs += sessionIdleMs - minuteMs;
    expect(isIn(used)).toBe(true);
    login.sweep();
    time.nowMs += 2 * minuteMs;
    expect([isIn(idle), isIn(used)]).toEqual([false, true]);
    expect(closed).toBe(0);
    while (time.nowMs <= sessionLifeMs) {
      time.nowMs += sessionIdleMs / 2;
      login.sweep();
      if (time.nowMs <= sessionLifeMs) expect([isIn(used), isIn(open)]).toEqual([true, true]);
    }
    expect([isIn(used), isIn(open), closed]).toEqual([false, false, 1]);
  });

  it('is listed, and ended by its id or all at once, with what is open for it', () => {
    const { login, enter } = begin();
    const [one, two, three] = [enter(), enter(), enter()];
    const closed: string[] = [];
    for (const { session } of [one, two, three]) session.closers.add(() => closed.push(session.id));
    expect(
      login
        .list(two.session.id)
        .map(({ own }) => own)
        .filter(Boolean),
    ).toHaveLength(1);
    login.end(one.session.id);
    expect(login.sessionOf(one.cookie, one.token, port)).toBeNull();
    expect(() => login.end(one.session.id)).toThrow(/no session/);
    const unused = login.newLinkCode();
    expect(login.endAll()).toBe(2);
    expect(closed.sort()).toEqual([one, two, three].map(({ session }) => session.id).sort());
    expect(login.list(null)).toEqual([]);
    expect(login.redeem(unused, 'Firefox', port)).toBeNull();
  });

  it('keeps 32 sessions: the one that was not seen for longest makes room', () => {
    const { login, enter, time } = begin();
    const entered = Array.from({ length: 33 }, () => {
      time.nowMs++;
      return enter();
    });
    expect(login.list(null)).toHaveLength(32);
    expect(login.sessionOf(entered[0].cookie, entered[0].token, port)).toBeNull();
  });

  it('calls a browser by known words alone', () => {
    const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36';
    expect(browserInWords(chrome)).toBe('Chromium or Chrome on Linux');
    expect(browserInWords('\u001b[2J')).toBe('another program');
    expect(browserInWords(undefined)).toBe('another program');
  });
});
