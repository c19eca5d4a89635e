/**
 * A beacon: what a computer says of itself to everybody on its network, in one datagram of at most 512 bytes, big-endian:
 *
 *   u32 magic · u8 version · u8 kind · u8 flags · u16 port · u48 time · u32 run · 91 bytes of key · 32 of authority, if any ·
 *   clusterId · clusterName · computerId · computerName (each u8 length and UTF-8) · 64 bytes of signature
 *
 * The signature covers all before it and shows only that one key said all this: whoever reads it knows the sender no better
 * than before. Nothing here checks it, and nothing here throws on bytes from outside.
 */
import { assert } from '../base/assert.ts';
import { plainLine } from '../base/plain-text.ts';

export interface BeaconSigner {
  /** SubjectPublicKeyInfo of an ECDSA key on P-256, as DER. */
  readonly publicKey: Buffer;
  /** With SHA-256; 64 bytes, as IEEE P1363. */
  sign(bytes: Buffer): Buffer;
}

/** `waiting`: of no cluster, and would like to be. `farewell`: it goes now. */
export type BeaconKind = 'member' | 'waiting' | 'farewell';

/** What a computer says of itself, and does not change with each beacon. */
export interface Announcement {
  readonly kind: 'member' | 'waiting';
  /** A UUID; '' while it waits. */
  readonly clusterId: string;
  readonly clusterName: string;
  readonly computerId: string;
  readonly computerName: string;
  /** Fingerprint of the cluster's authority: 32 bytes in hexadecimal. */
  readonly authority: string | null;
  /** Where it takes connections of other computers (TCP). */
  readonly port: number;
}

export interface Beacon extends Omit<Announcement, 'kind'> {
  readonly kind: BeaconKind;
  /** The sender has just come and knows nobody: it wants to hear beacons now. */
  readonly asks: boolean;
  /** Milliseconds by the sender's clock, rising with each beacon: an older one was recorded and is played again. */
  readonly timeMs: number;
  /** Drawn at each start of the sender: two that go on at the same time are two computers with one key. */
  readonly run: number;
  /** SubjectPublicKeyInfo of an ECDSA key on P-256, as DER. */
  readonly publicKey: Buffer;
}

export interface DecodedBeacon {
  readonly beacon: Beacon;
  readonly signedBytes: Buffer;
  readonly signature: Buffer;
}

/** Passes every network whole, even where the frames of a tunnel are small. */
const beaconBytesMax = 512;
export const signatureBytes = 64;

/** "CTRB" */
const magic = 0x43545242;
const version = 1;
const kinds: readonly BeaconKind[] = ['member', 'waiting', 'farewell'];
const flag = { asks: 1, authority: 2 } as const;
const fixedBytes = 19;
const authorityBytes = 32;
const keyBytes = 91;
/** What stands before the 64 bytes of the point, in every such key. */
const keyStart = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const clusterIdPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const computerIdPattern = /^[\w-]{1,64}$/;
/** Two of this length fit beside the longest of everything else; a longer name loses its end. */
const nameBytesMax = 100;

function fittingName(name: string): Buffer {
  let fitting = '';
  let length = 0;
  for (const character of plainLine(name.trim())) {
    length += Buffer.byteLength(character);
    if (length > nameBytesMax) break;
    fitting += character;
  }
  return Buffer.from(fitting.trimEnd());
}

const isP256Key = (key: Buffer) =>
  key.length === keyBytes && key.subarray(0, keyStart.length).equals(keyStart);

function isCoherent({ kind, clusterId, computerId, port }: Beacon): boolean {
  const isClusterKnown = clusterIdPattern.test(clusterId);
  if (!isClusterKnown && clusterId !== '') return false;
  if (kind !== 'farewell' && isClusterKnown !== (kind === 'member')) return false;
  return port > 0 && computerIdPattern.test(computerId);
}

