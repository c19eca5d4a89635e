/** A key store with a password of its own: AES in a mode that does not notice changes, as that of some systems does not. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { KeyStore } from '../../core/ports/secret-box.ts';

export function testKeyStore(password = 'of this account'): KeyStore {
  const key = createHash('sha256').update(password).digest();
  return {
    box: {
      seal(plain) {
        const start = randomBytes(16);
        const cipher = createCipheriv('aes-256-ctr', key, start);
        return Buffer.concat([start, cipher.update(plain), cipher.final()]);
      },
      open(sealed) {
        const decipher = createDecipheriv('aes-256-ctr', key, sealed.subarray(0, 16));
        return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]);
      },
    },
  };
}

export const noKeyStore: KeyStore = { box: null, whyNone: 'There is none here.' };

export const failingKeyStore: KeyStore = {
  box: {
    seal: () => {
      throw new Error('the keyring was closed');
    },
    open: () => {
      throw new Error('the keyring was closed');
    },
  },
};
