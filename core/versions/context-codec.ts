/**
 * The causal context as text: what a read hands to a client and a later write hands back. It is opaque to clients, safe
 * in headers and URLs, bound to its key and sealed, because a damaged, misplaced or invented context would silently supersede
 * values that its writer never saw, or name events that never were.
 */
import { CoterieError } from '../base/errors.ts';
import type { KeyAddress } from '../base/token.ts';
import { type ContextSeal, sealBytes } from '../ports/context-seal.ts';
import { dotBytes, readDot, writeDot } from './record-codec.ts';
import { type Basis, blindBasis, type Dot } from './version-set.ts';

const format = 2;
// u8 format, u64 token, u16 count of context entries; then those, then single dots, then the seal of all that and the key.
const headBytes = 11;

/** '' when nothing was read. */
export function encodeBasis(basis: Basis, address: KeyAddress, seal: ContextSeal): string {
  const dots = [...basis.context, ...basis.dots];
  if (dots.length === 0) return '';
  const bytes = Buffer.allocUnsafe(headBytes + dots.length * dotBytes + sealBytes);
  bytes[0] = format;
  bytes.writeUInt32BE(address.tokenHigh, 1);
  bytes.writeUInt32BE(address.tokenLow, 5);
  bytes.writeUInt16BE(basis.context.length, 9);
  let offset = headBytes;
  for (const dot of dots) {
    writeDot(bytes, offset, dot);
    offset += dotBytes;
  }
  seal.of(sealedBytes(bytes.subarray(0, offset), address)).copy(bytes, offset);
  return bytes.toString('base64url');
}

/** Throws `bad-input` with what to do when the text is damaged or belongs to another key. */
export function parseBasis(text: string, address: KeyAddress, seal: ContextSeal): Basis {
  if (text === '') return blindBasis;
  const bytes = Buffer.from(text, 'base64url');
  const end = bytes.length - sealBytes;
  const damaged =
    end <= headBytes ||
    (end - headBytes) % dotBytes !== 0 ||
    bytes[0] !== format ||
    bytes.toString('base64url') !== text;
  if (damaged) throw damagedContext();
  if (bytes.readUInt32BE(1) !== address.tokenHigh || bytes.readUInt32BE(5) !== address.tokenLow) {
    throw new CoterieError(
      'bad-input',
      'The context belongs to another key. Use the context of the last read of this key.',
    );
  }
  if (!seal.holds(sealedBytes(bytes.subarray(0, end), address), bytes.subarray(end))) throw damagedContext();
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

/** Keyspace and key count as well: two keys may have one token. */
function sealedBytes(bytes: Buffer, { keyspace, key }: KeyAddress): Buffer {
  const head = Buffer.allocUnsafe(2);
  head.writeUInt16BE(keyspace, 0);
  return Buffer.concat([head, key, bytes]);
}

function damagedContext(): CoterieError {
  return new CoterieError(
    'bad-input',
    'The context is damaged. Read the key again and hand its context back unchanged.',
  );
}