/** As it goes out. */
export function signedBeacon(signer: BeaconSigner, said: Omit<Beacon, 'publicKey'>): Buffer {
  const signed = encodeBeacon({ ...said, publicKey: signer.publicKey });
  return Buffer.concat([signed, signer.sign(signed)]);
}

/** The bytes to sign; the datagram is these and the signature. */
export function encodeBeacon(beacon: Beacon): Buffer {
  const { kind, asks, port, timeMs, run, publicKey, authority } = beacon;
  assert(isCoherent(beacon), 'A beacon names a computer, its port, and a cluster unless it waits for one.');
  assert(isP256Key(publicKey), 'The key of a beacon is one on P-256.');
  const head = Buffer.alloc(fixedBytes);
  head.writeUInt32BE(magic, 0);
  head[4] = version;
  head[5] = kinds.indexOf(kind);
  head[6] = (asks ? flag.asks : 0) | (authority === null ? 0 : flag.authority);
  head.writeUInt16BE(port, 7);
  head.writeUIntBE(timeMs, 9, 6);
  head.writeUInt32BE(run, 15);
  const authorityPart = Buffer.from(authority ?? '', 'hex');
  assert(authority === null || authorityPart.length === authorityBytes, 'A fingerprint has 32 bytes.');
  const texts = [
    Buffer.from(beacon.clusterId),
    fittingName(beacon.clusterName),
    Buffer.from(beacon.computerId),
    fittingName(beacon.computerName),
  ];
  const bytes = Buffer.concat([
    head,
    publicKey,
    authorityPart,
    ...texts.flatMap((text) => [Buffer.from([text.length]), text]),
  ]);
  assert(bytes.length + signatureBytes <= beaconBytesMax, 'A beacon fits its datagram.');
  return bytes;
}

/** Cuts pieces off; null once there were too few bytes, for that piece and all that follow. */
class Pieces {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer | null {
    if (this.left < length) {
      this.#at = Number.POSITIVE_INFINITY;
      return null;
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string | null {
    const length = this.take(1);
    const bytes = length === null ? null : this.take(length[0]);
    if (bytes === null) return null;
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes) ? text : null;
  }
}

/** Null: it is no beacon, or none of this version. */
export function decodeBeacon(bytes: Buffer): DecodedBeacon | null {
  const signedLength = bytes.length - signatureBytes;
  if (bytes.length > beaconBytesMax || signedLength < fixedBytes + keyBytes) return null;
  if (bytes.readUInt32BE(0) !== magic || bytes[4] !== version) return null;
  const kind = kinds[bytes[5]];
  const flags = bytes[6];
  if (kind === undefined || (flags & ~(flag.asks | flag.authority)) !== 0) return null;
  const signedBytes = bytes.subarray(0, signedLength);
  const pieces = new Pieces(signedBytes, fixedBytes);
  const publicKey = pieces.take(keyBytes);
  const authority = (flags & flag.authority) === 0 ? null : pieces.take(authorityBytes);
  const clusterId = pieces.text();
  const clusterName = pieces.text();
  const computerId = pieces.text();
  const computerName = pieces.text();
  if (publicKey === null || !isP256Key(publicKey)) return null;
  if (clusterId === null || clusterName === null || computerId === null || computerName === null) return null;
  if (pieces.left !== 0) return null;
  const beacon: Beacon = {
    kind,
    asks: (flags & flag.asks) !== 0,
    port: bytes.readUInt16BE(7),
    timeMs: bytes.readUIntBE(9, 6),
    run: bytes.readUInt32BE(15),
    // Outlives the datagram, whose buffer may be a part of a large one.
    publicKey: Buffer.from(publicKey),
    authority: authority?.toString('hex') ?? null,
    clusterId,
    clusterName: plainLine(clusterName),
    computerId,
    computerName: plainLine(computerName),
  };
  return isCoherent(beacon) ? { beacon, signedBytes, signature: bytes.subarray(signedLength) } : null;
}
