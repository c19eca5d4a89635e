/**
 * AES-256-GCM (NIST SP 800-38D) under a key of the cluster: nonce of 12 random bytes, ciphertext, tag of 16. Random nonces
 * stay apart for 2^32 packets of one key (8.3 there): ten nodes that send 20 packets a second reach that in eight months;
 * a repeat then would have to be noticed among billions by somebody who reads the network.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type PacketSeal, sealOverheadBytes } from '../ports/packet-seal.ts';
import type { Random } from '../ports/random.ts';
import type { Secrets } from './secrets.ts';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = sealOverheadBytes - nonceBytes;

const purpose = 'coterie membership packet 1';

export function packetSealOf(secrets: Secrets, random: Random): PacketSeal {
  return {
    close(head, body) {
      const nonce = Buffer.from(random.bytes(nonceBytes));
      const cipher = createCipheriv(algorithm, secrets.for(purpose).use, nonce, { authTagLength: tagBytes });
      cipher.setAAD(head);
      return Buffer.concat([nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
    },
    open(head, sealed) {
      if (sealed.length < sealOverheadBytes) return null;
      for (const key of secrets.for(purpose).accepted) {
        const body = opened(key, head, sealed);
        if (body !== null) return body;
      }
      return null;
    },
  };
}

function opened(key: Buffer, head: Buffer, sealed: Buffer): Buffer | null {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(head);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const body = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return body;
}
