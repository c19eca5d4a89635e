import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { type Call, calls, decodeAnswer, encodeAnswer } from '../../../core/wire/peer/calls.ts';
import { encodeStatus, frameBytesMax, frameType, status } from '../../../core/wire/peer/frames.ts';

const small: Call = { method: 50, questionBytesMax: 4, answerBytesMax: 4 };
const failed = (text: string) => encodeStatus(frameType.callReply, 1, status.failed, Buffer.from(text));

describe('the calls between nodes', () => {
  it('have a number each, and fit a frame', () => {
    const numbers = Object.values(calls).map(({ method }) => method);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const { questionBytesMax, answerBytesMax } of Object.values(calls)) {
      expect(Math.max(questionBytesMax, answerBytesMax)).toBeLessThanOrEqual(frameBytesMax);
    }
  });

  it('are answered with a body, or with an error that says the same on both sides', () => {
    expect(decodeAnswer(encodeAnswer(1, null, Buffer.from('abcd')), small).body?.toString()).toBe('abcd');
    const { error, body } = decodeAnswer(encodeAnswer(1, new CoterieError('busy', 'Later.'), null), small);
    expect([error?.code, error?.message, body]).toEqual(['busy', 'Later.', null]);
  });

  it('take no answer beyond their bound', () => {
    expect(decodeAnswer(encodeAnswer(1, null, Buffer.alloc(5)), small).error?.code).toBe('unavailable');
  });

  it.each([
    'not JSON',
    'null',
    '[]',
    '{"code":"no such code","message":"x"}',
    '{"code":"busy"}',
    '{"code":"busy","message":7}',
    '{"code":7,"message":"x"}',
  ])('take %s, said as an error, for an answer without use', (text) => {
    expect(decodeAnswer(failed(text), small).error?.code).toBe('unavailable');
  });

  it('keep no more of an error than people read', () => {
    const long = JSON.stringify({ code: 'busy', message: 'x'.repeat(100_000) });
    expect(decodeAnswer(failed(long), small).error?.message).toHaveLength(4_096);
  });
});
