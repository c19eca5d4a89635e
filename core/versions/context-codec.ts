/**
 * The causal context as text: what a read hands to a client and a later write hands back. It is opaque to clients, safe
 * in headers and URLs, bound to its key and checked, because a damaged or misplaced context would silently supersede
 * values that its writer never saw.
 */
import { CoterieError } from '../base/errors.ts';
import { hash64 } from '../base/hash.ts';
import type { KeyAddress } from '../base/token.ts';
import { dotBytes, readDot, writeDot } from './record-codec.ts';
import type { Context, Dot } from './version-set.ts';

const format = 1;
const headBytes = 9;
const checkBytes = 4;

/** '' for an empty context. */
export function encodeContext(context: Context, address: KeyAddress): string {
  if (context.length === 0) return '';
  const bytes = Buffer.allocUnsafe(headBytes + context.length * dotBytes + checkBytes);
  bytes[0] = format;
  bytes.writeUInt32BE(address.tokenHigh, 1);
  bytes.writeUInt32BE(address.tokenLow, 5);
  let offset = headBytes;
  for (const dot of context) {
    writeDot(bytes, offset, dot);
    offset += dotBytes;
  }
  bytes.writeUInt32BE(hash64(bytes.subarray(0, offset)).low, offset);
  return bytes.toString('base64url');
}

/** Throws `bad-input` with what to do when the text is damaged or belongs to another key. */
export function parseContext(text: string, address: KeyAddress): Context {
  if (text === '') return [];
  const bytes = Buffer.from(text, 'base64url');
  const end = bytes.length - checkBytes;
  const damaged =
    end <= headBytes ||
    (end - headBytes) % dotBytes !== 0 ||
    bytes[0] !== format ||
    bytes.toString('base64url') !== text ||
    bytes.readUInt32BE(end) !== hash64(bytes.subarray(0, end)).low;
  if (damaged) {
    throw new CoterieError(
      'bad-input',
      'The context is damaged. Read the key again and hand its context back unchanged.',
    );
  }
  if (bytes.readUInt32BE(1) !== address.tokenHigh || bytes.readUInt32BE(5) !== address.tokenLow) {
    throw new CoterieError(
      'bad-input',
      'The context belongs to another key. Use the context of the last read of this key.',
    );
  }
  const context: Dot[] = [];
  for (let offset = headBytes; offset < end; offset += dotBytes) {
    const dot = readDot(bytes, offset);
    const previous = context.at(-1);
    if (dot.counter === 0 || (previous !== undefined && previous.actor >= dot.actor)) {
      throw new CoterieError('bad-input', 'The context is damaged. Read the key again.');
    }
    context.push(dot);
  }
  return context;
}
