/**
 * The local network as a port: which interfaces this computer has, and one small way out and in on each. Discovery
 * (core/discovery) decides what is said and whom to believe; the production one is UDP (platform/lan-sockets.ts).
 */

/** One address of an interface, as the operating system tells it (`os.networkInterfaces()`). */
export interface InterfaceAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly address: string;
  readonly netmask: string;
  readonly internal: boolean;
  /** Of IPv6 alone: the number of the interface. */
  readonly scopeid?: number;
}

export type InterfaceTable = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>;

/** What is needed to speak on one interface. */
export interface LanInterface {
  readonly name: string;
  readonly ipv4: readonly {
    readonly address: string;
    readonly prefixLength: number;
    /** Null: a network of two ends, where broadcasts have no sense. */
    readonly broadcast: string | null;
  }[];
  /** Its link-local address; null: it has none. */
  readonly ipv6: { readonly address: string; readonly scopeId: number } | null;
}

/** Ways in and out of one interface. Each may fail alone. */
export type LanPath = 'receive' | 'receive6' | 'multicast' | 'broadcast' | 'multicast6';

export interface LanFailure {
  readonly path: LanPath;
  /** Of the operating system, such as EADDRINUSE. */
  readonly code: string;
  readonly message: string;
}

export interface LanOutcome {
  /** It left by one way at least. */
  readonly sent: boolean;
  readonly failures: readonly LanFailure[];
}

export interface LanSocket {
  /** Whoever listens on this interface hears it, or nobody does. Never rejects. */
  send(bytes: Uint8Array): Promise<LanOutcome>;
  /** Nothing is heard from it afterwards. */
  close(): Promise<void>;
}

export interface LanEvents {
  /** `address`: of the sender, with the zone where it needs one; anybody can have forged it. Own datagrams come back, too. */
  onDatagram(bytes: Buffer, address: string): void;
  /** The present failures of receiving, once that is known, and whenever they change; none: it hears. */
  onReceiving(failures: readonly LanFailure[]): void;
}

export interface Lan {
  readonly port: number;
  interfaces(): InterfaceTable;
  open(lanInterface: LanInterface, events: LanEvents): LanSocket;
}
