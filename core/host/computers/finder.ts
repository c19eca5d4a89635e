/** This computer on the local network: what it says of itself, whom it hears, and the proof that who is heard is there. */
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { plainLine } from '../../base/plain-text.ts';
import { listOf } from '../../base/words.ts';
import type { FoundComputer } from '../../contract/computer-views.ts';
import type { Announcement, BeaconSigner } from '../../discovery/beacon.ts';
import { Discovery } from '../../discovery/discovery.ts';
import type { Conflict } from '../../discovery/neighbours.ts';
import { presentInterfaces } from '../../platform/interfaces.ts';
import { LanSockets } from '../../platform/lan-sockets.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { oneAddress } from '../ports.ts';
import { addressOf } from './known-places.ts';

const probeWithinMs = 3_000;

export type Announced = () => Announcement;

/** Not started yet. `privateKey`: PEM, the computer's own. `listen`: as HostSettings has it. */
export function createFinder(
  components: { clock: Clock; timers: Timers; random: Random },
  privateKey: string,
  announcement: Announced,
  listen: string,
): Discovery {
  return new Discovery(
    {
      ...components,
      lan: new LanSockets(),
      signer: signerOf(privateKey),
      verify: (spki, bytes, signature) => {
        const by = createPublicKey({ key: spki, format: 'der', type: 'spki' });
        return verify('sha256', bytes, { key: by, dsaEncoding: 'ieee-p1363' }, signature);
      },
      probe: ({ address, port, publicKey: announced }) => isThere(address, port, announced),
    },
    {
      announcement,
      chosenInterfaces: (name) => (oneAddress(listen) === null ? null : hasAddress(name, listen)),
    },
  );
}

/** `privateKey`: PEM. */
export function signerOf(privateKey: string): BeaconSigner {
  const key = createPrivateKey(privateKey);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { publicKey, sign: (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }) };
}

/** Whether somebody with that key answers there over TLS. */
function isThere(host: string, port: number, publicKey: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    const end = (isRight: boolean) => {
      socket.destroy();
      resolve(isRight);
    };
    socket.setTimeout(probeWithinMs, () => end(false));
    socket.on('error', () => end(false));
    socket.once('secureConnect', () => {
      const raw = socket.getPeerCertificate().raw as Buffer | undefined;
      if (raw === undefined) end(false);
      else end(new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' }).equals(publicKey));
    });
  });
}

/** `ours`: the cluster of the computer that answers; null: it has none. */
export function foundView(discovery: Discovery, ours: string | null): FoundComputer[] {
  return discovery.found().map(({ computerName, cluster, address, port, heardAtMs }) => ({
    computer: computerName,
    address: addressOf(address, port),
    cluster: cluster === null ? null : { ...cluster, fingerprint: cluster.authority ?? '' },
    isOurs: cluster !== null && cluster.id === ours,
    heardAtMs,
  }));
}

/** Where connections are taken at one address alone, nothing is told on other interfaces. */
function hasAddress(name: string, address: string): boolean {
  return presentInterfaces()[name]?.some((one) => one.address === address) ?? false;
}

/** What two computers that claim to be one look like, and what to do. */
export function conflictInWords({ kind, isOwn, computerNames, addresses }: Conflict): string {
  const who = `${listOf(computerNames.map(plainLine))} at ${listOf(addresses.map(plainLine))}`;
  const what = isOwn ? 'this computer' : 'one computer of the network';
  return kind === 'cloned'
    ? `A copy of the data folder of ${what} runs elsewhere (${who}). Turn one of them off, or both spoil each other's data.`
    : `Somebody else says that it is ${what} (${who}). It has another key, so no computer of the cluster lets it in.`;
}
