/** What a person chose: whether other computers may connect to this one, and whether programs there may. Kept in a small file. */
import { z } from 'zod';
import type { Disk } from '../../ports/disk.ts';

const file = 'network.json';
const schema = z.object({
  /** An address; null: other computers cannot connect. */
  listen: z.string().max(255).nullable(),
  /** Programs on other computers may reach the data. */
  clientsOpen: z.boolean().default(false),
  /** Names of the interfaces at which they may; null, and absent in older files: at all. */
  clientInterfaces: z.array(z.string().min(1).max(255)).max(64).readonly().nullable().default(null),
});
export type NetworkChoice = Readonly<z.infer<typeof schema>>;

/** Nobody may, where there is no file, or none that can be used. */
export async function readNetworkChoice(disk: Disk): Promise<NetworkChoice> {
  try {
    return schema.parse(JSON.parse((await disk.readFile(file)).toString()));
  } catch {
    return { listen: null, clientsOpen: false, clientInterfaces: null };
  }
}

export async function keepNetworkChoice(
  disk: Disk,
  { listen, clientsOpen, clientInterfaces }: NetworkChoice,
): Promise<void> {
  const choice = { listen, clientsOpen, clientInterfaces };
  await disk.replaceFile(file, Buffer.from(`${JSON.stringify(choice)}\n`));
}
