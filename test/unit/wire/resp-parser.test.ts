/** The request parser: whole commands whatever the cuts, Redis's words for broken streams, cost linear in the bytes. */
import { describe, expect, test } from 'vitest';
import { encodeCommand } from '../../../core/wire/resp/encoder.ts';
import { RespProtocolError, RespRequestParser, respParserDefaults } from '../../../core/wire/resp/parser.ts';

function parseAll(chunks: readonly Buffer[], settings = respParserDefaults): string[][] {
  const parser = new RespRequestParser(settings);
  const commands: string[][] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let command = parser.next(); command !== null; command = parser.next()) {
      commands.push(command.map((word) => word.toString('latin1')));
    }
  }
  return commands;
}

function errorOf(text: string, prepare: (parser: RespRequestParser) => void = () => {}): string {
  const parser = new RespRequestParser();
  prepare(parser);
  parser.push(Buffer.from(text, 'latin1'));
  try {
    while (parser.next() !== null);
  } catch (cause) {
    if (cause instanceof RespProtocolError) return cause.message;
    throw cause;
  }
  return 'no error';
}

describe('RespRequestParser', () => {
  const stream = Buffer.concat([
    encodeCommand(['SET', 'key', 'line\r\nbreak']),
    Buffer.from("PING\r\n\r\nECHO \"a b\\x41\\n\" 'it\\'s'\n*0\r\n*-1\r\n", 'latin1'),
    encodeCommand(['GET', '']),
    encodeCommand(['SET', 'long', 'x'.repeat(40_000)]),
    encodeCommand(['PING']),
  ]);
  const expected = [
    ['SET', 'key', 'line\r\nbreak'],
    ['PING'],
    ['ECHO', 'a bA\n', "it's"],
    ['GET', ''],
    ['SET', 'long', 'x'.repeat(40_000)],
    ['PING'],
  ];

  test('gives the same commands for one chunk, for single bytes and for each cut in two', () => {
    expect(parseAll([stream])).toEqual(expected);
    expect(parseAll(Array.from(stream, (byte) => Buffer.from([byte])))).toEqual(expected);
    for (let cut = 0; cut <= stream.length; cut += cut < 200 || cut > 39_900 ? 1 : 997) {
      expect(parseAll([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    }
  });

  test('hands out small words as slices of what came, without a copy', () => {
    const parser = new RespRequestParser();
    const bytes = encodeCommand(['GET', 'key']);
    parser.push(bytes);
    expect(parser.next()![1].buffer).toBe(bytes.buffer);
  });

  test('words handed out earlier stay as they were while more arrives', () => {
    const parser = new RespRequestParser();
    const bytes = encodeCommand(['SET', 'first-key', 'first-value']);
    for (const byte of bytes.subarray(0, -1)) parser.push(Buffer.from([byte]));
    parser.push(bytes.subarray(-1));
    const first = parser.next()!;
    for (const byte of encodeCommand(['SET', 'other-key', 'other-value'])) parser.push(Buffer.from([byte]));
    expect(parser.next()!.map(String)).toEqual(['SET', 'other-key', 'other-value']);
    expect(first.map(String)).toEqual(['SET', 'first-key', 'first-value']);
  });

  test('a value of 50 MiB in small chunks costs time in proportion to its length', () => {
    const value = Buffer.alloc(50 * 1_048_576, 0x61);
    const bytes = encodeCommand(['SET', 'k', value]);
    const parser = new RespRequestParser();
    for (let start = 0; start < bytes.length; start += 1_000)
      parser.push(bytes.subarray(start, start + 1_000));
    expect(parser.next()![2].equals(value)).toBe(true);
    expect(parser.pendingBytes).toBe(0);
  });

  test('a declared length alone reserves little memory', () => {
    const parser = new RespRequestParser();
    parser.push(Buffer.from('*2\r\n$3\r\nGET\r\n$52428800\r\nabc'));
    expect(parser.next()).toBeNull();
    expect(parser.pendingBytes).toBe(3);
  });

  test.each([
    ['*x\r\n', 'Protocol error: invalid multibulk length'],
    ['*1048577\r\n', 'Protocol error: invalid multibulk length'],
    [`*${'1'.repeat(65_537)}`, 'Protocol error: too big mbulk count string'],
    ['*1\r\nPING\r\n', "Protocol error: expected '$', got 'P'"],
    ['*1\r\n$-1\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$52428801\r\n', 'Protocol error: invalid bulk length'],
    ['*1\r\n$01\r\n', 'Protocol error: invalid bulk length'],
    [`*1\r\n$${'1'.repeat(65_537)}`, 'Protocol error: too big bulk count string'],
    ['x'.repeat(65_537), 'Protocol error: too big inline request'],
    ['SET "a b\r\n', 'Protocol error: unbalanced quotes in request'],
    ['SET "a"b\r\n', 'Protocol error: unbalanced quotes in request'],
    ["SET 'a\r\n", 'Protocol error: unbalanced quotes in request'],
  ])('refuses %.40s', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  test('holds a client that has not authenticated to small requests', () => {
    const stranger = (parser: RespRequestParser): void => {
      parser.authenticated = false;
    };
    expect(errorOf('*11\r\n', stranger)).toBe('Protocol error: unauthenticated multibulk length');
    expect(errorOf('*1\r\n$16385\r\n', stranger)).toBe('Protocol error: unauthenticated bulk length');
    expect(errorOf('*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n', stranger)).toBe('no error');
  });

  test('bounds all arguments of one command together', () => {
    const settings = { ...respParserDefaults, commandBytesMax: 10 };
    expect(() => parseAll([encodeCommand(['SET', 'k', '1234567'])], settings)).toThrow(
      'query buffer limit exceeded',
    );
  });
});
