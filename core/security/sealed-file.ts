/**
 * A file that is locked by the key store of the system: one line that says so, then what the box sealed, in base64. Inside, a digest
 * goes before the content: some systems seal without one, and would hand out garbage for what was changed or sealed by another key. The
 * file's name is in it, so that one cannot be put in the place of another.
 */
import { createHash } from 'node:crypto';
import type { SecretBox } from '../ports/secret-box.ts';

const firstLine = Buffer.from('coterie locked 1\n');
const digestBytes = 32;

export function isSealed(bytes: Buffer): boolean {
  return bytes.subarray(0, firstLine.length).equals(firstLine);
}

export function sealedFile(box: SecretBox, name: string, plain: Buffer): Buffer {
  const sealed = box.seal(Buffer.concat([digestOf(name, plain), plain]));
  return Buffer.concat([firstLine, Buffer.from(`${sealed.toString('base64')}\n`)]);
}

/** Throws whatever the box does, and an error for what was changed or is another file's. */
export function openedFile(box: SecretBox, name: string, bytes: Buffer): Buffer {
  const text = bytes.subarray(firstLine.length).toString('latin1');
  const sealed = Buffer.from(text, 'base64');
  if (`${sealed.toString('base64')}\n` !== text) throw new Error('the file is damaged');
  const opened = box.open(sealed);
  const plain = opened.subarray(digestBytes);
  if (!opened.subarray(0, digestBytes).equals(digestOf(name, plain))) throw new Error('the file is damaged');
  return plain;
}

function digestOf(name: string, plain: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(plain).digest();
}
