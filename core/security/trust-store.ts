/**
 * What makes a computer one of its cluster: the authority's certificate and key, and the computer's own. Each computer has the
 * authority's key, so that the loss of any of them takes nothing from the others. One file, for its owner alone.
 */

import { z } from 'zod';
import { CoterieError } from '../base/errors.ts';
import { readIfThere } from '../ports/read-if-there.ts';
import type { SecretStore } from './secret-files.ts';

const file = 'trust.json';
const pem = z.string().startsWith('-----BEGIN ');
export const signer = z.object({ certificate: pem, privateKey: pem });
const trustSchema = z.object({
  format: z.literal(1),
  clusterId: z.string(),
  /** `id`: of the computer in the layout. */
  computer: signer.extend({ id: z.string() }),
  authority: signer,
  /** Of its own as well: it is to go by that one from some moment on (core/layout/key-change.ts). As KeyPair has it. */
  next: z.object({ privateKey: pem, publicKey: z.string() }).optional(),
});
export type Trust = Readonly<Omit<z.infer<typeof trustSchema>, 'format'>>;

/** Null where there is none. Throws `corrupt` for one that cannot be used: a new key would not be let in anywhere. */
export async function readTrust(files: SecretStore, folder: string): Promise<Trust | null> {
  const bytes = await readIfThere(files, file);
  if (bytes === null) return null;
  try {
    return trustSchema.parse(JSON.parse(bytes.toString()));
  } catch {
    throw new CoterieError(
      'corrupt',
      `${folder}/${file} is damaged. It holds the key by which the other computers know this one. Put it back from a backup; without one, take this computer out at another, empty its data folder, and let it join anew.`,
    );
  }
}

export async function writeTrust(files: SecretStore, trust: Trust): Promise<void> {
  await files.replaceFile(file, Buffer.from(`${JSON.stringify({ format: 1, ...trust })}\n`));
}
