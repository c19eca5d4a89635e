/** This computer's key, and the authority of its cluster: made when it first takes connections from other computers. */
import { X509Certificate } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { CoterieError } from '../../base/errors.ts';
import type { Layout } from '../../layout/layout.ts';
import type { Credentials } from '../../platform/tls-transport.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import {
  isDueForRenewal,
  issueCertificate,
  keyFingerprint,
  newAuthority,
  newKeyPair,
  publicKeyIn,
} from '../../security/certificates.ts';
import { readTrust, type Trust, writeTrust } from '../../security/trust-store.ts';
import { oneAddress } from '../ports.ts';

/**
 * Reads what there is, and makes what is missing; a certificate that ends soon is replaced. Throws `corrupt` where the layout knows this
 * computer by a key that is gone: a new one would be let in nowhere.
 */
export async function openTrust(
  { disk, clock }: { disk: Disk; clock: Clock },
  folder: string,
  { layout, own }: { layout: Layout; own: ReadonlySet<string> },
): Promise<Trust> {
  const { clusterId } = layout;
  const known = await readTrust(disk, folder);
  if (known !== null && known.clusterId === clusterId) {
    if (!isDueForRenewal(known.computer.certificate, clock.nowMs())) return known;
    const { authority, computer } = known;
    const publicKey = publicKeyIn(computer.certificate);
    const certificate = await issueCertificate(
      authority,
      { computerId: computer.id, publicKey },
      clock.nowMs(),
    );
    const renewed = { ...known, computer: { ...computer, certificate } };
    await writeTrust(disk, renewed);
    return renewed;
  }
  const keyed = layout.computers.find(({ key }) => key !== undefined);
  if (keyed !== undefined) {
    throw new CoterieError(
      'corrupt',
      `${folder}/trust.json is ${known === null ? 'missing' : 'of another cluster'}. It holds the key by which the other computers know this one. Put it back from a backup; without one, take this computer out at another, empty its data folder, and let it join anew.`,
    );
  }
  const [id] = own;
  const { privateKey, publicKey } = newKeyPair();
  const authority = await newAuthority(clusterId, clock.nowMs());
  const certificate = await issueCertificate(authority, { computerId: id, publicKey }, clock.nowMs());
  const trust = { clusterId, authority, computer: { id, privateKey, certificate } };
  await writeTrust(disk, trust);
  return trust;
}

export function credentialsOf({ authority, computer }: Pick<Trust, 'authority' | 'computer'>): Credentials {
  return {
    certificates: `${computer.certificate}\n${authority.certificate}`,
    privateKey: computer.privateKey,
    authority: authority.certificate,
  };
}

/** As the layout has it. */
export function keyOfTrust({ computer }: Trust): string {
  return keyFingerprint(new X509Certificate(computer.certificate));
}

/** A certificate with this computer's addresses of now, for programs that check where they connect, and the authority's. */
export async function addressCertificates(
  { authority, computer }: Trust,
  listen: string,
  nowMs: number,
): Promise<string> {
  const publicKey = publicKeyIn(computer.certificate);
  const only = oneAddress(listen);
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = only === null ? own.map(({ address }) => address.replace(/%.*$/, '')) : [only];
  const facts = { computerId: computer.id, publicKey, addresses };
  return `${await issueCertificate(authority, facts, nowMs)}\n${authority.certificate}`;
}
