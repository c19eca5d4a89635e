import { expect, it } from 'vitest';
import { stampedNetwork } from '../../../core/node/stamped-network.ts';
import {
  encodeCall,
  encodeEmpty,
  frameType,
  layoutVersionOf,
  parseCall,
  requestIdOf,
} from '../../../core/wire/peer/frames.ts';
import { mustBeVersion } from '../../../core/wire/peer/layout-versions.ts';
import { HandNetwork } from '../../support/hand-network.ts';

it('every frame says by which layout its sender goes at that moment, and is otherwise as it was', () => {
  const hand = new HandNetwork();
  let version = 7;
  const network = stampedNetwork(hand, () => version);
  network.send(1, encodeCall(5, 3, Buffer.from('question')));
  version = 4_000_000_000;
  network.send(1, encodeEmpty(frameType.replicaSame, 6));
  const [first, second] = hand.sent.map(({ frame }) => frame);
  expect([layoutVersionOf(first), layoutVersionOf(second)]).toEqual([7, 4_000_000_000]);
  expect([requestIdOf(first), requestIdOf(second)]).toEqual([5, 6]);
  expect(parseCall(first)).toMatchObject({ method: 3, payload: Buffer.from('question') });
});

it('what only makes sense under one layout is put off under two', () => {
  expect(() => mustBeVersion(3, 3)).not.toThrow();
  expect(() => mustBeVersion(3, 4)).toThrowError(expect.objectContaining({ code: 'not-ready' }));
  expect(() => mustBeVersion(3, 0)).toThrowError(expect.objectContaining({ code: 'not-ready' }));
});
