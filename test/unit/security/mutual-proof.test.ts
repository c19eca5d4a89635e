import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../core/platform/system-random.ts';
import { type Meeting, nonceBytes, proofBytes } from '../../../core/ports/mutual-proof.ts';
import { mutualProofOf } from '../../../core/security/mutual-proof.ts';
import { Secrets } from '../../../core/security/secrets.ts';

const secret = Buffer.from('the secret of this cluster');
const proof = mutualProofOf(Secrets.of(secret), 'links 1', systemRandom);
const meeting: Meeting = {
  caller: 'node 1',
  listener: 'node 2',
  port: 7400,
  callerNonce: proof.nonce(),
  listenerNonce: proof.nonce(),
};

describe('a mutual proof', () => {
  it('holds for the other side that has the same secret, and means one side only', () => {
    const other = mutualProofOf(Secrets.of(Buffer.from(secret)), 'links 1', systemRandom);
    for (const side of ['caller', 'listener'] as const) {
      const given = proof.of(side, meeting);
      expect(given.length).toBe(proofBytes);
      expect(other.holds(side, meeting, given)).toBe(true);
      expect(other.holds(side === 'caller' ? 'listener' : 'caller', meeting, given)).toBe(false);
    }
  });

  it('is of no use at another meeting: later, between others, at another port', () => {
    const given = proof.of('caller', meeting);
    const others: Meeting[] = [
      { ...meeting, callerNonce: proof.nonce() },
      { ...meeting, listenerNonce: proof.nonce() },
      { ...meeting, callerNonce: meeting.listenerNonce, listenerNonce: meeting.callerNonce },
      { ...meeting, caller: 'node 2', listener: 'node 1' },
      { ...meeting, caller: 'node 12', listener: 'node ' },
      { ...meeting, listener: 'node 3' },
      { ...meeting, port: 7401 },
    ];
    expect(others.map((other) => proof.holds('caller', other, given))).toEqual(others.map(() => false));
  });

  it('cannot be made without the secret, nor with that of another purpose', () => {
    for (const stranger of [
      mutualProofOf(Secrets.of(Buffer.from('another secret')), 'links 1', systemRandom),
      mutualProofOf(Secrets.of(secret), 'links 2', systemRandom),
    ]) {
      expect(proof.holds('caller', meeting, stranger.of('caller', meeting))).toBe(false);
    }
  });

  it('refuses anything that is no proof, and nonces whose border was moved', () => {
    const given = proof.of('caller', meeting);
    for (const bytes of [
      Buffer.alloc(0),
      given.subarray(1),
      Buffer.concat([given, given]),
      Buffer.alloc(32),
    ]) {
      expect(proof.holds('caller', meeting, bytes)).toBe(false);
    }
    const moved: Meeting = {
      ...meeting,
      callerNonce: Buffer.concat([meeting.callerNonce, meeting.listenerNonce.subarray(0, 1)]),
      listenerNonce: meeting.listenerNonce.subarray(1),
    };
    expect(proof.holds('caller', moved, proof.of('caller', moved))).toBe(false);
    expect(meeting.callerNonce.length).toBe(nonceBytes);
  });
});
