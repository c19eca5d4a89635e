/** Where the nodes of a data folder lie: a folder each, by name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Below the data folder. */
export const nodesFolder = 'nodes';

export function nodeFolderOf(folder: string, name: string): string {
  return join(folder, nodesFolder, name);
}

/** Sorted; none when there is no such folder yet, or it cannot be read. */
export function nodeNamesIn(folder: string): string[] {
  try {
    return readdirSync(join(folder, nodesFolder)).sort();
  } catch {
    return [];
  }
}
