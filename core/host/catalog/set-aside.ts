/** A damaged file is kept beside its successor, for whoever wants to look into it; the newest few of each. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const keptMax = 3;

/** Renames `path` and returns the name (not the path) under which it is kept. */
export function setAside(path: string, nowMs: number): string {
  const prefix = `${basename(path)}.damaged-`;
  const folder = dirname(path);
  // Sorts by time, and no system forbids it in a name.
  const name = prefix + new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  renameSync(path, join(folder, name));
  const kept = readdirSync(folder)
    .filter((other) => other.startsWith(prefix))
    .sort();
  for (const old of kept.slice(0, Math.max(0, kept.length - keptMax))) {
    rmSync(join(folder, old), { force: true });
  }
  return name;
}
