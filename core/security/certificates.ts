/**
 * Keys and certificates of computers: X.509 with ECDSA P-256 and SHA-256. The authority of a cluster signs one certificate for each
 * of its computers. Who is let in is decided by the key in the certificate, which the layout names; the authority is what a
 * computer that wants to come in can know of a cluster beforehand, by its fingerprint in the join code.
 */
import 'reflect-metadata';
import { generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const curve = { name: 'ECDSA', namedCurve: 'P-256' };
const signing = { ...curve, hash: 'SHA-256' };
const dayMs = 86_400_000;
/** Clocks of computers in an office may be days apart. */
const clockSkewMs = 30 * dayMs;
const authorityValidMs = 20 * 365 * dayMs;
const certificateValidMs = 2 * 365 * dayMs;
/** With less than this left a computer gets another key, and a certificate with it. */
const newKeyBeforeMs = 180 * dayMs;
/** With less than this left a certificate is made anew for the key that it has: others were away too long to hear of another one. */
const renewBeforeMs = 90 * dayMs;

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 as PEM. */
  readonly privateKey: string;
}

export interface KeyPair {
  /** PKCS #8 as PEM. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo as DER in base64. */
  readonly publicKey: string;
}

export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

export async function newAuthority(clusterId: string, nowMs: number): Promise<Authority> {
  const pair = newKeyPair();
  const keys = {
    privateKey: await privateKeyOf(pair.privateKey),
    publicKey: await publicKeyOf(pair.publicKey),
  };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [`Coterie cluster ${clusterId}`] }],
      ...validFrom(nowMs, authorityValidMs),
      signingAlgorithm: signing,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    crypto,
  );
  return { certificate: certificate.toString('pem'), privateKey: pair.privateKey };
}

/** PEM. Throws for a public key that is none. */
export async function issueCertificate(
  authority: Authority,
  {
    computerId,
    publicKey,
    addresses = [],
  }: {
    computerId: string;
    publicKey: string;
    /** IP addresses for programs that know a server by where it is; computers know each other by their keys. */
    addresses?: readonly string[];
  },
  nowMs: number,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [{ CN: [`Coterie computer ${computerId}`] }],
      issuer: issuer.subject,
      ...validFrom(nowMs, certificateValidMs),
      signingAlgorithm: signing,
      publicKey: await publicKeyOf(publicKey),
      signingKey: await privateKeyOf(authority.privateKey),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        ...(addresses.length === 0
          ? []
          : [
              new x509.SubjectAlternativeNameExtension(
                addresses.map((value) => ({ type: 'ip' as const, value })),
              ),
            ]),
      ],
    },
    crypto,
  );
  return certificate.toString('pem');
}

export function isDueForRenewal(certificate: string, nowMs: number): boolean {
  return leftMs(certificate, nowMs) < renewBeforeMs;
}

/** Whether the computer is to have another key before its certificate ends. */
export function isDueForNewKey(certificate: string, nowMs: number): boolean {
  return leftMs(certificate, nowMs) < newKeyBeforeMs;
}

function leftMs(certificate: string, nowMs: number): number {
  return Date.parse(new X509Certificate(certificate).validTo) - nowMs;
}

function validFrom(nowMs: number, forMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - clockSkewMs), notAfter: new Date(nowMs + forMs) };
}

/** The library's types are those of browsers. */
const crypto = webcrypto as unknown as Parameters<typeof x509.X509CertificateGenerator.create>[1];

function privateKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, curve, false, ['sign']);
}

function publicKeyOf(base64: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('spki', Buffer.from(base64, 'base64'), curve, true, ['verify']);
}
