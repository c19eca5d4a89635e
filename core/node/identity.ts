/**
 * The node's durable identity: its id, its epoch, and the mark by which the identity file and the records vouch for each other
 * (start-rule.ts has the rule). It owns the file and the one record of its own; nobody else writes either. Changes follow
 * one another, never overtake: a file that went back would give an epoch out twice.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { InTurn } from '../base/in-turn.ts';
import { addressOf } from '../base/token.ts';
import type { Disk } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import type { StorageEngine } from '../ports/storage-engine.ts';
import { type Actor, actorOf } from '../versions/version-set.ts';
import { type IdentityFile, judgeStart, type Start, type Vouch } from './start-rule.ts';

export const identityFile = 'identity.json';
/** Never given to a keyspace of people (layout.ts keeps below it). */
export const vouchKeyspace = 0xfffe;
const vouchAddress = addressOf(vouchKeyspace, Buffer.from('identity'));
/** Not a key of anybody's: it must not count as one. */
const vouchFacts = { tombstone: true, expiresAtMs: 0 };

/** Where a node that knows of no epoch starts: anywhere in the lower half, which leaves room to count up. */
const firstEpochs = 2 ** 19;

interface State {
  readonly storeId: string;
  readonly epoch: number;
  readonly mark: number;
  readonly rebuilding: boolean;
}

interface Components {
  readonly disk: Disk;
  readonly random: Random;
  readonly engine: StorageEngine;
}

export class Identity {
  readonly #disk: Disk;
  readonly #engine: StorageEngine;
  readonly #nodeId: number;
  /** Why something was missing at the start, for people; null when nothing was. */
  readonly loss: string | null;
  readonly #isKnown: boolean;
  /** The records are exactly as an orderly end left them. */
  #isClosed: boolean;
  #state: State;
  readonly #turns = new InTurn();

  private constructor({ disk, engine }: Components, nodeId: number, start: Start, state: State) {
    this.#disk = disk;
    this.#engine = engine;
    this.#nodeId = nodeId;
    this.#state = state;
    this.loss = start.loss;
    this.#isKnown = start.storeId !== null;
    this.#isClosed = this.#isKnown && engine.recovery.clean;
  }

  /**
   * Reads what is there and decides; nothing is written yet: `begin` must resolve before the first write of this node. Rejects
   * with `conflict` for the folder of another node.
   */
  static async open(
    components: Components,
    settings: { nodeId: number; hasRun: boolean },
  ): Promise<Identity> {
    const { disk, random, engine } = components;
    const { clean, recordCount, quarantinedSegments } = engine.recovery;
    const start = judgeStart({
      ...settings,
      clean,
      recordCount,
      lostData: quarantinedSegments.length > 0,
      file: await readFile(disk),
      record: await readRecord(engine),
    });
    // Without a known epoch: it repeats one of the k used before with a chance of k in 524,288.
    const epoch = start.epoch ?? Math.floor(random.next() * firstEpochs);
    const storeId = start.storeId ?? Buffer.from(random.bytes(8)).toString('hex');
    const { mark, rebuilding } = start;
    return new Identity(components, settings.nodeId, start, { storeId, epoch, mark, rebuilding });
  }

