/** The key store of the system, by Electron: DPAPI, the Keychain, or on Linux a keyring. Only once the app is ready. */
import { safeStorage } from 'electron';
import type { KeyStore, SecretBox } from '../core/ports/secret-box.ts';

const none =
  'This system has no key store that Coterie can use, or it was not unlocked when Coterie started.';

/** Electron seals text. */
const box: SecretBox = {
  seal: (plain) => safeStorage.encryptString(plain.toString('base64')),
  open: (sealed) => Buffer.from(safeStorage.decryptString(sealed), 'base64'),
};

export function systemKeyStore(): KeyStore {
  try {
    if (safeStorage.isEncryptionAvailable() && isKept()) return { box };
  } catch {
    // Whatever keeps it from answering keeps it from opening anything.
  }
  return { box: null, whyNone: none };
}

/** On Linux without a keyring Electron seals by a password that stands in its source. */
function isKept(): boolean {
  if (process.platform !== 'linux') return true;
  const backend = safeStorage.getSelectedStorageBackend();
  return backend !== 'basic_text' && backend !== 'unknown';
}
