/**
 * The secret of the cluster: 32 random bytes in a file that only its owner may read. The host makes it at the first start and
 * hands it to its nodes, and to computers that are let in. Should it be lost, a new one is made: clients whose contexts were
 * sealed with the old one are told to read again.
 */
import { chmod, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Random } from '../ports/random.ts';

const file = 'cluster-secret';
const secretBytes = 32;
const ownerOnly = 0o600;

/** Reads the secret, or makes one where there is none that can be used. */
export async function clusterSecret(folder: string, random: Random): Promise<Buffer> {
  const path = join(folder, file);
  const found = await readFile(path, 'latin1').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw new CoterieError(
      'disk-failed',
      `${path} cannot be read: ${toCoterieError(cause, 'disk-failed').message}. Give this account the right to read it.`,
    );
  });
  if (/^[0-9a-f]{64}\n?$/.test(found)) {
    await chmod(path, ownerOnly);
    return Buffer.from(found.trim(), 'hex');
  }
  const secret = Buffer.from(random.bytes(secretBytes));
  await writeClusterSecret(folder, secret);
  return secret;
}

/** Of a cluster that this computer was let into, or of its own. */
export async function writeClusterSecret(folder: string, secret: Buffer): Promise<void> {
  const path = join(folder, file);
  const temporary = `${path}.new`;
  const handle = await open(temporary, 'w', ownerOnly);
  try {
    await handle.chmod(ownerOnly);
    await handle.writeFile(`${secret.toString('hex')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