  get actor(): Actor {
    return actorOf(this.#nodeId, this.#state.epoch);
  }

  /** This node has an identity from before this start. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Names the state in which the last run closed the records, or in which `close` did; null: they are not in such a state. */
  get stamp(): string | null {
    const { storeId, mark } = this.#state;
    return this.#isClosed ? `${storeId} ${mark}` : null;
  }

  get isRebuilding(): boolean {
    return this.#state.rebuilding;
  }

  /** Makes this start durable: the epoch may be written under once this has resolved. */
  begin(): Promise<void> {
    return this.#change((state) => state);
  }

  /** Takes a new epoch durably. `lostData`: and this node must be compared with all other replicas. */
  async renewEpoch(lostData: boolean): Promise<Actor> {
    await this.#change((state) => ({
      ...state,
      epoch: state.epoch + 1,
      rebuilding: state.rebuilding || lostData,
    }));
    return this.actor;
  }

  noteRebuilding(rebuilding: boolean): Promise<void> {
    return this.#change((state) => ({ ...state, rebuilding }));
  }

  /** What was written so far is vouched for: should it be gone after the next start, that is noticed. */
  vouch(): Promise<void> {
    return this.#change((state) => state);
  }

  /**
   * Closes the storage with the mark as its very last record: a tail that is cut off afterwards takes the mark with it. A disk
   * that does not take the mark now closes without: then the one before it stands, which is no less true.
   */
  close(): Promise<void> {
    return this.#turns.run(async () => {
      const state = { ...this.#state, mark: this.#state.mark + 1 };
      const written = this.#writeRecord(state).then(
        () => true,
        () => false,
      );
      // In the same turn, so that nothing can be written in between.
      await this.#engine.close();
      if (!(await written)) return;
      await this.#writeFile(state);
      this.#state = state;
      this.#isClosed = true;
    });
  }

  #change(edit: (state: State) => State): Promise<void> {
    return this.#turns.run(async () => {
      const state = edit({ ...this.#state, mark: this.#state.mark + 1 });
      this.#isClosed = false;
      // The records first: a file that knows of a newer mark than they do says that they have lost something.
      await this.#writeRecord(state);
      await this.#writeFile(state);
      this.#state = state;
    });
  }

  #writeRecord({ storeId, epoch, mark }: State): Promise<void> {
    const vouch: Vouch = { nodeId: this.#nodeId, storeId, epoch, mark };
    return new Promise((resolve, reject) => {
      const done = (error: CoterieError | null) => (error === null ? resolve() : reject(error));
      const bytes = Buffer.from(JSON.stringify(vouch));
      const refusal = this.#engine.put(vouchAddress, bytes, vouchFacts, 'always', done);
      if (refusal !== null) reject(refusal);
    });
  }

  #writeFile({ storeId, epoch, mark, rebuilding }: State): Promise<void> {
    const text = JSON.stringify({ format: 2, nodeId: this.#nodeId, storeId, epoch, mark, rebuilding });
    return this.#disk.replaceFile(identityFile, Buffer.from(text));
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Null for a file that is missing or damaged. A newer format is refused by name. */
async function readFile(disk: Disk): Promise<IdentityFile | null> {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse((await disk.readFile(identityFile)).toString());
  } catch (error) {
    if (error instanceof CoterieError && error.code !== 'not-found') throw error;
    return null;
  }
  const { format, nodeId, epoch, rebuilding } = found ?? {};
  if (isCount(format) && format > 2) {
    throw new CoterieError(
      'unsupported',
      `${identityFile} was written by a newer version of Coterie. Update this computer.`,
    );
  }
  if (!isCount(nodeId) || !isCount(epoch)) return null;
  const vouch = vouchOf(found);
  if (format === 2 && vouch === null) return null;
  return { nodeId, epoch, rebuilding: rebuilding === true, vouch: format === 2 ? vouch : null };
}

function vouchOf(found: Record<string, unknown> | null): Vouch | null {
  const { nodeId, storeId, epoch, mark } = found ?? {};
  const sound = isCount(nodeId) && isCount(epoch) && isCount(mark) && typeof storeId === 'string';
  return sound ? { nodeId, storeId, epoch, mark } : null;
}

function readRecord(engine: StorageEngine): Promise<Vouch | null> {
  return new Promise((resolve, reject) => {
    engine.get(vouchAddress, (error, value) => {
      if (error !== null && error.code !== 'corrupt') reject(error);
      else {
        try {
          resolve(value === null ? null : vouchOf(JSON.parse(value.toString())));
        } catch (cause) {
          if (toCoterieError(cause, 'corrupt').code !== 'corrupt') reject(cause);
          else resolve(null);
        }
      }
    });
  });
}
