/**
 * Questions between nodes that only make sense under one and the same layout carry its version: u32, big-endian, before the
 * rest. Another version is `not-ready`: whoever asked tries again, by when the newer one has reached both.
 *
 *   leftovers   u32 version · u16 keyspace · (u16 partition)*      → one byte for each: 1 when nothing of it is held
 */
import { CoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';

const versionBytes = 4;

export function withVersion(version: number, question: Buffer): Buffer {
  const head = Buffer.allocUnsafe(versionBytes);
  head.writeUInt32BE(version, 0);
  return Buffer.concat([head, question]);
}

/** The question, once its version was found to be `version`. */
export function ofVersion(version: number, payload: Buffer): Buffer {
  if (payload.length < versionBytes) throw malformed();
  mustBeVersion(version, payload.readUInt32BE(0));
  return payload.subarray(versionBytes);
}

export function mustBeVersion(own: number, theirs: number): void {
  if (own === theirs) return;
  throw new CoterieError('not-ready', 'The two nodes do not have the same layout yet.');
}

export interface LeftoverQuestion {
  readonly version: number;
  readonly keyspace: number;
  readonly partitions: readonly number[];
}

export function encodeLeftoverQuestion({ version, keyspace, partitions }: LeftoverQuestion): Buffer {
  const bytes = Buffer.allocUnsafe(versionBytes + 2 + partitions.length * 2);
  bytes.writeUInt32BE(version, 0);
  bytes.writeUInt16BE(keyspace, versionBytes);
  partitions.forEach((partition, index) => {
    bytes.writeUInt16BE(partition, versionBytes + 2 + index * 2);
  });
  return bytes;
}

export function decodeLeftoverQuestion(payload: Buffer): LeftoverQuestion {
  const count = (payload.length - versionBytes - 2) / 2;
  if (!Number.isInteger(count) || count < 0 || count > partitionCount) throw malformed();
  const partitions = Array.from({ length: count }, (_, index) =>
    payload.readUInt16BE(versionBytes + 2 + index * 2),
  );
  if (partitions.some((partition) => partition >= partitionCount)) throw malformed();
  return { version: payload.readUInt32BE(0), keyspace: payload.readUInt16BE(versionBytes), partitions };
}

function malformed(): CoterieError {
  return new CoterieError('bad-input', 'A question from another node does not have the right form.');
}
