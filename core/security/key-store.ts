/** The keys that the computers of a cluster hold in common, in one file for its owner alone: absent until they are first replaced. */

import { z } from 'zod';
import { readIfThere } from '../ports/read-if-there.ts';
import { type HeldKeys, keyEpoch } from './key-epochs.ts';
import type { SecretStore } from './secret-files.ts';

const file = 'cluster-keys.json';
const heldSchema = z.object({
  format: z.literal(1),
  clusterId: z.string(),
  current: keyEpoch,
  previous: keyEpoch.nullable(),
  knownTo: z.array(z.string().max(128)).max(10_000),
});

/** `isDamaged`: there is a file that cannot be used. One of another cluster is as none. */
export async function readHeldKeys(
  files: SecretStore,
  clusterId: string,
): Promise<{ readonly held: HeldKeys | null; readonly isDamaged: boolean }> {
  const bytes = await readIfThere(files, file);
  if (bytes === null) return { held: null, isDamaged: false };
  try {
    const { clusterId: found, current, previous, knownTo } = heldSchema.parse(JSON.parse(bytes.toString()));
    return { held: found === clusterId ? { current, previous, knownTo } : null, isDamaged: false };
  } catch {
    return { held: null, isDamaged: true };
  }
}

export async function writeHeldKeys(files: SecretStore, clusterId: string, held: HeldKeys): Promise<void> {
  await files.replaceFile(file, Buffer.from(`${JSON.stringify({ format: 1, clusterId, ...held })}\n`));
}
