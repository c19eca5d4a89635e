import { describe, expect, it } from 'vitest';
import { diagnose, type InterfaceFigures } from '../../../core/discovery/doctor.ts';
import type { LanPath } from '../../../core/ports/lan.ts';

const figures: InterfaceFigures = {
  name: 'eth0',
  kind: 'wired',
  isReachable: true,
  used: true,
  chosen: null,
  sent: 12,
  received: 3,
  unreadable: 0,
  failures: [],
};
const of = (changes: Partial<InterfaceFigures>) => diagnose({ ...figures, ...changes }, 7420);
const failed = (path: LanPath, code: string) => ({ path, code, message: `went wrong with ${code}` });

describe('the doctor', () => {
  it('finds nothing wrong where beacons are heard, and where it is too early to tell', () => {
    expect(of({})).toEqual({ cause: null, fix: null });
    expect(of({ received: 0, sent: 4 })).toEqual({ cause: null, fix: null });
  });

  it('suspects a firewall where nothing is heard, and another version where it is not understood', () => {
    const silent = of({ received: 0 });
    expect(silent.cause).toContain('Nothing was heard on eth0 although 12 beacons were sent.');
    expect(silent.cause).toContain('UDP port 7420');
    expect(silent.fix).toContain("type the other computer's address");
    expect(of({ received: 0, kind: 'wireless' }).cause).toContain('guests');
    expect(of({ received: 0, unreadable: 1 }).cause).toContain('another version');
  });

  it('says why an interface is left out', () => {
    const left = { used: false, sent: 0, received: 0 };
    expect(of({ ...left, kind: 'vpn' })).toEqual({
      cause: 'This is a VPN: left out so that the cluster does not reach through it.',
      fix: 'Switch it on if you mean it.',
    });
    expect(of({ ...left, kind: 'container' }).cause).toContain('containers');
    expect(of({ ...left, kind: 'point-to-point' }).cause).toContain('two ends');
    expect(of({ ...left, kind: 'loopback' }).cause).toBeNull();
    expect(of({ ...left, chosen: false }).cause).toContain('switched off');
    expect(of({ ...left, isReachable: false }).cause).toContain('no address');
  });

  it('puts the errors of the system into words', () => {
    expect(of({ failures: [failed('receive', 'EADDRINUSE')] }).cause).toContain('7420 is taken');
    const unsent = (code: string) =>
      of({ sent: 0, failures: [failed('multicast', code), failed('broadcast', code)] }).cause;
    expect(unsent('EPERM')).toContain('send on eth0');
    expect(unsent('ENETUNREACH')).toContain('cannot be reached');
    expect(unsent('EADDRNOTAVAIL')).toContain('changed or gone');
    expect(unsent('EWEIRD')).toContain('went wrong with EWEIRD');
  });

  it('makes nothing of IPv6 that fails while IPv4 works', () => {
    expect(
      of({ failures: [failed('multicast6', 'ENETUNREACH'), failed('receive6', 'ENODEV')] }).cause,
    ).toBeNull();
  });
});
