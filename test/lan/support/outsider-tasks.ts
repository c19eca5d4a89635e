/** What somebody does who is on the network and not of the cluster: other certificates, nonsense, floods, and standing in between. */
import { generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import { encodeBeacon } from '../../../core/discovery/beacon.ts';
import { discoveryPort } from '../../../core/platform/lan-sockets.ts';
import { issueCertificate, newAuthority, newKeyPair } from '../../../core/security/certificates.ts';

interface At {
  readonly host: string;
  readonly port: number;
}

const handshakeWithinMs = 8_000;
const garbageBytes = 64 * 1024;
/** Every so many packets of a flood is a beacon that says it comes from the cluster. */
const beaconEvery = 10;
const pauseEvery = 200;

const pem = (raw: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;

/** Names as the cluster's, keys of its own. */
async function foreignCredentials(clusterId: string, computerId: string) {
  const authority = await newAuthority(clusterId, Date.now());
  const { privateKey, publicKey } = newKeyPair();
  const certificate = await issueCertificate(authority, { computerId, publicKey }, Date.now());
  return { authority: authority.certificate, certificate, privateKey };
}

let middle: { server: Server; calls: number; heard: Buffer[] } | null = null;

export const outsiderTasks = {
  /** The authority's certificate, which a computer shows to whoever calls. */
  authorityOf: ({ host, port }: At) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host, port, rejectUnauthorized: false }, () => {
        resolve(pem(socket.getPeerCertificate(true).issuerCertificate.raw));
        socket.destroy();
      });
      socket.on('error', reject);
    }),

  /**
   * Speaks TLS with a certificate of another authority that has the same names, and asks as a member would. Answers the status, or
   * 'closed' for a connection that ended without a word.
   */
  async foreignTls({ host, port, clusterId, path }: At & { clusterId: string; path: string }) {
    const { authority, certificate, privateKey } = await foreignCredentials(clusterId, randomUUID());
    return new Promise<string>((resolve) => {
      const heard: Buffer[] = [];
      const socket = connect({
        ...{ host, port, rejectUnauthorized: false },
        ...{ cert: `${certificate}\n${authority}`, key: privateKey },
      });
      socket.setTimeout(handshakeWithinMs, () => socket.destroy());
      socket.on('error', () => {});
      socket.once('secureConnect', () => {
        const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
        socket.write(`${head}Connection: close\r\n\r\n{}`);
      });
      socket.on('data', (chunk: Buffer) => heard.push(chunk));
      socket.once('close', () => {
        const text = Buffer.concat(heard).toString('latin1');
        resolve(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? (text === '' ? 'closed' : text));
      });
    });
  },

  /** Nonsense without TLS. Answers the ports that took the connection, with what each said as text. */
  async garbage({ host, ports }: { host: string; ports: number[] }) {
    const answers = ports.map(
      (port) =>
        new Promise<{ port: number; said: string } | null>((resolve) => {
          const heard: Buffer[] = [];
          let isOpen = false;
          const socket: Socket = connectTcp({ host, port }, () => {
            isOpen = true;
            socket.write(randomBytes(garbageBytes));
          });
          socket.setTimeout(handshakeWithinMs, () => socket.destroy());
          socket.on('error', () => {});
          socket.on('data', (chunk: Buffer) => heard.push(chunk));
          socket.once('close', () =>
            resolve(isOpen ? { port, said: Buffer.concat(heard).toString('latin1') } : null),
          );
        }),
    );
    return (await Promise.all(answers)).filter((answer) => answer !== null);
  },

  /** Sends what was recorded (base64) once more. */
  async replay({ datagrams }: { datagrams: { to: string; port: number; payload: string }[] }) {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    for (const { to, port, payload } of datagrams) {
      await new Promise((resolve) => socket.send(Buffer.from(payload, 'base64'), port, to, resolve));
    }
    await new Promise<void>((resolve) => socket.close(resolve));
  },

  /** Packets to the port of discovery: nonsense, and beacons with new keys that name the cluster and its computers. */
  async flood(input: { hosts: string[]; count: number; clusterId: string; computerIds: string[] }) {
    const { hosts, count, clusterId, computerIds } = input;
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    const beacon = (number: number) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const bytes = encodeBeacon({
        ...{ kind: number % 20 === 0 ? 'farewell' : 'member', asks: true, timeMs: Date.now(), run: number },
        ...{ publicKey: publicKey.export({ type: 'spki', format: 'der' }), authority: null, clusterId },
        ...{ clusterName: 'My cluster', computerId: computerIds[number % computerIds.length] },
        ...{ computerName: `computer-${number}`, port: 7_430 + (number % 512) },
      });
      const signature = sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return Buffer.concat([bytes, signature]);
    };
    for (let number = 0; number < count; number++) {
      const packet = number % beaconEvery === 0 ? beacon(number) : randomBytes(1 + (number % 1_400));
      socket.send(packet, discoveryPort, hosts[number % hosts.length]);
      // What does not fit the network's buffers would not arrive.
      if (number % pauseEvery === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise<void>((resolve) => socket.close(resolve));
  },

  /**
   * Stands where a computer of the cluster was said to be: with a certificate made by itself whose names are the cluster's, and with
   * the true certificate of the authority behind it, if it is given.
   */
  async standBetween({
    port,
    clusterId,
    authority,
  }: {
    port: number;
    clusterId: string;
    authority?: string;
  }) {
    const own = await foreignCredentials(clusterId, randomUUID());
    const certificates = { cert: `${own.certificate}\n${authority ?? own.authority}`, key: own.privateKey };
    const server = createServer({ ...certificates, requestCert: true, rejectUnauthorized: false });
    const state = { server, calls: 0, heard: [] as Buffer[] };
    server.on('connection', () => state.calls++);
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => state.heard.push(chunk));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve));
    middle = state;
  },

  /** How often it was called, and what it was told in plain words. */
  async stopBetween(_: object) {
    const { server, calls, heard } = middle!;
    middle = null;
    server.close();
    return { calls, heard: Buffer.concat(heard).toString('latin1') };
  },
};
