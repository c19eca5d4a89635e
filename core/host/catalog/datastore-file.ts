/**
 * One NeDB file. NeDB appends each change and compacts when it loads, so a file is compacted here after a number of changes
 * as well. A file of which lines cannot be read is set aside as it is, and goes on with the lines that can; a last line
 * that was cut off is the ordinary trace of a crash and costs nothing more than that line.
 */
import { createReadStream, existsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import Datastore from 'nedb-promises';
import type { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { setAside } from './set-aside.ts';

/** For this account alone. NeDB's own, which the wrapper hands through without declaring it. */
const modes = { fileMode: 0o600, dirMode: 0o700 };

export interface DatastoreSettings {
  readonly path: string;
  /** Changes after which the file is compacted: it holds at most this many lines beside one per document. */
  readonly compactAfter: number;
  /** False: damage beyond a cut-off last line throws `corrupt`, and the file stays as it is. */
  readonly mayRepair?: boolean;
}

/** What a file was found to be like. `damage`: in words; null when it was whole. */
interface Salvage {
  readonly lines: readonly string[];
  readonly damage: string | null;
}

function parseLine(line: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Lines of NeDB's own, such as a deletion or an index, are no documents. */
function isNedbs(parsed: Record<string, unknown>): boolean {
  return Object.keys(parsed).some((key) => key.startsWith('$$'));
}

async function salvage(path: string, schema: z.ZodType): Promise<Salvage> {
  const lines: string[] = [];
  let count = 0;
  let lost = 0;
  let isLastLost = false;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === '') continue;
    count++;
    const parsed = parseLine(line);
    const isSound = parsed !== null && (isNedbs(parsed) || schema.safeParse(parsed).success);
    if (isSound) lines.push(line);
    else lost++;
    isLastLost = parsed === null;
  }
  const onlyTail = lost === 1 && isLastLost;
  return { lines, damage: onlyTail ? null : `${lost} of its ${count} lines cannot be used` };
}

function diskError(path: string, cause: unknown): CoterieError {
  if (cause instanceof CoterieError) return cause;
  return new CoterieError('disk-failed', `The file ${path} cannot be used: ${(cause as Error).message}`);
}

export class DatastoreFile<T extends object> {
  readonly store: Datastore<T>;
  /** What was wrong with the file when it was opened, for a person; null when it was whole. */
  readonly finding: string | null;
  readonly #compactAfter: number;
  #changeCount = 0;

  private constructor(store: Datastore<T>, finding: string | null, compactAfter: number) {
    this.store = store;
    this.finding = finding;
    this.#compactAfter = compactAfter;
  }

  static async open<T extends object>(
    { path, compactAfter, mayRepair = true }: DatastoreSettings,
    schema: z.ZodType,
    nowMs: number,
  ): Promise<DatastoreFile<T>> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: modes.dirMode });
      const whole = await loadWhole<T>(path, schema);
      if (whole !== null) return new DatastoreFile(whole, null, compactAfter);
      const { lines, damage } = await salvage(path, schema);
      let finding: string | null = null;
      if (damage !== null) {
        if (!mayRepair) throw new CoterieError('corrupt', `${path} is damaged: ${damage}.`);
        const kept = setAside(path, nowMs);
        finding = `${basename(path)} was damaged: ${damage}. It goes on with the rest; the damaged file is ${kept}.`;
      }
      writeFileSync(path, lines.map((line) => `${line}\n`).join(''), { mode: modes.fileMode });
      const rest = await loadWhole<T>(path, schema);
      if (rest === null) throw new Error('it is damaged beyond repair');
      return new DatastoreFile(rest, finding, compactAfter);
    } catch (cause) {
      throw diskError(path, cause);
    }
  }

  /** Counts a change that was made, and compacts when there were enough of them. */
  async changed(): Promise<void> {
    if (++this.#changeCount < this.#compactAfter) return;
    this.#changeCount = 0;
    // NeDB's own, which the wrapper hands through without declaring it.
    await (this.store as unknown as { compactDatafileAsync(): Promise<void> }).compactDatafileAsync();
  }
}

/** Null: some line or document cannot be used. */
async function loadWhole<T extends object>(path: string, schema: z.ZodType): Promise<Datastore<T> | null> {
  const isThere = existsSync(path);
  const store = Datastore.create({ filename: path, corruptAlertThreshold: 0, modes } as Parameters<
    typeof Datastore.create
  >[0]) as Datastore<T>;
  try {
    await store.load();
  } catch (cause) {
    if (isThere && (cause as { corruptionRate?: number }).corruptionRate !== undefined) return null;
    throw cause;
  }
  const documents = await store.find({});
  return documents.every((document) => schema.safeParse(document).success) ? store : null;
}
