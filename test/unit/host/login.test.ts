import { describe, expect, it } from 'vitest';
import { isOwnAddress, isOwnOrigin, Login } from '../../../core/host/login.ts';

describe('the login to the browser’s way in', () => {
  it('takes a link once, within ten minutes', () => {
    let now = 0;
    const login = new Login(() => now);
    const code = login.newLinkCode();
    const cookie = login.redeem(code, 7370);
    expect(cookie).toMatch(/^coterie-7370=.*HttpOnly; SameSite=Strict$/);
    expect(login.redeem(code, 7370)).toBeNull();
    expect(login.redeem('guess', 7370)).toBeNull();
    const late = login.newLinkCode();
    now += 11 * 60 * 1000;
    expect(login.redeem(late, 7370)).toBeNull();
  });

  it('knows its own cookie, also among others, and no other', () => {
    const login = new Login(() => 0);
    const cookie = login.redeem(login.newLinkCode(), 7370)!.split(';')[0];
    expect(login.isLoggedIn(`theme=dark; ${cookie}`, 7370)).toBe(true);
    expect(login.isLoggedIn(cookie, 7371)).toBe(false);
    expect(login.isLoggedIn(`${cookie}x`, 7370)).toBe(false);
    expect(login.isLoggedIn(undefined, 7370)).toBe(false);
  });

  it('answers only under its own names, to its own pages', () => {
    expect(isOwnAddress('localhost:7370', '127.0.0.1', 7370)).toBe(true);
    expect(isOwnAddress('evil.example:7370', '127.0.0.1', 7370)).toBe(false);
    expect(isOwnAddress(undefined, '127.0.0.1', 7370)).toBe(false);
    expect(isOwnOrigin('http://127.0.0.1:7370', '127.0.0.1', 7370)).toBe(true);
    expect(isOwnOrigin('http://evil.example', '127.0.0.1', 7370)).toBe(false);
    expect(isOwnOrigin('null', '127.0.0.1', 7370)).toBe(false);
    expect(isOwnOrigin(undefined, '127.0.0.1', 7370)).toBe(true);
  });
});
