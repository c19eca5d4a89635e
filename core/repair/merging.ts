/** Takes another replica's records into this one, after checking that they belong where they are said to. */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { addressOf, type KeyAddress, partitionOf } from '../base/token.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import type { KeyedRecord } from '../wire/peer/record-batch-codec.ts';

/**
 * Resolves once all that could be taken is durable here, with the number of records that are damaged, here or as sent:
 * one of them must not keep the rest from being repaired. Rejects with any other failure, after every record had its turn.
 */
export async function mergeAll(
  replica: LocalReplica,
  keyspace: number,
  partition: number,
  records: readonly KeyedRecord[],
): Promise<number> {
  const addresses = records.map(({ key }) => addressOf(keyspace, key));
  if (addresses.some(({ tokenHigh }) => partitionOf(tokenHigh) !== partition)) {
    throw new CoterieError('bad-input', 'Another node sent a record of a partition that was not asked for.');
  }
  const outcomes = await Promise.all(
    records.map(({ record }, index) => mergeOne(replica, addresses[index], record)),
  );
  const failures = outcomes.filter((outcome) => outcome !== null);
  const failure = failures.find(({ code }) => code !== 'corrupt');
  if (failure !== undefined) throw failure;
  return failures.length;
}

function mergeOne(replica: LocalReplica, address: KeyAddress, record: Buffer): Promise<CoterieError | null> {
  return new Promise((resolve) => {
    try {
      replica.merge(address, record, resolve);
    } catch (cause) {
      resolve(toCoterieError(cause, 'corrupt'));
    }
  });
}
