/**
 * Join codes: what a person carries from a computer of a cluster to one that wants to come in. 30 bytes in Crockford's base 32
 * (https://www.crockford.com/base32.html), in groups of six: a version, the number of the invitation, its secret, the first half of the
 * SHA-256 of the authority's certificate, and a check byte that tells a typing mistake from a wrong code. By the fingerprint the
 * newcomer knows whom it speaks to before it says anything; by the secret it shows that it was invited (kubeadm's token with
 * discovery-token-ca-cert-hash does the same).
 */
import { createHash, createHmac } from 'node:crypto';
import { CoterieError } from '../base/errors.ts';

const version = 1;
const idBytes = 2;
const secretBytes = 10;
/** 128 bits: a second certificate with the same beginning cannot be found. */
const fingerprintBytes = 16;
const codeBytes = 1 + idBytes + secretBytes + fingerprintBytes + 1;
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupChars = 6;
const linkStart = 'coterie://join/';

export interface JoinCode {
  /** Of the invitation, 4 hexadecimal digits. */
  readonly id: string;
  readonly secret: Buffer;
  /** The first 16 bytes of the SHA-256 of the authority's certificate. */
  readonly fingerprint: Buffer;
}

export function encodeJoinCode({ id, secret, fingerprint }: JoinCode): string {
  const body = Buffer.concat([
    Buffer.from([version]),
    Buffer.from(id, 'hex'),
    secret,
    fingerprint.subarray(0, fingerprintBytes),
  ]);
  const text = base32Of(Buffer.concat([body, checkOf(body)]));
  return text.match(new RegExp(`.{${groupChars}}`, 'g'))!.join('-');
}

/** `at`: host:port of computers of the cluster. */
export function joinLinkOf(code: string, at: readonly string[]): string {
  return `${linkStart}${code}?at=${at.map(encodeURIComponent).join(',')}`;
}

/** Takes a code or a link, as people paste them. Throws `bad-input` that says what is wrong with it. */
export function readJoinCode(text: string): JoinCode & { at: readonly string[] } {
  const given = text.trim();
  const [code, query = ''] = given.toLowerCase().startsWith(linkStart)
    ? given.slice(linkStart.length).split('?')
    : [given];
  const at = (new URLSearchParams(query).get('at') ?? '').split(',').filter((one) => one !== '');
  const bytes = bytesOf(code);
  const body = bytes?.subarray(0, codeBytes - 1);
  if (bytes === null || body === undefined || bytes.length !== codeBytes) {
    throw new CoterieError(
      'bad-input',
      'This is no join code: it has eight groups of six letters and digits, or is a link that begins with coterie://join/. Copy it anew.',
    );
  }
  if (!checkOf(body).equals(bytes.subarray(codeBytes - 1))) {
    throw new CoterieError('bad-input', 'There is a mistake in the join code. Compare it, or copy it anew.');
  }
  if (bytes[0] !== version) {
    throw new CoterieError(
      'unsupported',
      'This join code is of another version of Coterie. Bring both computers to the same version.',
    );
  }
  return {
    id: bytes.subarray(1, 1 + idBytes).toString('hex'),
    secret: Buffer.from(bytes.subarray(1 + idBytes, 1 + idBytes + secretBytes)),
    fingerprint: Buffer.from(bytes.subarray(1 + idBytes + secretBytes, codeBytes - 1)),
    at,
  };
}

/**
 * Shows that one who asks holds an invitation's secret, for this request and this one channel: `exporter` is keying material of the
 * TLS connection (RFC 8446, 7.5), which nobody in between has. 32 bytes.
 */
export function joinProof(secret: Buffer, exporter: Buffer, request: Buffer): Buffer {
  const digest = createHash('sha256').update(request).digest();
  return createHmac('sha256', secret).update('coterie join 1').update(exporter).update(digest).digest();
}

export const joinExporter = { bytes: 32, label: 'EXPORTER-coterie-join-1' } as const;
export const invitationSecretBytes = secretBytes;
export const invitationIdBytes = idBytes;

function checkOf(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, 1);
}

function base32Of(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

/** Null for what is no base 32. O is read as 0, I and L as 1. */
function bytesOf(text: string): Buffer | null {
  const plain = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const char of plain) {
    const value = alphabet.indexOf(char);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >>> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}
