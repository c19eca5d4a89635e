import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { addressOf } from '../../../core/base/token.ts';
import { Identity, identityFile } from '../../../core/node/identity.ts';
import { Vouching } from '../../../core/node/vouching.ts';
import type { StorageEngine } from '../../../core/ports/storage-engine.ts';
import type { Writer } from '../../../core/replication/parts.ts';
import { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { epochOf } from '../../../core/versions/version-set.ts';
import { Bench, put } from '../../support/engines.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { recordBy } from '../../support/records.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { check } from '../../support/seeds.ts';

const nodeId = 7;

/** One node's disk, with what starts and ends on it. */
class House {
  readonly bench: Bench;
  readonly random = new SeededRandom(5);
  #hasRun = false;
  engine!: StorageEngine;
  identity!: Identity;

  constructor() {
    this.bench = new Bench();
  }

  /** Reads and decides; nothing is written. */
  async open(hasRun = this.#hasRun, id = nodeId): Promise<Identity> {
    this.engine = await this.bench.open();
    const components = { disk: this.bench.disk.forProcess(), random: this.random, engine: this.engine };
    this.identity = await this.bench.run(Identity.open(components, { nodeId: id, hasRun }));
    return this.identity;
  }

  async start(): Promise<Identity> {
    await this.open();
    await this.bench.run(this.identity.begin());
    this.#hasRun = true;
    return this.identity;
  }

  stop(): Promise<void> {
    return this.bench.run(this.identity.close());
  }

  file(): { epoch: number; mark: number; storeId: string; rebuilding: boolean } {
    return JSON.parse(this.bench.disk.contentOf(identityFile).toString());
  }

  get epoch(): number {
    return epochOf(this.identity.actor);
  }
}

describe('an identity', () => {
  it('keeps its epoch and its store over an orderly end, and knows the state that it left', async () => {
    const house = new House();
    await house.start();
    expect(house.identity.stamp).toBeNull();
    await house.stop();
    const { stamp } = house.identity;
    const { epoch } = house;
    await house.open();
    const { loss, isKnown, isRebuilding } = house.identity;
    expect({ loss, isKnown, isRebuilding }).toEqual({ loss: null, isKnown: true, isRebuilding: false });
    expect(house.identity.stamp).toBe(stamp);
    expect(stamp).not.toBeNull();
    expect(house.epoch).toBe(epoch);
    await house.bench.run(house.identity.begin());
    expect(house.identity.stamp).toBeNull();
  });

  it('takes the next epoch after a crash, without a loss, wherever the crash came between its two writes', async () => {
    const house = new House();
    await house.start();
    const { epoch } = house;
    // The record gets there, the file does not.
    house.bench.disk.faults.replaceLost = true;
    await house.bench.run(house.identity.vouch());
    house.bench.disk.crash();
    house.bench.disk.faults.replaceLost = false;
    await house.open();
    expect(house.identity.loss).toBeNull();
    expect(house.epoch).toBe(epoch + 1);
  });

  it('is lost with the records after its last mark', async () => {
    const house = new House();
    await house.start();
    const copy = house.bench.disk.snapshot('data');
    await house.bench.run(put(house.engine, 'k', 'v'));
    await house.bench.run(house.identity.vouch());
    const { epoch } = house;
    house.bench.disk.crash();
    house.bench.disk.restore(copy);
    await house.open();
    expect(house.identity.loss).toMatch(/newest records are gone/);
    expect(house.identity.isRebuilding).toBe(true);
    expect(house.epoch).toBe(epoch + 1);
  });

  it('stays in rebuilding over restarts until it is noted as whole', async () => {
    const house = new House();
    await house.start();
    await house.stop();
    house.bench.disk.removeFolder('data');
    await house.start();
    await house.stop();
    await house.start();
    expect(house.identity.isRebuilding).toBe(true);
    expect(house.identity.loss).toBeNull();
    await house.bench.run(house.identity.noteRebuilding(false));
    await house.stop();
    expect((await house.open()).isRebuilding).toBe(false);
  });

  it('writes its changes one after another, however many are asked for at once', async () => {
    const house = new House();
    await house.start();
    const before = house.file();
    house.bench.disk.faults.delayMaxMs = 100;
    const all = [
      house.identity.renewEpoch(false),
      house.identity.vouch(),
      house.identity.renewEpoch(true),
      house.identity.vouch(),
    ];
    await house.bench.run(Promise.all(all));
    expect(house.file()).toMatchObject({ epoch: before.epoch + 2, mark: before.mark + 4, rebuilding: true });
    expect(house.epoch).toBe(before.epoch + 2);
    house.bench.disk.faults.delayMaxMs = 0;
    await house.stop();
    expect((await house.open()).loss).toBeNull();
  });

  it('stays as it was when the disk refuses a change', async () => {
    const house = new House();
    await house.start();
    const { epoch } = house;
    house.bench.disk.faults.writeFails = true;
    const renewed = house.identity.renewEpoch(true);
    await expect(house.bench.run(renewed)).rejects.toBeInstanceOf(CoterieError);
    expect(house.epoch).toBe(epoch);
    expect(house.identity.isRebuilding).toBe(false);
  });

  it.each([
    ['cut off', '{"format":2,"nodeId":7'],
    ['of another shape', '[]'],
    ['no more than null', 'null'],
    ['without a mark', '{"format":2,"nodeId":7,"epoch":3,"storeId":"x"}'],
    ['of a negative epoch', '{"format":2,"nodeId":7,"epoch":-3,"storeId":"x","mark":1}'],
  ])('counts a file that is %s as none', async (_, text) => {
    const house = new House();
    await house.start();
    const { epoch } = house;
    await house.stop();
    await house.bench.run(house.bench.disk.replaceFile(identityFile, Buffer.from(text)));
    await house.open();
    expect(house.identity.loss).toMatch(/identity file is missing or damaged/);
    expect(house.epoch).toBe(epoch + 1);
  });

  it('refuses a file of a newer version, and the folder of another node', async () => {
    const house = new House();
    await house.start();
    await house.stop();
    await expect(house.open(true, 8)).rejects.toMatchObject({ code: 'conflict' });
    await house.bench.run(house.bench.disk.replaceFile(identityFile, Buffer.from('{"format":3}')));
    await expect(house.open()).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('never gives an epoch out a second time, through crashes, wipes, and old copies put back', async () => {
    const events = fc.array(
      fc.constantFrom(
        'stop',
        'crash',
        'cut between',
        'half-written',
        'renew',
        'copy',
        'old records',
        'old file',
        'no records',
        'no file',
      ),
      { maxLength: 14 },
    );
    await check(
      fc.asyncProperty(events, async (steps) => {
        const house = new House();
        const { disk } = house.bench;
        /** Under which something may have been written: each must be begun by one run of records only. */
        const used = new Set<number>();
        let isContinued = false;
        const begin = async () => {
          await house.start();
          if (!isContinued) expect(used.has(house.epoch)).toBe(false);
          used.add(house.epoch);
        };
        let records = disk.snapshot('data');
        let file = disk.snapshot(identityFile);
        await begin();
        for (const step of steps) {
          isContinued = false;
          if (step === 'copy') {
            records = disk.snapshot('data');
            file = disk.snapshot(identityFile);
            isContinued = true;
            continue;
          }
          if (step === 'renew') {
            await house.bench.run(house.identity.renewEpoch(false));
            expect(used.has(house.epoch)).toBe(false);
            used.add(house.epoch);
            continue;
          }
          if (step === 'cut between') {
            disk.faults.replaceLost = true;
            await house.bench.run(house.identity.vouch());
            disk.faults.replaceLost = false;
            disk.crash();
          } else if (step === 'half-written') {
            void house.identity.vouch().catch(() => {});
            disk.faults.tornWrites = true;
            disk.crash();
            disk.faults.tornWrites = false;
          } else if (step === 'crash') {
            disk.crash();
          } else {
            await house.bench.run(house.identity.vouch());
            await house.stop();
          }
          // One of the two is always left: with both gone nobody here knows what was used, and chance has to do.
          if (step === 'old records') disk.restore(records);
          else if (step === 'old file') disk.restore(file);
          else if (step === 'no records') disk.removeFolder('data');
          else if (step === 'no file') disk.removeFolder(identityFile);
          isContinued = step === 'stop';
          await begin();
        }
      }),
      60,
    );
  });
});

describe('vouching', () => {
  const everyMs = 10_000;

  async function opened() {
    const house = new House();
    await house.open(false);
    const records = new LocalRecords(house.engine);
    const writer: Writer = { actor: house.identity.actor, counterMax: 0, refusal: null };
    const log = new LogCapture();
    const { time } = house.bench;
    const vouching = new Vouching({ identity: house.identity, records, timers: time, log, writer }, everyMs);
    return { house, records, writer, log, vouching };
  }

  it('that a full disk refuses leaves the node reading only, until there is room', async () => {
    const { house, writer, log, vouching } = await opened();
    const { disk, time } = house.bench;
    disk.faults.capacityBytes = disk.usedBytes;
    await house.bench.run(vouching.begin());
    expect(writer.refusal?.code).toBe('disk-full');
    expect(writer.refusal?.message).toMatch(/^This node cannot write yet\./);
    await time.advance(30_000);
    expect(writer.refusal?.code).toBe('disk-full');
    expect(log.errors).toHaveLength(1);
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await time.advance(5_000);
    expect(writer.refusal).toBeNull();
    expect(house.file().epoch).toBe(house.epoch);
    vouching.close();
  });

  it('sets a mark only when something changed since the last one', async () => {
    const { house, records, vouching } = await opened();
    await house.bench.run(vouching.begin());
    const { mark } = house.file();
    await house.bench.time.advance(10 * everyMs);
    expect(house.file().mark).toBe(mark);
    records.merge(
      addressOf(0, Buffer.from('k')),
      recordBy(1),
      { durability: 'always', newestOnly: false },
      () => {},
    );
    await house.bench.time.advance(10 * everyMs);
    expect(house.file().mark).toBe(mark + 1);
    vouching.close();
  });

  it('notes that a loss has been made good, and only warns where the disk does not take that', async () => {
    const { house, log, vouching } = await opened();
    await house.bench.run(vouching.begin());
    await house.bench.run(house.identity.noteRebuilding(true));
    house.bench.disk.faults.writeFails = true;
    await house.bench.run(vouching.noteWhole());
    expect(log.warnings).toHaveLength(1);
    expect(house.identity.isRebuilding).toBe(true);
    vouching.close();
  });

  it('ends when it is closed', async () => {
    const { house, vouching } = await opened();
    await house.bench.run(vouching.begin());
    vouching.close();
    const { mark } = house.file();
    await house.bench.run(put(house.engine, 'k', 'v'));
    await house.bench.time.advance(10 * everyMs);
    expect(house.file().mark).toBe(mark);
  });
});
