/** The encoder in both protocols, and the reply parser as its inverse. */
import { describe, expect, test } from 'vitest';
import { RespEncoder } from '../../../core/wire/resp/encoder.ts';
import {
  RespErrorReply,
  RespPush,
  type RespReply,
  RespReplyParser,
} from '../../../core/wire/resp/reply-parser.ts';

function encoded(
  protocol: 2 | 3,
  write: (encoder: RespEncoder) => void,
  encoder = new RespEncoder(),
): Buffer {
  encoder.begin(protocol);
  write(encoder);
  return Buffer.concat(encoder.take());
}

function parsed(chunks: readonly Buffer[]): RespReply[] {
  const parser = new RespReplyParser();
  const replies: RespReply[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  }
  return replies;
}

describe('RespEncoder', () => {
  test.each<[string, (encoder: RespEncoder) => void, string, string]>([
    ['ok', (e) => e.ok(), '+OK\r\n', '+OK\r\n'],
    ['nil', (e) => e.nil(), '$-1\r\n', '_\r\n'],
    ['a null array', (e) => e.nilArray(), '*-1\r\n', '_\r\n'],
    ['an error without line ends', (e) => e.error('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
    [
      'integers',
      (e) => {
        for (const n of [0, -1, 10, 2 ** 40]) e.integer(n);
      },
      ':0\r\n:-1\r\n:10\r\n:1099511627776\r\n',
      ':0\r\n:-1\r\n:10\r\n:1099511627776\r\n',
    ],
    [
      'a 64-bit integer',
      (e) => e.integer(9223372036854775807n),
      ':9223372036854775807\r\n',
      ':9223372036854775807\r\n',
    ],
    ['text in UTF-8', (e) => e.text('é'), '$2\r\né\r\n', '$2\r\né\r\n'],
    ['a map', (e) => e.map(2), '*4\r\n', '%2\r\n'],
    ['a set', (e) => e.set(2), '*2\r\n', '~2\r\n'],
    ['a push', (e) => e.push(2), '*2\r\n', '>2\r\n'],
    ['a boolean', (e) => e.boolean(true), ':1\r\n', '#t\r\n'],
    ['verbatim text', (e) => e.verbatim('hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
  ])('writes %s', (_title, write, two, three) => {
    expect(encoded(2, write).toString()).toBe(two);
    expect(encoded(3, write).toString()).toBe(three);
  });

  test('passes a large value through uncopied', () => {
    const encoder = new RespEncoder();
    const value = Buffer.alloc(100_000, 1);
    encoder.begin(2);
    encoder.bulk(value);
    const pieces = encoder.take();
    expect(pieces[1]).toBe(value);
    expect(Buffer.concat(pieces).length).toBe(100_000 + '$100000\r\n\r\n'.length);
  });

  test('replies taken earlier stay as they were when the slab is used up', () => {
    const encoder = new RespEncoder();
    const taken: Buffer[] = [];
    for (let index = 0; index < 20_000; index++) {
      taken.push(encoded(2, (e) => e.text(`value ${index}`), encoder));
    }
    taken.forEach((bytes, index) => {
      expect(parsed([bytes])).toEqual([Buffer.from(`value ${index}`)]);
    });
  });
});

describe('RespReplyParser', () => {
  const stream = Buffer.from(
    '+OK\r\n-ERR no\r\n:42\r\n:9223372036854775807\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n*-1\r\n*0\r\n_\r\n#t\r\n' +
      ',1.5\r\n,inf\r\n(123456789012345678901234567890\r\n=6\r\ntxt:hi\r\n!5\r\nERR x\r\n%1\r\n+k\r\n:1\r\n~1\r\n:5\r\n' +
      '>2\r\n+invalidate\r\n_\r\n|1\r\n+ttl\r\n:3\r\n:7\r\n',
    'latin1',
  );
  const expected: RespReply[] = [
    'OK',
    new RespErrorReply('ERR no'),
    42,
    9223372036854775807n,
    Buffer.from('abc'),
    null,
    [1, [Buffer.alloc(0)]],
    null,
    [],
    null,
    true,
    1.5,
    Number.POSITIVE_INFINITY,
    123456789012345678901234567890n,
    'hi',
    new RespErrorReply('ERR x'),
    new Map<RespReply, RespReply>([['k', 1]]),
    [5],
    new RespPush(['invalidate', null]),
    7,
  ];

  test('gives the same replies for one chunk, for single bytes and for each cut in two', () => {
    expect(parsed([stream])).toEqual(expected);
    expect(parsed(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(expected);
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(parsed([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    }
  });

  test('refuses what no server sends', () => {
    for (const text of [
      '?\r\n',
      '$x\r\n',
      '*-5\r\n',
      ':1.5\r\n',
      '#x\r\n',
      ',abc\r\n',
      '\r\n',
      '*1\r\n'.repeat(100),
    ]) {
      expect(() => parsed([Buffer.from(text)]), text).toThrow('Protocol error');
    }
  });
});
