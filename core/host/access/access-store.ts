/**
 * The rules of access of this computer, in a small file that only its owner may read, and a copy of it. Neither there: open to
 * every program of this computer. Rules that were there and cannot be read let nobody in, and say what to do; one file that is
 * lost or damaged opens nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../../ports/disk.ts';
import { type AccessRules, accessRules, closedRules, openRules } from '../../security/access.ts';
import { mergeAccess } from '../../security/access-merge.ts';
import { setAside } from '../catalog/set-aside.ts';

const mainFile = 'access.json';
const copyFile = 'access.copy.json';

/** `rules` null: it has none, for the reason given. */
type Found =
  | { readonly rules: AccessRules }
  | { readonly rules: null; readonly isThere: boolean; why: string };

function readOne(path: string): Found {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isThere = code !== 'ENOENT';
    return { rules: null, isThere, why: isThere ? message : 'it is missing' };
  }
  try {
    return { rules: mergeAccess(openRules, accessRules.parse(JSON.parse(text))) };
  } catch {
    return { rules: null, isThere: true, why: 'it is damaged, or from a newer version' };
  }
}

/** `finding`: something for a person to read, when not all was as it should be. */
export function readAccess(folder: string): { rules: AccessRules; finding: string | null } {
  const path = join(folder, mainFile);
  const main = readOne(path);
  if (main.rules !== null) return { rules: main.rules, finding: null };
  const copy = readOne(join(folder, copyFile));
  if (copy.rules !== null) {
    return {
      rules: copy.rules,
      finding: `${path}, which says who may use the data, cannot be read: ${main.why}. Its copy took its place.`,
    };
  }
  if (!main.isThere && !copy.isThere) return { rules: openRules, finding: null };
  const finding = `${path}, which says who may use the data, cannot be read: ${main.why}; nor can its copy: ${copy.why}. No program is let in until there are users again: coterie user add NAME, or coterie user require off.`;
  return { rules: closedRules, finding };
}

/** Resolves when both are on the disk. A file that could not be read is kept under another name. */
export async function writeAccess(
  disk: Disk,
  rules: AccessRules,
  { folder, nowMs }: { folder: string; nowMs: number },
): Promise<void> {
  // The copy first: a change that fails in between is one that did not happen, since the main file is what counts.
  for (const file of [copyFile, mainFile]) {
    const path = join(folder, file);
    const found = readOne(path);
    if (found.rules === null && found.isThere) setAside(path, nowMs);
    await disk.replaceFile(file, Buffer.from(JSON.stringify(rules)));
  }
}
