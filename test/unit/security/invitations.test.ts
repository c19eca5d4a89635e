import { beforeEach, describe, expect, it } from 'vitest';
import type { CoterieError } from '../../../core/base/errors.ts';
import { Invitations } from '../../../core/security/invitations.ts';
import { encodeJoinCode, joinLinkOf, joinProof, readJoinCode } from '../../../core/security/join-code.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const exporter = Buffer.alloc(32, 7);
const request = Buffer.from('let me in');
const minute = 60_000;

let time: VirtualTime;
let invitations: Invitations;
beforeEach(() => {
  time = new VirtualTime();
  invitations = new Invitations({ clock: time, random: new SeededRandom(1) });
});

const proved = (secret: Buffer, over: { exporter?: Buffer; request?: Buffer } = {}) => ({
  exporter,
  request,
  proof: joinProof(secret, over.exporter ?? exporter, over.request ?? request),
});

describe('an invitation', () => {
  it('lets one computer ask, once', () => {
    const { id, secret } = invitations.create('office', 600_000);
    expect(invitations.take(id, proved(secret), 'a')).toMatchObject({ dataCenter: 'office' });
    expect(() => invitations.take(id, proved(secret), 'a')).toThrow('it was used');
  });

  it('is over after ten minutes, whatever the clock on the wall says', async () => {
    const { id, secret } = invitations.create('office', 600_000);
    await time.advance(10 * minute - 1);
    const other = invitations.create('office', 600_000);
    await time.advance(1);
    expect(() => invitations.take(id, proved(secret), 'a')).toThrow('expired');
    expect(invitations.take(other.id, proved(other.secret), 'a')).toBeDefined();
  });

  it('is over after five wrong tries, and a right one does not help then', () => {
    const { id, secret } = invitations.create('office', 600_000);
    const wrong = proved(Buffer.alloc(10));
    for (let attempt = 0; attempt < 4; attempt++) {
      expect(() => invitations.take(id, wrong, 'a')).toThrow('is wrong');
    }
    expect(() => invitations.take(id, wrong, 'a')).toThrow('is wrong');
    expect(() => invitations.take(id, proved(secret), 'a')).toThrow('not open here');
  });

  it('is not opened by a proof for another connection, or for another request', () => {
    const { id, secret } = invitations.create('office', 600_000);
    expect(() => invitations.take(id, proved(secret, { exporter: Buffer.alloc(32, 8) }), 'a')).toThrow(
      'is wrong',
    );
    expect(() => invitations.take(id, proved(secret, { request: Buffer.from('me too') }), 'a')).toThrow(
      'is wrong',
    );
    expect(() => invitations.take(id, { exporter, request, proof: Buffer.alloc(0) }, 'a')).toThrow(
      'is wrong',
    );
    expect(invitations.take(id, proved(secret), 'a')).toBeDefined();
  });

  it('is not used up by somebody who goes through all numbers: he has to wait, and others have not', async () => {
    const { id, secret } = invitations.create('office', 600_000);
    const numbers = Array.from({ length: 2_000 }, (_, number) => number.toString(16).padStart(4, '0'));
    let asked = 0;
    for (const number of numbers.filter((one) => one !== id)) {
      try {
        invitations.take(number, proved(Buffer.alloc(10)), 'stranger');
      } catch (cause) {
        if ((cause as CoterieError).code === 'not-found') asked++;
      }
    }
    expect(asked).toBe(30);
    expect(() => invitations.take(id, proved(secret), 'stranger')).toThrow('Wait a minute');
    await time.advance(minute);
    expect(invitations.take(id, proved(secret), 'stranger')).toBeDefined();
  });

  it('is refused while very many are open, and again possible once they are over', async () => {
    for (let count = 0; count < 64; count++) invitations.create('office', 600_000);
    expect(() => invitations.create('office', 600_000)).toThrow('64 invitations are open');
    await time.advance(10 * minute);
    expect(invitations.create('office', 600_000)).toBeDefined();
  });
});

describe('a join code', () => {
  const code = { id: '0af3', secret: Buffer.from('0123456789'), fingerprint: Buffer.alloc(32, 0xc4) };
  const text = encodeJoinCode(code);

  it('says what it was made of, by itself and in a link', () => {
    expect(text).toMatch(/^([0-9A-Z]{6}-){7}[0-9A-Z]{6}$/);
    const wanted = { ...code, fingerprint: code.fingerprint.subarray(0, 16) };
    expect(readJoinCode(text)).toEqual({ ...wanted, at: [] });
    const link = joinLinkOf(text, ['10.0.0.1:7430', '[fe80::1]:7430']);
    expect(readJoinCode(` ${link}\n`)).toEqual({ ...wanted, at: ['10.0.0.1:7430', '[fe80::1]:7430'] });
  });

  it('is read as people type it', () => {
    const typed = text.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect(readJoinCode(typed).secret).toEqual(code.secret);
  });

  it('tells a slip from what is no code at all, at every place', () => {
    for (let at = 0; at < text.length; at++) {
      if (text[at] === '-') continue;
      const slip = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      expect(() => readJoinCode(slip)).toThrow();
    }
    for (const none of [
      '',
      'hello',
      text.slice(7),
      `${text}-000000`,
      'coterie://join/',
      '-----',
      '💥'.repeat(48),
    ]) {
      expect(() => readJoinCode(none)).toThrow('This is no join code');
    }
  });
});
