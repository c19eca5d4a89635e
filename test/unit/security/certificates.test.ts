import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import {
  isDueForNewKey,
  isDueForRenewal,
  issueCertificate,
  newAuthority,
  newKeyPair,
} from '../../../core/security/certificates.ts';
import { certificateFingerprint, keyFingerprint, publicKeyIn } from '../../../core/security/fingerprints.ts';

const nowMs = Date.UTC(2026, 10, 30);
const dayMs = 86_400_000;

describe('the certificate of a computer', () => {
  it('is signed by its authority and by no other, and holds the key that it was made for', async () => {
    const authority = await newAuthority('c', nowMs);
    const another = await newAuthority('c', nowMs);
    const { publicKey } = newKeyPair();
    const text = await issueCertificate(authority, { computerId: 'a', publicKey }, nowMs);
    const certificate = new X509Certificate(text);
    const above = new X509Certificate(authority.certificate);
    expect([certificate.checkIssued(above), certificate.verify(above.publicKey)]).toEqual([true, true]);
    expect(certificate.verify(new X509Certificate(another.certificate).publicKey)).toBe(false);
    expect([above.ca, certificate.ca]).toEqual([true, false]);
    expect(publicKeyIn(text)).toBe(publicKey);
    expect(keyFingerprint(certificate)).toBe(keyFingerprint(publicKey));
    expect(keyFingerprint(publicKey)).toMatch(/^[0-9a-f]{64}$/);
    expect(certificateFingerprint(authority.certificate)).not.toEqual(certificateFingerprint(text));
  });

  it('is good on computers whose clocks are days apart, and renewed half a year before it ends', async () => {
    const authority = await newAuthority('c', nowMs);
    const { publicKey } = newKeyPair();
    const text = await issueCertificate(authority, { computerId: 'a', publicKey }, nowMs);
    const { validFrom, validTo } = new X509Certificate(text);
    expect(nowMs - Date.parse(validFrom)).toBe(30 * dayMs);
    expect(isDueForRenewal(text, nowMs)).toBe(false);
    // First another key is tried; where that has to wait for long, the certificate is made anew alone.
    const due = (daysLeft: number) => {
      const atMs = Date.parse(validTo) - daysLeft * dayMs;
      return [isDueForNewKey(text, atMs), isDueForRenewal(text, atMs)];
    };
    expect([due(181), due(179), due(91), due(89)]).toEqual([
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
  });

  it('is refused for what is no public key', async () => {
    const authority = await newAuthority('c', nowMs);
    const publicKey = Buffer.from('no key').toString('base64');
    await expect(issueCertificate(authority, { computerId: 'a', publicKey }, nowMs)).rejects.toThrow();
  });

  it('opens TLS 1.3 both ways between members, and nothing to whoever has another authority', async () => {
    const made = Date.now();
    const [ours, theirs] = await Promise.all([newAuthority('c', made), newAuthority('c', made)]);
    const memberOf = async (authority: typeof ours) => {
      const { privateKey, publicKey } = newKeyPair();
      const cert = await issueCertificate(authority, { computerId: 'a', publicKey }, made);
      return { key: privateKey, cert, ca: authority.certificate, minVersion: 'TLSv1.3' as const };
    };
    const server = createServer(
      { ...(await memberOf(ours)), requestCert: true, rejectUnauthorized: true },
      (s) => s.end('in'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const call = async (authority: typeof ours) => {
      const options = {
        ...(await memberOf(authority)),
        ca: ours.certificate,
        checkServerIdentity: () => undefined,
      };
      return new Promise<string>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, ...options });
        let said = '';
        socket.on('data', (bytes) => {
          said += bytes;
        });
        socket.on('error', () => resolve('out'));
        socket.on('close', () => resolve(said || 'out'));
      });
    };
    expect([await call(ours), await call(theirs)]).toEqual(['in', 'out']);
    await new Promise((resolve) => server.close(resolve));
  });
});
