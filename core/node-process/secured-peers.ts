/** What the links of a node need where other computers can reach them: TLS both ways, and keys that the layout names. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { admitsKey, admitsNode } from '../layout/admission.ts';
import type { Layout } from '../layout/layout.ts';
import { type Credentials, certificateOf, tlsTransport } from '../platform/tls-transport.ts';
import { keyFingerprint } from '../security/certificates.ts';
import type { Caller } from '../wire/peer/greeting.ts';

/** A key that the layout names is let in, for the nodes of its computer; a host only for its own. `live`: what counts now. */
export function securedBy(credentials: Credentials, selfId: number, live: () => readonly Layout[]) {
  const keyOf = (socket: Socket) => keyFingerprint(certificateOf(socket as TLSSocket)!);
  return {
    transport: tlsTransport(
      () => credentials,
      (certificate) => admitsKey(live(), keyFingerprint(certificate)),
    ),
    isOf: (socket: Socket, caller: Caller) =>
      admitsNode(live(), caller === 'host' ? selfId : caller, keyOf(socket)),
  };
}
