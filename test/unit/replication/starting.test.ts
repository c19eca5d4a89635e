import { describe, expect, it } from 'vitest';
import { refuseWhileStarting } from '../../../core/replication/replica/starting.ts';
import { calls, decodeAnswer } from '../../../core/wire/peer/calls.ts';
import {
  encodeCall,
  encodeEmpty,
  encodeKeyed,
  frameType,
  parseStatus,
  requestIdOf,
  status,
  typeOf,
} from '../../../core/wire/peer/frames.ts';
import { HandNetwork } from '../../support/hand-network.ts';

const key = Buffer.from('k');

function answerTo(frame: Buffer): Buffer | null {
  const network = new HandNetwork();
  refuseWhileStarting(network);
  network.arrive(2, frame);
  expect(network.sent.length).toBeLessThanOrEqual(1);
  return network.sent[0]?.frame ?? null;
}

describe('a node that opens its storage', () => {
  it.each(Object.entries(calls))('tells who asks for %s at once that it may be asked again', (_, call) => {
    const answer = answerTo(encodeCall(7, call.method, key))!;
    expect(requestIdOf(answer)).toBe(7);
    expect(decodeAnswer(answer, call)).toMatchObject({ error: { code: 'not-ready' }, body: null });
  });

  it.each([
    ['a write', frameType.replicaPut, frameType.replicaAck],
    ['a read', frameType.replicaGet, frameType.replicaRecord],
  ] as const)('has no vote on %s, and says so at once', (_, asked, answered) => {
    const answer = answerTo(encodeKeyed(asked, 7, 0, key, key, 1))!;
    expect([typeOf(answer), requestIdOf(answer), parseStatus(answer).code]).toEqual([
      answered,
      7,
      status.failed,
    ]);
  });

  it('answers nothing where nothing is awaited, nor answers, nor what is too short', () => {
    expect(answerTo(encodeKeyed(frameType.replicaPut, 0, 0, key, key, 1))).toBeNull();
    expect(answerTo(encodeEmpty(frameType.replicaSame, 7))).toBeNull();
    expect(answerTo(encodeCall(7, 1, key).subarray(0, 8))).toBeNull();
  });
});
