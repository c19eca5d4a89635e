/**
 * Where a running node can be called by a host that did not start it: a small file in the node's folder, there from the time it
 * listens until it has ended in order. It is a hint, no more: who listens there has to show that it is the node.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const file = 'endpoint.json';

const nodeEndpoint = z.object({ pid: z.number().int(), peerPort: z.number().int().min(1).max(65_535) });

/** As what a node's process owns its folder. */
export function ownerNameOf(nodeName: string): string {
  return `node ${nodeName}`;
}

export function writeEndpoint(folder: string, peerPort: number): void {
  writeFileSync(join(folder, file), JSON.stringify({ pid: process.pid, peerPort }), { mode: 0o600 });
}

export function removeEndpoint(folder: string): void {
  rmSync(join(folder, file), { force: true });
}

/** Null when there is none that can be read. */
export function readEndpoint(folder: string): z.infer<typeof nodeEndpoint> | null {
  try {
    return nodeEndpoint.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  } catch {
    return null;
  }
}
