/** Where other computers of the cluster were reached last: a start begins there, also where nobody is heard on the network. */
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { addressesIn, presentInterfaces } from '../../platform/interfaces.ts';
import type { Disk } from '../../ports/disk.ts';
import { oneAddress } from '../ports.ts';
import { type KnownPlace, knownPlace } from './messages.ts';

const file = 'known-computers.json';
const schema = z.object({ places: z.array(knownPlace).max(1_000) });

/** None where the file cannot be used: the network tells, or a person. */
export async function readPlaces(disk: Disk): Promise<readonly KnownPlace[]> {
  try {
    return schema.parse(JSON.parse((await disk.readFile(file)).toString())).places;
  } catch {
    return [];
  }
}

export async function writePlaces(disk: Disk, places: readonly KnownPlace[]): Promise<void> {
  await disk.replaceFile(file, Buffer.from(`${JSON.stringify({ places })}\n`));
}

/** host:port at which other computers reach this one, the likeliest first. */
export function ownAddresses(listen: string, port: number, table = presentInterfaces()): string[] {
  const only = oneAddress(listen);
  if (only !== null) return [addressOf(only, port)];
  return addressesIn(table)
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => addressOf(address, port));
}

export function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Of host:port. */
export function hostIn(address: string | null): string | null {
  return address?.slice(0, address.lastIndexOf(':')) ?? null;
}

/** Null for what is none. */
export function placeIn(address: string): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address.trim());
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) return null;
  return { host: match[1] ?? match[2], port };
}

/** All of 127.0.0.0/8 is this computer. */
export function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith('127.')) || host === '::1';
}
