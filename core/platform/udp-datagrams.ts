/**
 * Datagrams over UDP: one socket on the number of the node's TCP peer port, so that a person opens one number in a
 * firewall. Addresses are those of the peers' TCP ports. It judges nothing: what comes in is for the receiver to check.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { Datagrams } from '../ports/datagrams.ts';

export interface DatagramAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Room for the packets of a pause of some seconds; the system may grant less. */
const receiveBufferBytes = 1024 * 1024;

export class UdpDatagrams implements Datagrams {
  readonly #socket: Socket;
  readonly #settings: { host: string; port: number };
  #addresses = new Map<number, DatagramAddress>();
  #open = false;
  #closing: Promise<void> | null = null;

  constructor(settings: { host: string; port: number }) {
    this.#settings = settings;
    this.#socket = createSocket(isIPv6(settings.host) ? 'udp6' : 'udp4');
    // A port that nobody listens on comes back as an error of the socket: that is a lost packet, nothing more.
    this.#socket.on('error', () => {});
  }

  /** Returns the port in use. Rejects with `busy` when it is taken, with `not-ready` when it is closed meanwhile. */
  listen(): Promise<number> {
    const { host, port } = this.#settings;
    return new Promise((resolve, reject) => {
      const fail = (cause: NodeJS.ErrnoException) => {
        reject(
          cause.code === 'EADDRINUSE'
            ? new CoterieError('busy', `UDP port ${port} is in use by another program.`)
            : toCoterieError(cause, 'unavailable'),
        );
      };
      const ended = () =>
        reject(new CoterieError('not-ready', 'The node ended before it took its UDP port.'));
      this.#socket.once('error', fail);
      this.#socket.once('close', ended);
      this.#socket.bind({ address: host, port, exclusive: true }, () => {
        this.#socket.off('error', fail);
        this.#socket.off('close', ended);
        this.#open = true;
        this.#enlarge();
        resolve(this.#socket.address().port);
      });
    });
  }

  setPeers(addresses: readonly DatagramAddress[]): void {
    this.#addresses = new Map(addresses.map((address) => [address.id, address]));
  }

  send(to: number, bytes: Buffer): void {
    const address = this.#addresses.get(to);
    if (!this.#open || address === undefined) return;
    this.#socket.send(bytes, address.port, address.host, () => {});
  }

  onDatagram(handler: (bytes: Buffer, source: string) => void): void {
    this.#socket.on('message', (bytes, { address, port }) => handler(bytes, `${address}:${port}`));
  }

  /** The port is free once this has resolved, whether it was bound, or was just being bound. */
  close(): Promise<void> {
    this.#open = false;
    this.#closing ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closing;
  }

  #enlarge(): void {
    try {
      this.#socket.setRecvBufferSize(receiveBufferBytes);
    } catch {
      // The system's own size does as well; a full buffer only loses packets.
    }
  }
}
