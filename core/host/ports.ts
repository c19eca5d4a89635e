/** Finds the ports for this computer's nodes: the wanted ones, or, where one is busy, the next free one. */
import { createServer } from 'node:net';
import { CoterieError } from '../base/errors.ts';

const triesMax = 200;

/** Whether a TCP port can be listened on at `host` now. */
function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function nextFreePort(from: number, host: string, taken: ReadonlySet<number>): Promise<number> {
  for (let port = from; port < from + triesMax && port < 65_536; port++) {
    if (!taken.has(port) && (await isPortFree(port, host))) return port;
  }
  throw new CoterieError('busy', `No free port from ${from} on. Choose another first port.`);
}

/** A port that a person may choose. */
export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** What listens there, for people, and the option of `coterie serve` that chooses another. */
  readonly what: string;
  readonly option: string;
}

/** `busy`: the port is taken; names the next free one. */
export async function portTaken({ host, port, what, option }: WantedPort): Promise<CoterieError> {
  const free = await nextFreePort(port + 1, host, new Set());
  return new CoterieError(
    'busy',
    `Port ${port} for ${what} is in use by another program. The next free one is ${free}: ${option} ${free}.`,
    { port, free },
  );
}

export interface NodePorts {
  readonly clientPort: number;
  readonly peerPort: number;
  /** For clients on other computers; 0: there are none, or it is not known yet. */
  readonly networkPort?: number;
}

/**
 * A pair of ports per node. The first client port is the address that people hand to their programs, so it is never
 * moved silently: when it is busy, that is an error which names the next free one. Port 0 stays 0: any. `inUse`: for each
 * node the ports that it has already, or null.
 */
export async function choosePorts(
  inUse: readonly (NodePorts | null)[],
  wanted: { host: string; clientPort: number; peerPort: number },
): Promise<NodePorts[]> {
  const { host, clientPort, peerPort } = wanted;
  const own = new Set(inUse.flatMap((ports) => (ports === null ? [] : [ports.clientPort, ports.peerPort])));
  if (clientPort !== 0 && !own.has(clientPort) && !(await isPortFree(clientPort, host))) {
    throw await portTaken({ host, port: clientPort, what: 'clients', option: '--client-port' });
  }
  const taken = new Set(own);
  const chosen: NodePorts[] = [];
  const take = async (first: number, index: number): Promise<number> => {
    if (first === 0) return 0;
    const port = await nextFreePort(first + index, host, taken);
    taken.add(port);
    return port;
  };
  for (const [index, ports] of inUse.entries()) {
    chosen.push(
      ports ?? { clientPort: await take(clientPort, index), peerPort: await take(peerPort, index) },
    );
  }
  return chosen;
}

/** The one address that is listened on; null: every one that the computer has. */
export function oneAddress(listen: string): string | null {
  return listen === '0.0.0.0' || listen === '::' ? null : listen;
}

/** From this computer: one that listens on every address is reached at its own. */
export function reachableAt(host: string): string {
  return oneAddress(host) ?? '127.0.0.1';
}

const networkPortsAbove = 100;

/** For programs on other computers: a number by which people find it from that of the same thing here. */
export function networkPortFor(port: number): number {
  return Math.min(65_535, port + networkPortsAbove);
}
