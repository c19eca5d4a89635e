/** What is told of keys and certificates: without the library that makes them, which node processes have no use for. */
import { createHash, X509Certificate } from 'node:crypto';

/** SHA-256 in hexadecimal of a public key as SubjectPublicKeyInfo: what the layout names a computer's key by. */
export function keyFingerprint(publicKey: string | X509Certificate): string {
  const der =
    typeof publicKey === 'string'
      ? Buffer.from(publicKey, 'base64')
      : publicKey.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** As KeyPair has it. */
export function publicKeyIn(certificate: string): string {
  return new X509Certificate(certificate).publicKey
    .export({ type: 'spki', format: 'der' })
    .toString('base64');
}

/** SHA-256 of a certificate's DER form. */
export function certificateFingerprint(certificate: string | Buffer): Buffer {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest();
}
