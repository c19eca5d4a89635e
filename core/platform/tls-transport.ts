/**
 * Connections between computers: TLS 1.3 with certificates both ways. The handshake shows that the other side has the key of its
 * certificate; whether that key is let in is asked anew for each connection, because computers leave. Who signed a certificate, and
 * until when, says no more than that: a computer that was away while the authority was replaced is still known by its key.
 */
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type PeerTransport, startListening } from './peer-transport.ts';

/** PEM. */
export interface Credentials {
  /** The computer's own certificate, then the authority's. */
  readonly certificates: string;
  readonly privateKey: string;
  readonly authority: string;
}

/** A handshake takes two round trips; a stranger that stands still does not hold a place longer. */
const handshakeWithinMs = 5_000;

/** Connections whose handshake is not over: the oldest goes first, as with strangers (strangers.ts). */
const handshakesMax = 128;

/** For both sides of a connection between members. */
export function memberOptions({ certificates, privateKey, authority }: Credentials) {
  return {
    cert: certificates,
    key: privateKey,
    ca: authority,
    minVersion: 'TLSv1.3' as const,
    requestCert: true,
    // Computers are known by their keys, which are looked at before anything is said (certificateOf).
    rejectUnauthorized: false,
  };
}

/** The other side's certificate, whose key it has; null: it showed none. */
export function certificateOf(socket: TLSSocket): X509Certificate | null {
  const raw = socket.getPeerCertificate().raw as Buffer | undefined;
  return raw === undefined ? null : new X509Certificate(raw);
}

/** `admits`: whether connections with that certificate are let in now. */
export function tlsTransport(
  credentials: () => Credentials,
  admits: (certificate: X509Certificate) => boolean,
): PeerTransport & {
  /** The credentials are others now. */
  renew(): void;
} {
  const servers = new Set<Server>();
  const isLetIn = (socket: TLSSocket) => {
    const certificate = certificateOf(socket);
    return certificate !== null && admits(certificate);
  };
  return {
    listen({ host, port }, onCaller, onLost) {
      const server = createServer(
        {
          ...memberOptions(credentials()),
          handshakeTimeout: handshakeWithinMs,
          noDelay: true,
        },
        (socket) => {
          if (isLetIn(socket)) onCaller(socket);
          else socket.destroy();
        },
      );
      boundHandshakes(server);
      servers.add(server);
      server.once('close', () => servers.delete(server));
      return startListening(server, { host, port }, onLost);
    },
    dial(to, onReady): Socket {
      const socket = connect({ host: to.host, port: to.port, ...memberOptions(credentials()) });
      socket.setNoDelay(true);
      socket.setTimeout(handshakeWithinMs, () => socket.destroy());
      socket.once('secureConnect', () => {
        socket.setTimeout(0);
        if (isLetIn(socket)) onReady(socket);
        else socket.destroy();
      });
      return socket;
    },
    renew() {
      for (const server of servers) server.setSecureContext(memberOptions(credentials()));
    },
  };
}

/** For a server whose handshakes strangers can begin. */
export function boundHandshakes(server: Server): void {
  const open = new Map<string, Socket>();
  const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    open.set(name, socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      if (open.get(name) === socket) open.delete(name);
    });
    if (open.size <= handshakesMax) return;
    const [[first, oldest]] = open;
    open.delete(first);
    oldest.destroy();
  });
  server.on('secureConnection', (socket) => open.delete(nameOf(socket)));
  // Whoever cannot shake hands is hung up on; there is nothing to say to it.
  server.on('tlsClientError', (_, socket) => socket.destroy());
}
