/** This computer's key, and the authority of its cluster: made when it first takes connections from other computers. */
import { X509Certificate } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import { type HeldOwnKeys, keyStep } from '../../layout/key-change.ts';
import type { Layout } from '../../layout/layout.ts';
import { addressesIn, presentInterfaces } from '../../platform/interfaces.ts';
import type { Credentials } from '../../platform/tls-transport.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type Authority,
  isDueForRenewal,
  issueCertificate,
  newAuthority,
  newKeyPair,
} from '../../security/certificates.ts';
import { keyFingerprint, publicKeyIn } from '../../security/fingerprints.ts';
import type { SecretStore } from '../../security/secret-files.ts';
import { readTrust, type Trust, writeTrust } from '../../security/trust-store.ts';
import { oneAddress } from '../ports.ts';

/**
 * Reads what there is, and makes what is missing; a certificate that ends soon is replaced. Throws `corrupt` where the layout knows this
 * computer by a key that is gone: another one would be let in nowhere.
 */
export async function openTrust(
  { files, clock }: { files: SecretStore; clock: Clock },
  folder: string,
  { layout, own, authority }: { layout: Layout; own: ReadonlySet<string>; authority: Authority | null },
): Promise<Trust> {
  const { clusterId } = layout;
  const known = await readTrust(files, folder);
  if (known !== null && known.clusterId === clusterId) {
    const step = keyStep(layout, own, heldKeysOf(known), { isHeard: false, isMoved: false });
    if (step === 'stranger') {
      throw new CoterieError(
        'corrupt',
        `The other computers know this one by another key than ${folder}/trust.json holds, which is older. Put back the one of now; without it, take this computer out at another, empty its data folder, and let it join anew.`,
      );
    }
    const present = step === 'go-by' ? await withNextKey(known, clock.nowMs()) : known;
    const trust = await renewed(present, authority ?? known.authority, clock.nowMs());
    if (trust !== known) await writeTrust(files, trust);
    return trust;
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
  const first = authority ?? (await newAuthority(clusterId, clock.nowMs()));
  const certificate = await issueCertificate(first, { computerId: id, publicKey }, clock.nowMs());
  const trust = { clusterId, authority: first, computer: { id, privateKey, certificate } };
  await writeTrust(files, trust);
  return trust;
}

/** With a certificate of that authority which does not end soon: the same object where nothing has to be made anew. */
async function renewed(trust: Trust, authority: Authority, nowMs: number): Promise<Trust> {
  const { computer } = trust;
  const isSame = authority.certificate === trust.authority.certificate;
  if (isSame && !isDueForRenewal(computer.certificate, nowMs)) return trust;
  const publicKey = publicKeyIn(computer.certificate);
  const certificate = await issueCertificate(authority, { computerId: computer.id, publicKey }, nowMs);
  return { ...trust, authority, computer: { ...computer, certificate } };
}

/** With its next key in place of the present one, which is forgotten. */
async function withNextKey({ next, ...trust }: Trust, nowMs: number): Promise<Trust> {
  if (next === undefined) return trust;
  const { id } = trust.computer;
  const { privateKey, publicKey } = next;
  const certificate = await issueCertificate(trust.authority, { computerId: id, publicKey }, nowMs);
  return { ...trust, computer: { id, privateKey, certificate } };
}

export function heldKeysOf(trust: Trust): HeldOwnKeys {
  const { next } = trust;
  return { present: keyOfTrust(trust), next: next === undefined ? null : keyFingerprint(next.publicKey) };
}

/** What this computer shows of itself, while it runs: certificates end, and keys may be replaced. */
export class TrustKeeper {
  readonly #parts: { readonly files: SecretStore; readonly clock: Clock };
  #trust: Trust;
  readonly #turns = new InTurn();

  constructor(parts: { files: SecretStore; clock: Clock }, trust: Trust) {
    this.#parts = parts;
    this.#trust = trust;
  }

  get trust(): Trust {
    return this.#trust;
  }

  get credentials(): Credentials {
    return credentialsOf(this.#trust);
  }

  /** Rejects where it cannot be written: it counts all the same, and is made anew at the next start. */
  goBy(authority: Authority): Promise<void> {
    return this.#turns.run(async () => {
      const { files, clock } = this.#parts;
      const next = await renewed(this.#trust, authority, clock.nowMs());
      if (next === this.#trust) return;
      this.#trust = next;
      await writeTrust(files, next);
    });
  }

  /** Makes the key to go by next, another one where there is one already; nothing is different before it is on the disk. */
  makeNextKey(): Promise<void> {
    return this.#turns.run(() => this.#keep({ ...this.#trust, next: newKeyPair() }));
  }

  /** From now on it goes by the key that was made last. The one before is forgotten, once the disk has that. */
  goByNextKey(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#keep(await withNextKey(this.#trust, this.#parts.clock.nowMs()));
    });
  }

  async #keep(trust: Trust): Promise<void> {
    await writeTrust(this.#parts.files, trust);
    this.#trust = trust;
  }
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
  const facts = { computerId: computer.id, publicKey, addresses: addressesOf(listen) };
  return `${await issueCertificate(authority, facts, nowMs)}\n${authority.certificate}`;
}

/** Of this computer, where it listens at `listen`. */
function addressesOf(listen: string): string[] {
  const only = oneAddress(listen);
  return only === null ? addressesIn(presentInterfaces()).map(({ address }) => address) : [only];
}
