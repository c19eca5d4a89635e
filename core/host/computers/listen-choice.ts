/** Whether other computers may connect to this one, as a person chose in the app. Kept in a small file; none: nobody may. */
import { z } from 'zod';
import type { Disk } from '../../ports/disk.ts';

const file = 'network.json';
const schema = z.object({ listen: z.string().max(255).nullable() });

/** An address; null: other computers cannot connect. */
export async function readListenChoice(disk: Disk): Promise<string | null> {
  try {
    return schema.parse(JSON.parse((await disk.readFile(file)).toString())).listen;
  } catch {
    return null;
  }
}

export async function keepListenChoice(disk: Disk, listen: string | null): Promise<void> {
  await disk.replaceFile(file, Buffer.from(`${JSON.stringify({ listen })}\n`));
}
