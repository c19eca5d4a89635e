/** Whether a port of this computer can be listened on, and by whom it is held. Nothing stays open. */
import { createSocket } from 'node:dgram';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

export type Protocol = 'tcp' | 'udp';

/** `refused`: the system lets nobody, or not this account, have it. */
export type PortState = 'free' | 'taken' | 'refused';

/** `shared`: as those do who hear one group together (UDP alone). */
export async function stateOfPort(
  protocol: Protocol,
  { port, host, shared = false }: { port: number; host: string; shared?: boolean },
): Promise<PortState> {
  const code = await (protocol === 'tcp' ? listenOnce(port, host) : bindOnce(port, host, shared));
  if (code === null) return 'free';
  return code === 'EADDRINUSE' ? 'taken' : 'refused';
}

function listenOnce(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function bindOnce(port: number, host: string, shared: boolean): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: shared });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      socket.close();
      resolve(code ?? 'unknown');
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}

/** State of a listening TCP socket, and of a UDP socket that is bound, in /proc/net (proc(5)). */
const heldStates = { tcp: '0A', udp: '07' } as const;

export interface PortOwner {
  readonly name: string;
  readonly pid: number;
}

/** Null: nobody, or the system does not tell (only Linux does, and of other accounts' programs only the superuser). */
export async function ownerOfPort(protocol: Protocol, port: number): Promise<PortOwner | null> {
  const inodes = await inodesOf(protocol, port);
  if (inodes.size === 0) return null;
  const pids = (await namesIn('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    for (const fd of await namesIn(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return { name: name.trim(), pid: Number(pid) };
    }
  }
  return null;
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function inodesOf(protocol: Protocol, port: number): Promise<Set<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local.endsWith(`:${wanted}`) && state === heldStates[protocol]) inodes.add(inode);
    }
  }
  return inodes;
}
