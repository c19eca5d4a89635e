/**
 * The files of a data folder that hold keys or other secrets in plain: each for its owner alone, and locked by the key store of the
 * system where there is one and the person does not want it otherwise. Whoever reads or writes one does it here. A file is found in
 * either form, whatever was chosen: it is brought into the one that is wanted when the folder is opened, each by one replacement, so
 * that a crash leaves one that can be read. One that cannot be opened ends the start, before anybody could make a new one in its place.
 */
import { z } from 'zod';
import { assert } from '../base/assert.ts';
import { CoterieError } from '../base/errors.ts';
import { InTurn } from '../base/in-turn.ts';
import type { Disk } from '../ports/disk.ts';
import type { KeyStore, SecretBox } from '../ports/secret-box.ts';
import { isSealed, openedFile, sealedFile } from './sealed-file.ts';

/** All that readers and writers of one file need. */
export type SecretStore = Pick<Disk, 'readFile' | 'replaceFile'>;

/** With what to do about one that cannot be opened any more; first the one that decides what becomes of the others. */
const lost = {
  'trust.json':
    'Put it back from a backup in which it is not locked. Without one, take this computer out at another, empty its data folder, and let it join anew; one that is its whole cluster keeps its data: move trust.json and network.json away, and it opens without other computers.',
  'cluster-secret':
    'Put it back from a backup in which it is not locked. On a computer that is its whole cluster, move it away instead: a new one is made.',
  'cluster-keys.json':
    'Put it back from a backup in which it is not locked, or move it away: the keys of before are used until another computer hands over those of now.',
  'newcomer.json': 'Move it away: this computer asks to come in anew, by another key.',
  'join-requests.json': 'Move it away: computers that wait to be let in ask anew.',
} as const;
const names = Object.keys(lost) as (keyof typeof lost)[];

const choiceFile = 'key-lock.json';
const choiceSchema = z.object({ on: z.boolean() });

interface Parts {
  readonly disk: Disk;
  readonly folder: string;
  readonly keyStore: KeyStore;
}

export class SecretFiles implements SecretStore {
  readonly #parts: Parts;
  /** What was chosen, which counts where there is a key store. */
  #isOn: boolean;
  /** Some are still in the other form, because a change of it failed. */
  #isMixed = false;
  /** Nobody writes while a file changes its form. */
  readonly #turns = new InTurn();

  private constructor(parts: Parts, isOn: boolean) {
    this.#parts = parts;
    this.#isOn = isOn;
  }

