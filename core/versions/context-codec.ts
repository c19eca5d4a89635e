/**
 * The causal context as text: what a read hands to a client and a later write hands back. It is opaque to clients, safe
 * in headers and URLs, bound to its key and checked, because a damaged or misplaced context would silently supersede
 * values that its writer never saw.
 */
import { CoterieError } from '../base/errors.ts';
import { hash64 } from '../base/hash.ts';
import type { KeyAddress } from '../base/token.ts';
import { dotBytes, readDot, writeDot } from './record-codec.ts';
import { type Basis, blindBasis, type Dot } from './version-set.ts';

const format = 1;
// u8 format, u64 token, u16 count of context entries; then those, then single dots, then the check.
const headBytes = 11;
const checkBytes = 4;

/** '' when nothing was read. */
export function encodeBasis(basis: Basis, address: KeyAddress): string {
  const dots = [...basis.context, ...basis.dots];
  if (dots.length === 0) return '';
  const bytes = Buffer.allocUnsafe(headBytes + dots.length * dotBytes + checkBytes);
  bytes[0] = format;
  bytes.writeUInt32BE(address.tokenHigh, 1);
  bytes.writeUInt32BE(address.tokenLow, 5);
  bytes.writeUInt16BE(basis.context.length, 9);
  let offset = headBytes;
  for (const dot of dots) {
    writeDot(bytes, offset, dot);
    offset += dotBytes;
  }
  bytes.writeUInt32BE(hash64(bytes.subarray(0, offset)).low, offset);
  return bytes.toString('base64url');
}

/** Throws `bad-input` with what to do when the text is damaged or belongs to another key. */
export function parseBasis(text: string, address: KeyAddress): Basis {
  if (text === '') return blindBasis;
  const bytes = Buffer.from(text, 'base64url');
  const end = bytes.length - checkBytes;
  const damaged =
    end <= headBytes ||
    (end - headBytes) % dotBytes !== 0 ||
    bytes[0] !== format ||
    bytes.toString('base64url') !== text ||
    bytes.readUInt32BE(end) !== hash64(bytes.subarray(0, end)).low;
  if (damaged) throw damagedContext();
  if (bytes.readUInt32BE(1) !== address.tokenHigh || bytes.readUInt32BE(5) !== address.tokenLow) {
    throw new CoterieError(
      'bad-input',
      'The context belongs to another key. Use the context of the last read of this key.',
    );
  }
  const contextCount = bytes.readUInt16BE(9);
  const context: Dot[] = [];
  const dots: Dot[] = [];
  for (let offset = headBytes; offset < end; offset += dotBytes) {
    const dot = readDot(bytes, offset);
    const inOrder = dots.length > 0 || context.length === 0 || context[context.length - 1].actor < dot.actor;
    if (dot.counter === 0 || (context.length < contextCount && !inOrder)) throw damagedContext();
    (context.length < contextCount ? context : dots).push(dot);
  }
  return { context, dots };
}

function damagedContext(): CoterieError {
  return new CoterieError(
    'bad-input',
    'The context is damaged. Read the key again and hand its context back unchanged.',
  );
}
