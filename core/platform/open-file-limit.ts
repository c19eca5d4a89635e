/**
 * How many files and sockets this process may have open at once, and how many of them clients may take: whoever opens as
 * many connections as are let in must not keep the storage engine from its files, or the other nodes from their links.
 */
import { readFileSync } from 'node:fs';

/** Where the system does not say (macOS, Windows): what macOS gives at least. Node raises the soft limit to the hard one itself. */
const conservativeLimit = 10_240;
/** Segments, manifest, peer links, the channel to the host, with room to grow. */
const ownFilesMin = 256;
const clientsMin = 16;

/** Files that the process may have open. */
export function openFileLimit(
  read: () => string = () => readFileSync('/proc/self/limits', 'latin1'),
): number {
  let text: string;
  try {
    text = read();
  } catch {
    return conservativeLimit;
  }
  const found = /^Max open files +([0-9]+|unlimited)/m.exec(text);
  if (found === null) return conservativeLimit;
  return found[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(found[1]);
}

/** Clients at once that leave enough: a quarter of all files, and no fewer than the node needs for itself, are not theirs. */
export function clientsWithin(fileLimit: number, wantedMax: number, spareSockets: number): number {
  const own = Math.max(ownFilesMin, Math.ceil(fileLimit / 4)) + spareSockets;
  return Math.max(clientsMin, Math.min(wantedMax, fileLimit - own));
}
