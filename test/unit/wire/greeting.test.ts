/** Which protocol two nodes agree on, and that nobody in between can have them agree on another. */
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../core/platform/system-random.ts';
import { mutualProofOf } from '../../../core/security/mutual-proof.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import { bodyOf, encodeJson, frameType } from '../../../core/wire/peer/frames.ts';
import { PeerGreeting, type Speech } from '../../../core/wire/peer/greeting.ts';

const proof = mutualProofOf(Secrets.of(Buffer.alloc(32, 1)), 'links', systemRandom);

function side(selfId: number, dialled: number | null, speaks?: Speech): PeerGreeting {
  return new PeerGreeting(proof, {
    ...{ selfId, clusterId: 'c', port: 7, dialled, isPeer: () => true },
    ...(speaks === undefined ? {} : { speaks }),
  });
}

/** What both speak in the end. `onHello` sees the caller's hello and may put another in its place. */
function met(
  callers: Speech | undefined,
  listeners: Speech | undefined,
  onHello = (frame: Buffer) => frame,
): [number, number] {
  const caller = side(1, 2, callers);
  const listener = side(2, null, listeners);
  const { reply: hello } = listener.take(onHello(caller.begin()!));
  const { reply: callersProof } = caller.take(hello!);
  const { reply: listenersProof } = listener.take(callersProof!);
  expect(caller.take(listenersProof!).peer).toBe(2);
  return [caller.protocol, listener.protocol];
}

describe('two nodes that meet', () => {
  it('speak what this program speaks', () => {
    const [one, other] = met(undefined, undefined);
    expect(one).toBe(other);
    expect(one).toBeGreaterThan(0);
  });

  it.each([
    [{ newest: 5, oldest: 3 }, { newest: 4, oldest: 4 }, 4],
    [{ newest: 4, oldest: 4 }, { newest: 9, oldest: 2 }, 4],
    [{ newest: 6, oldest: 3 }, { newest: 6, oldest: 6 }, 6],
  ])('speak the newest that both do: %o and %o', (callers, listeners, common) => {
    expect(met(callers, listeners)).toEqual([common, common]);
  });

  it.each([
    [
      { newest: 5, oldest: 5 },
      { newest: 4, oldest: 1 },
    ],
    [
      { newest: 2, oldest: 1 },
      { newest: 9, oldest: 3 },
    ],
  ])('part with words when they have none in common: %o and %o', (callers, listeners) => {
    expect(() => met(callers, listeners)).toThrow(/It speaks protocol .*, this node .*Run the same version/);
  });

  it('take one that names no oldest to speak its newest alone', () => {
    const plain = (frame: Buffer) => {
      const { nonce } = JSON.parse(bodyOf(frame).toString());
      return encodeJson(frameType.hello, 0, { protocol: 4, nonce });
    };
    expect(met({ newest: 4, oldest: 4 }, { newest: 5, oldest: 3 }, plain)).toEqual([4, 4]);
  });

  it('find out when somebody in between names an older one', () => {
    const older = (frame: Buffer) => {
      const { nonce, oldest } = JSON.parse(bodyOf(frame).toString());
      return encodeJson(frameType.hello, 0, { protocol: 3, oldest, nonce });
    };
    const both = { newest: 5, oldest: 3 };
    expect(() => met(both, both, older)).toThrow('does not hold the secret');
  });

  it.each([0, -1, 1.5, '3', null, 70_000])('refuse %o as a version', (protocol) => {
    const strange = (frame: Buffer) => {
      const { nonce } = JSON.parse(bodyOf(frame).toString());
      return encodeJson(frameType.hello, 0, { protocol, nonce });
    };
    expect(() => met(undefined, undefined, strange)).toThrow('did not introduce itself');
  });
});
