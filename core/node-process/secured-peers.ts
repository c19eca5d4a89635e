/** What the links of a node need where other computers can reach them: TLS both ways, and keys that the layout names. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { admitsKey, keyRank } from '../layout/admission.ts';
import type { Layout } from '../layout/layout.ts';
import { type Credentials, certificateOf, tlsTransport } from '../platform/tls-transport.ts';
import { keyFingerprint } from '../security/fingerprints.ts';
import type { Caller } from '../wire/peer/greeting.ts';

/** A key that the layout names is let in, for the nodes of its computer; a host only for its own. `live`: what counts now. */
export function securedBy(credentials: Credentials, selfId: number, live: () => readonly Layout[]) {
  let present = credentials;
  /** Of a connection that has ended nobody knows it any more. */
  const keys = new WeakMap<Socket, string>();
  const keyOf = (socket: Socket) => {
    const known = keys.get(socket);
    if (known !== undefined) return known;
    const certificate = certificateOf(socket as TLSSocket);
    if (certificate === null) return '';
    const key = keyFingerprint(certificate);
    keys.set(socket, key);
    return key;
  };
  const transport = tlsTransport(
    () => present,
    (certificate) => admitsKey(live(), keyFingerprint(certificate)),
  );
  return {
    transport,
    /** Whether a connection may be that caller's: as keyRank. */
    rankOf: (socket: Socket, caller: Caller) =>
      keyRank(live(), caller === 'host' ? selfId : caller, keyOf(socket)),
    /** For connections from now on. Whether it has another key, or only another certificate. */
    show(next: Credentials): boolean {
      const isOther = next.privateKey !== present.privateKey;
      present = next;
      transport.renew();
      return isOther;
    },
  };
}
