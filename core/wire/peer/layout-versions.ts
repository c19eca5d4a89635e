/**
 * Questions between nodes that only make sense under one and the same layout. The frame says by which layout its sender goes; another
 * than the receiver's is `not-ready`: whoever asked tries again, by when the newer one has reached both.
 *
 *   leftovers   u16 keyspace · (u16 partition)*      → one byte for each: 1 when nothing of it is held
 */
import { CoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';

export function mustBeVersion(own: number, theirs: number): void {
  if (own === theirs) return;
  throw new CoterieError('not-ready', 'The two nodes do not have the same layout yet.');
}

export interface LeftoverQuestion {
  readonly keyspace: number;
  readonly partitions: readonly number[];
}

const keyspaceBytes = 2;

export function encodeLeftoverQuestion({ keyspace, partitions }: LeftoverQuestion): Buffer {
  const bytes = Buffer.allocUnsafe(keyspaceBytes + partitions.length * 2);
  bytes.writeUInt16BE(keyspace, 0);
  for (const [index, partition] of partitions.entries()) {
    bytes.writeUInt16BE(partition, keyspaceBytes + index * 2);
  }
  return bytes;
}

export function decodeLeftoverQuestion(payload: Buffer): LeftoverQuestion {
  const count = (payload.length - keyspaceBytes) / 2;
  if (!Number.isInteger(count) || count < 0 || count > partitionCount) throw malformed();
  const partitions = Array.from({ length: count }, (_, index) =>
    payload.readUInt16BE(keyspaceBytes + index * 2),
  );
  if (partitions.some((partition) => partition >= partitionCount)) throw malformed();
  return { keyspace: payload.readUInt16BE(0), partitions };
}

function malformed(): CoterieError {
  return new CoterieError('bad-input', 'A question from another node does not have the right form.');
}
