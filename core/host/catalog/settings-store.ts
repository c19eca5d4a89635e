/**
 * The settings of the catalog: few, and each worth keeping, so they are kept twice. The NeDB file is written first, then,
 * durably, a copy of all of them. A damaged or missing file is made anew from the copy, and the other way round.
 */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import { NodeDisk } from '../../platform/node-disk.ts';
import { DatastoreFile } from './datastore-file.ts';
import { setAside } from './set-aside.ts';

const settingSchema = z.object({ key: z.string().min(1), value: z.string() });
type Setting = z.infer<typeof settingSchema>;

/** Of the whole catalog: a newer version raises it when an older one could not read what it writes. */
const catalogFormat = 1;
const formatKey = 'catalog-format';
const mainFile = 'settings.db';
const copyFile = 'settings.copy.json';
const compactAfter = 200;

const copySchema = z.object({ format: z.number().int(), settings: z.record(z.string(), z.string()) });

interface Copy {
  readonly settings: ReadonlyMap<string, string>;
  /** Why it cannot be used; null: it can, or there is none. */
  readonly damage: string | null;
}

function refuseNewer(path: string, format: number): void {
  if (format <= catalogFormat) return;
  throw new CoterieError(
    'unsupported',
    `${path} was written by a newer version of Coterie; update this computer.`,
  );
}

async function readCopy(disk: NodeDisk, path: string): Promise<Copy> {
  const none = new Map<string, string>();
  let text: string;
  try {
    text = (await disk.readFile(copyFile)).toString();
  } catch (cause) {
    const { code, message } = cause as CoterieError;
    return { settings: none, damage: code === 'not-found' ? null : message };
  }
  let copy: unknown;
  try {
    copy = JSON.parse(text);
  } catch {
    return { settings: none, damage: 'it is not readable as JSON' };
  }
  const format = (copy as { format?: unknown } | null)?.format;
  if (typeof format === 'number') refuseNewer(path, format);
  const parsed = copySchema.safeParse(copy);
  if (!parsed.success) return { settings: none, damage: parsed.error.issues[0].message };
  return { settings: new Map(Object.entries(parsed.data.settings)), damage: null };
}

async function openMain(
  path: string,
  copyPath: string,
  copy: Copy,
  nowMs: number,
): Promise<DatastoreFile<Setting>> {
  const mayRepair = copy.settings.size > 0;
  try {
    return await DatastoreFile.open<Setting>({ path, compactAfter, mayRepair }, settingSchema, nowMs);
  } catch (cause) {
    if (!(cause instanceof CoterieError) || cause.code !== 'corrupt') throw cause;
    const why = copy.damage === null ? 'is missing' : `is damaged as well (${copy.damage})`;
    throw new CoterieError(
      'corrupt',
      `${cause.message} The copy, ${copyPath}, ${why}. Put one of them back from a backup. To go on without them move both away; a node whose folder is empty is then taken for a new one.`,
    );
  }
}

export class SettingsStore {
  readonly #file: DatastoreFile<Setting>;
  readonly #disk: NodeDisk;
  readonly #settings: Map<string, string>;
  readonly #turns = new InTurn();

  private constructor(file: DatastoreFile<Setting>, disk: NodeDisk, settings: Map<string, string>) {
    this.#file = file;
    this.#disk = disk;
    this.#settings = settings;
  }

  /** Throws `corrupt` when neither copy can be used, `unsupported` when a newer version wrote them. */
  static async open(
    folder: string,
    nowMs: number,
  ): Promise<{ settings: SettingsStore; findings: readonly string[] }> {
    const disk = new NodeDisk(folder);
    const mainPath = join(folder, mainFile);
    const copyPath = join(folder, copyFile);
    const wasThere = existsSync(mainPath);
    const copy = await readCopy(disk, copyPath);
    const findings: string[] = [];
    const file = await openMain(mainPath, copyPath, copy, nowMs);
    if (file.finding !== null) findings.push(`${file.finding} What it lacked came from ${copyFile}.`);
    else if (!wasThere && copy.settings.size > 0) {
      findings.push(`${mainFile} was missing. ${copyFile} took its place.`);
    }
    if (copy.damage !== null) {
      const kept = setAside(copyPath, nowMs);
      findings.push(
        `${basename(copyPath)} was damaged (${copy.damage}). It is written anew; the damaged file is ${kept}.`,
      );
    }
    const found = new Map((await file.store.find({})).map(({ key, value }) => [key, value]));
    refuseNewer(mainPath, Number(found.get(formatKey) ?? catalogFormat));
    const store = new SettingsStore(file, disk, found);
    for (const [key, value] of new Map([[formatKey, String(catalogFormat)], ...copy.settings])) {
      if (!found.has(key)) await store.set(key, value);
    }
    if (copy.settings.size < found.size) await store.#writeCopy();
    return { settings: store, findings };
  }

  get(key: string): string | null {
    return this.#settings.get(key) ?? null;
  }

  /** Resolves when both copies have it, the second durably. */
  set(key: string, value: string): Promise<void> {
    return this.#turns.run(async () => {
      await this.#file.store.update({ key }, { key, value }, { upsert: true });
      this.#settings.set(key, value);
      await this.#file.changed();
      await this.#writeCopy();
    });
  }

  #writeCopy(): Promise<void> {
    const copy = { format: catalogFormat, settings: Object.fromEntries(this.#settings) };
    return this.#disk.replaceFile(copyFile, Buffer.from(JSON.stringify(copy)));
  }

  async close(): Promise<void> {
    await this.#turns.ended();
  }
}
