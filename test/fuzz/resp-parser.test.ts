/** Bytes from outside: nothing makes the parsers throw anything but a protocol error, and no cut changes the meaning. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCommand } from '../../core/wire/resp/encoder.ts';
import { RespProtocolError, RespRequestParser } from '../../core/wire/resp/parser.ts';
import { RespReplyParser } from '../../core/wire/resp/reply-parser.ts';

function drain(parser: RespRequestParser | RespReplyParser, chunks: readonly Buffer[]): unknown[] {
  const found: unknown[] = [];
  try {
    for (const chunk of chunks) {
      parser.push(chunk);
      // Of commands none is null, of replies none is undefined.
      const nothing = parser instanceof RespReplyParser ? undefined : null;
      for (let next = parser.next(); next !== nothing; next = parser.next()) found.push(next);
    }
  } catch (cause) {
    if (!(cause instanceof RespProtocolError)) throw cause;
    found.push(cause.message);
  }
  return found;
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

/** Bytes that look enough like RESP to get deep into the parsers. */
const nearlyResp = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '*',
        '$',
        '\r\n',
        '\r',
        '\n',
        '1',
        '2',
        '0',
        '-1',
        '-',
        ':',
        '+',
        '%',
        '~',
        '>',
        '|',
        '_',
        '#t',
        '"',
        "'",
        ' ',
        '\\x',
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const places = fc.array(fc.nat(), { maxLength: 6 });

test('random bytes give commands or a protocol error, the same for every cut', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyResp, anyBytes), places, (bytes, cuts) => {
      const whole = drain(new RespRequestParser(), [bytes]);
      expect(drain(new RespRequestParser(), cut(bytes, cuts))).toEqual(whole);
    }),
    { numRuns: 3_000 },
  );
});

test('random bytes give replies or a protocol error, the same for every cut', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyResp, anyBytes), places, (bytes, cuts) => {
      const whole = drain(new RespReplyParser(), [bytes]);
      expect(drain(new RespReplyParser(), cut(bytes, cuts))).toEqual(whole);
    }),
    { numRuns: 3_000 },
  );
});

test('what was encoded is what is parsed, for every cut', () => {
  const words = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), places, (commands, cuts) => {
      const bytes = Buffer.concat(commands.map((command) => encodeCommand(command)));
      const found = drain(new RespRequestParser(), cut(bytes, cuts));
      expect(found).toEqual(commands.map((command) => command.map((word) => Buffer.from(word))));
    }),
    { numRuns: 1_000 },
  );
});
