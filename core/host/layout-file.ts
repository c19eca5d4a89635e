/** The layout on the host's disk: replaced as a whole, so that a crash leaves the old one or the new one. */
import { createHash } from 'node:crypto';
import { CoterieError } from '../base/errors.ts';
import { type Layout, parseLayout } from '../layout/layout.ts';
import type { Disk } from '../ports/disk.ts';

const layoutFile = 'layout.json';

export async function readLayout(disk: Disk): Promise<Layout | null> {
  try {
    return parseLayout((await disk.readFile(layoutFile)).toString());
  } catch (error) {
    if (error instanceof CoterieError && error.code === 'not-found') return null;
    throw error;
  }
}

export async function writeLayout(disk: Disk, layout: Layout): Promise<void> {
  await disk.replaceFile(layoutFile, Buffer.from(JSON.stringify(layout)));
}

/** The layout's content address: what a child names as its parent. */
export function digestOf(layout: Layout): string {
  return createHash('sha256').update(JSON.stringify(layout)).digest('hex');
}