  /**
   * Only for whoever has the folder's lock. Rejects for a file that cannot be opened: `unsupported` where no key store is at hand,
   * `corrupt` where it does not open the file. `findings`: what a person should know, in words.
   */
  static async open(parts: Parts): Promise<{ readonly files: SecretFiles; readonly findings: string[] }> {
    const files = new SecretFiles(parts, await readChoice(parts.disk));
    return { files, findings: await files.#tidy() };
  }

  /** Whether all of them are locked, and whether that can be chosen: null: it can. */
  get lock(): { readonly isOn: boolean; readonly whyNot: string | null } {
    const { keyStore } = this.#parts;
    if (keyStore.box === null) return { isOn: false, whyNot: keyStore.whyNone };
    return { isOn: this.#isOn && !this.#isMixed, whyNot: null };
  }

  readFile(name: string): Promise<Buffer> {
    return this.#read(name).then(({ plain }) => plain);
  }

  replaceFile(name: string, bytes: Uint8Array): Promise<void> {
    return this.#turns.run(() => this.#write(name, Buffer.from(bytes)));
  }

  /**
   * Resolves once every file is in that form. Where that fails on the way, the next start goes on with it. Throws `conflict` for `on`
   * where there is no key store.
   */
  setLock(on: boolean): Promise<void> {
    return this.#turns.run(async () => {
      const { whyNot } = this.lock;
      if (on && whyNot !== null) {
        throw new CoterieError(
          'conflict',
          `The key store of the system cannot lock the keys of this computer. ${whyNot}`,
        );
      }
      // One that cannot be opened is told before anything is different.
      for (const name of await this.#present()) await this.#read(name);
      await this.#parts.disk.replaceFile(choiceFile, Buffer.from(`${JSON.stringify({ on })}\n`));
      this.#isOn = on;
      this.#isMixed = true;
      await this.#convert();
      this.#isMixed = false;
    });
  }

  async #tidy(): Promise<string[]> {
    const { disk, keyStore } = this.#parts;
    for (const name of await this.#present()) await this.#read(name);
    const findings: string[] = [];
    try {
      // What a crash left of a replacement may hold a key in plain.
      const left = new Set(await disk.list('.'));
      for (const name of names) if (left.has(`${name}.new`)) await disk.remove(`${name}.new`);
      const count = keyStore.box === null ? 0 : await this.#convert();
      if (count > 0) findings.push(this.#isOn ? lockedNow : unlockedNow);
    } catch (cause) {
      // They can be read as they are.
      const form = this.#isOn ? 'lock' : 'unlock';
      findings.push(
        `Coterie could not ${form} the keys of this computer. It tries again at the next start. ${(cause as Error).message}`,
      );
    }
    return findings;
  }

  async #present(): Promise<string[]> {
    const all = new Set(await this.#parts.disk.list('.'));
    return names.filter((name) => all.has(name));
  }

  /** How many were in the other form. */
  /** By which files are sealed that are written from now on; null: they are written in plain. */
  get #seal(): SecretBox | null {
    return this.#isOn ? this.#parts.keyStore.box : null;
  }

  async #convert(): Promise<number> {
    let count = 0;
    for (const name of await this.#present()) {
      const { plain, wasSealed } = await this.#read(name);
      if (wasSealed === (this.#seal !== null)) continue;
      await this.#write(name, plain);
      count++;
    }
    return count;
  }

  async #read(name: string): Promise<{ readonly plain: Buffer; readonly wasSealed: boolean }> {
    const { disk, folder, keyStore } = this.#parts;
    let bytes: Buffer;
    try {
      bytes = await disk.readFile(name);
    } catch (cause) {
      const { code, message } = cause as CoterieError;
      if (code !== 'disk-failed') throw cause;
      throw new CoterieError(
        'disk-failed',
        `${folder}/${name} cannot be read: ${message} Give this account the right to read it.`,
      );
    }
    if (!isSealed(bytes)) return { plain: bytes, wasSealed: false };
    if (keyStore.box === null) {
      throw new CoterieError(
        'unsupported',
        `${folder}/${name} is locked by the key store of the system. ${keyStore.whyNone} To keep the keys in plain files, start the Coterie app with this folder, in the account and on the computer that locked it, and turn off "Lock this computer's keys" on the Computers page, or type: coterie keys unlock. Then start this again.`,
      );
    }
    try {
      return { plain: openedFile(keyStore.box, name, bytes), wasSealed: true };
    } catch (cause) {
      throw new CoterieError(
        'corrupt',
        `The key store of the system cannot open ${folder}/${name} (${(cause as Error).message.replace(/\.$/, '')}). The file is damaged, or was locked by another account or computer, or by a key store that was since set up anew. ${lost[known(name)]}`,
      );
    }
  }

  #write(name: string, plain: Buffer): Promise<void> {
    const box = this.#seal;
    const bytes = box === null ? plain : sealedFile(box, name, plain);
    return this.#parts.disk.replaceFile(known(name), bytes);
  }
}

const lockedNow =
  'The keys of this computer are locked by the key store of the system from now on, and coterie serve cannot open them. To keep them in plain files instead: turn off "Lock this computer\'s keys" on the Computers page.';
const unlockedNow =
  'The keys of this computer are kept in plain files from now on, which only this account can read.';

/** One that is not named here would stay in plain when the others are locked. */
function known(name: string): keyof typeof lost {
  assert(name in lost, `${name} is no file of secrets`);
  return name as keyof typeof lost;
}

/** They are locked where nothing was chosen; where the choice cannot be read, they stay as the first of them is. */
async function readChoice(disk: Disk): Promise<boolean> {
  try {
    return choiceSchema.parse(JSON.parse((await disk.readFile(choiceFile)).toString())).on;
  } catch (cause) {
    if ((cause as CoterieError).code === 'not-found') return true;
  }
  for (const name of names) {
    try {
      return isSealed(await disk.readFile(name));
    } catch {
      // There is none of that name, or it is told when it is read.
    }
  }
  return true;
}
