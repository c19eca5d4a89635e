/**
 * The secret of the cluster: 32 random bytes in a file that only its owner may read. The host makes it at the first start and
 * hands it to its nodes, and to computers that are let in. Should it be lost, a new one is made: clients whose contexts were
 * sealed with the old one are told to read again. One that is there and cannot be read is not lost.
 */

import { CoterieError } from '../base/errors.ts';
import type { Random } from '../ports/random.ts';
import { readIfThere } from '../ports/read-if-there.ts';
import type { SecretStore } from './secret-files.ts';

const file = 'cluster-secret';
const secretBytes = 32;
/** In hexadecimal, with the end of the line. */
const plainCharactersMax = 2 * secretBytes + 1;

/** Reads the secret, or makes one where there is none that can be used. */
export async function clusterSecret(files: SecretStore, random: Random): Promise<Buffer> {
  const found = (await readIfThere(files, file))?.toString('latin1') ?? '';
  if (/^[0-9a-f]{64}\n?$/.test(found)) return Buffer.from(found.trim(), 'hex');
  // A locked one whose first line is damaged.
  if (found.length > plainCharactersMax) {
    throw new CoterieError(
      'corrupt',
      `The file ${file} in the data folder is damaged. Put it back from a backup. On a computer that is its whole cluster, move it away instead: a new one is made.`,
    );
  }
  const secret = Buffer.from(random.bytes(secretBytes));
  await writeClusterSecret(files, secret);
  return secret;
}

/** Of a cluster that this computer was let into, or of its own. */
export async function writeClusterSecret(files: SecretStore, secret: Buffer): Promise<void> {
  await files.replaceFile(file, Buffer.from(`${secret.toString('hex')}\n`));
}
