/** Inputs on disk, named by their hash: those that are run again with every test, and those that a reader broke on. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of one target. The whole corpus stays small enough for a repository. */
export const corpusCountMax = 150;
const corpusBytesMax = 16 * 1024;
/** Named by hand, after what they once broke: never thrown away. */
const regression = /^regression-/;

export interface KeptInput {
  readonly name: string;
  readonly bytes: Buffer;
}

const nameOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

export function corpusFolder(root: string, target: string): string {
  return join(root, 'test/fuzz/corpus', target);
}

export function readCorpus(folder: string): KeptInput[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).sort();
  return names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

/** Makes the folder hold these, the first as far as there is room, beside what is named by hand. */
export function writeCorpus(folder: string, inputs: readonly Buffer[]): void {
  const byHand = readCorpus(folder).filter(({ name }) => regression.test(name));
  let left = corpusBytesMax - byHand.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const kept = new Map<string, Buffer>();
  for (const bytes of inputs) {
    if (kept.size + byHand.length >= corpusCountMax || bytes.length > left) continue;
    if (byHand.some((one) => one.bytes.equals(bytes))) continue;
    kept.set(nameOf(bytes), bytes);
    left -= bytes.length;
  }
  mkdirSync(folder, { recursive: true });
  for (const { name } of readCorpus(folder)) {
    if (!kept.has(name) && !regression.test(name)) rmSync(join(folder, name));
  }
  for (const [name, bytes] of kept) writeFileSync(join(folder, name), bytes);
}

/** Returns where it is. */
export function writeCrash(root: string, target: string, bytes: Buffer): string {
  const folder = join(root, 'test/fuzz/crashes', target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, nameOf(bytes));
  writeFileSync(path, bytes);
  return path;
}
