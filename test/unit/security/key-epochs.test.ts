/** What the computers of a cluster hold in common, replaced: which epoch stands, who knows it, and what is taken meanwhile. */
import { beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../core/platform/system-random.ts';
import { newAuthority } from '../../../core/security/certificates.ts';
import { contextSealOf } from '../../../core/security/context-seal.ts';
import {
  firstKeys,
  type HeldKeys,
  isLaterEpoch,
  type KeyEpoch,
  markOf,
  nextEpoch,
  secretsIn,
  strangersTo,
  withEpoch,
  withKnown,
} from '../../../core/security/key-epochs.ts';
import { packetSealOf } from '../../../core/security/packet-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';

const secretOf = (fill: number) => Buffer.alloc(32, fill);
let authority: KeyEpoch['authority'];
beforeAll(async () => {
  authority = await newAuthority('cluster', 0);
});

const first = () => withKnown(firstKeys(secretOf(1), authority, 0), ['a', 'b', 'x']);
const replaced = (held: HeldKeys, fill: number, letIn: string[]) =>
  nextEpoch(held, { secret: secretOf(fill), authority: null, letIn }, 1);

describe('epochs of the keys', () => {
  it('are due while somebody knows the current one who is not let in, whoever made it', () => {
    const held = first();
    expect(strangersTo(held, new Set(['a', 'b', 'x']))).toEqual([]);
    expect(strangersTo(held, new Set(['a', 'b']))).toEqual(['x']);
    const next = replaced(held, 2, ['a', 'b']);
    expect(strangersTo(next, new Set(['a', 'b']))).toEqual([]);
    // Two halves of a network: the other half had not heard that x was taken out, and gave it a later epoch.
    const elsewhere = replaced(replaced(held, 3, ['a', 'b', 'x']), 4, ['a', 'b', 'x']);
    const taken = withEpoch(next, elsewhere.current, elsewhere.knownTo, 'alone')!;
    expect(strangersTo(taken, new Set(['a', 'b']))).toEqual(['x']);
  });

  it('that were made at two computers at once come to one at all of them, in whatever order they are heard of', () => {
    const [one, other] = [replaced(first(), 2, ['a']), replaced(first(), 3, ['a'])];
    const ends = [
      [one, other],
      [other, one],
    ].map(([here, there]) => (withEpoch(here, there.current, there.knownTo, 'taken') ?? here).current);
    expect(ends[0]).toEqual(ends[1]);
    expect(withEpoch(one, one.current, one.knownTo, 'used')).toBeNull();
    expect(withEpoch(one, first().current, [], 'used')).toBeNull();
    expect(isLaterEpoch(markOf(one.current), markOf(first().current))).toBe(true);
  });

  it('tell nothing of the secret by their marks', () => {
    const { current } = first();
    expect(JSON.stringify(markOf(current))).not.toContain(current.secret);
  });

  it('are taken before they are used, and the one before is taken no more in the end', () => {
    const held = replaced(first(), 2, ['a', 'b']);
    const at = (phase: Parameters<typeof secretsIn>[1]) => new Secrets(secretsIn(held, phase));
    const head = Buffer.from('head');
    const opens = (sender: Secrets, receiver: Secrets) =>
      packetSealOf(receiver, systemRandom).open(
        head,
        packetSealOf(sender, systemRandom).close(head, Buffer.from('body')),
      ) !== null;
    const old = new Secrets(secretsIn(first(), 'alone'));
    for (const [sender, receiver] of [
      [old, at('taken')],
      [at('taken'), old],
      [at('taken'), at('used')],
      [at('used'), at('taken')],
      [at('used'), at('alone')],
      [at('alone'), at('used')],
    ])
      expect(opens(sender, receiver)).toBe(true);
    expect(opens(old, at('alone'))).toBe(false);
    expect(opens(at('used'), old)).toBe(false);
    // A process that stays is told, and what it derived of the one before goes.
    const staying = at('taken');
    expect(opens(at('used'), staying)).toBe(true);
    staying.change(secretsIn(held, 'alone'));
    expect(opens(old, staying)).toBe(false);
  });

  it('leave a context good that a client got before, and none of two replacements ago', () => {
    const next = replaced(first(), 2, ['a']);
    const context = Buffer.from('what a read gave');
    const seal = contextSealOf(new Secrets(secretsIn(first(), 'alone'))).of(context);
    expect(contextSealOf(new Secrets(secretsIn(next, 'alone'))).holds(context, seal)).toBe(true);
    const after = replaced(next, 3, ['a']);
    expect(contextSealOf(new Secrets(secretsIn(after, 'alone'))).holds(context, seal)).toBe(false);
    expect(contextSealOf(new Secrets(secretsIn(next, 'alone'))).holds(context, Buffer.alloc(3))).toBe(false);
  });
});
