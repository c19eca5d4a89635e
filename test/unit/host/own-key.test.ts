/** A computer that replaces its own key, with a clock, a disk and others of the test's own. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { OwnKey } from '../../../core/host/computers/own-key.ts';
import { heldKeysOf, keyOfTrust, openTrust, TrustKeeper } from '../../../core/host/computers/trust.ts';
import type { Layout, LayoutComputer } from '../../../core/layout/layout.ts';
import type { Disk } from '../../../core/ports/disk.ts';
import { readTrust } from '../../../core/security/trust-store.ts';
import { layoutOf } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const own = new Set(['computer-1']);
const dayMs = 86_400_000;

/** Signing takes time that no test's clock knows of: so does nothing else here. */
class QuickDisk {
  readonly files = new Map<string, Buffer>();
  writeFails = false;

  async readFile(path: string): Promise<Buffer> {
    const found = this.files.get(path);
    if (found === undefined) throw new CoterieError('not-found', path);
    return found;
  }

  async replaceFile(path: string, bytes: Buffer): Promise<void> {
    if (this.writeFails) throw new CoterieError('disk-full', path);
    this.files.set(path, bytes);
  }
}

class World {
  readonly time = new VirtualTime();
  readonly log = new LogCapture();
  readonly files = new QuickDisk();
  readonly disk = this.files as unknown as Disk;
  layout: Layout = layoutOf({ here: 2 });
  keeper!: TrustKeeper;
  ownKey!: OwnKey;
  /** Ids of those that have not heard of the newest layout. */
  silent: string[] = [];
  readonly decided: string[] = [];
  shown = '';
  refuses = false;
  aheadMs = 0;
  readonly clock = {
    nowMs: () => this.time.nowMs() + this.aheadMs,
    monotonicMs: () => this.time.monotonicMs(),
  };

  get entry(): LayoutComputer {
    return this.layout.computers[0];
  }

  /** As a start does it, with what disk and layout hold. */
  async open(): Promise<void> {
    const { time, disk } = this;
    const trust = await openTrust({ files: disk, clock: this.clock }, '/folder', {
      layout: this.layout,
      own,
      authority: null,
    });
    if (this.entry.key === undefined) {
      const computers = this.layout.computers.map((one) => ({
        ...one,
        key: own.has(one.id) ? keyOfTrust(trust) : 'other',
      }));
      this.layout = { ...this.layout, computers };
    }
    this.shown = keyOfTrust(trust);
    this.keeper = new TrustKeeper({ files: disk, clock: this.clock }, trust);
    this.ownKey = new OwnKey({
      ...{ clock: this.clock, timers: time, log: this.log, own, trust: this.keeper },
      layout: () => this.layout,
      decide: async (edit, what, by) => {
        const next = edit(this.layout, 'd');
        if (this.refuses) throw new Error('the disk is full');
        this.layout = next;
        this.decided.push(`${what} (${by})`);
      },
      notHeard: () => this.layout.computers.filter(({ id }) => this.silent.includes(id)),
      nodesHeard: () => true,
      show: async () => {
        this.shown = keyOfTrust(this.keeper.trust);
      },
      noted: () => {},
    });
    this.ownKey.start();
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.time.advance(1_000);
      // After what is being signed.
      await this.keeper.goBy(this.keeper.trust.authority).catch(() => {});
      await new Promise(setImmediate);
      // Whatever it shows is taken by whoever knows the newest layout.
      expect([this.entry.key, this.entry.nextKey]).toContain(this.shown);
    }
  }

  /** The process ends as it is, and another one begins. */
  async restart(): Promise<void> {
    await this.ownKey.close();
    await this.open();
  }
}

describe('the own key of a computer', () => {
  let world: World;
  beforeEach(async () => {
    world = new World();
    await world.open();
  });

  it('is another one within seconds, and the one before is in no file and in no layout', async () => {
    const before = world.entry.key;
    await world.ownKey.replace('anna');
    expect(world.entry.nextKey).toBe(heldKeysOf(world.keeper.trust).next);
    expect(world.shown).toBe(before);
    await world.pass(10);
    expect(world.entry).toEqual({ ...world.entry, key: world.shown });
    expect(world.entry.nextKey).toBeUndefined();
    expect(world.shown).not.toBe(before);
    expect(world.ownKey.isUnderWay).toBe(false);
    const kept = await readTrust(world.disk, '/folder');
    expect(heldKeysOf(kept!)).toEqual({ present: world.shown, next: null });
    expect(world.decided).toEqual([
      'computer-1 is about to go by a new key (anna)',
      'computer-1 goes by its new key, and the one before is let in no more (null)',
    ]);
  });

  it('is not said to be on its way where others know this computer by one that it does not have', async () => {
    const computers = world.layout.computers.map((one) => ({ ...one, key: 'of a copy' }));
    world.layout = { ...world.layout, computers };
    await world.time.advance(30_000);
    await new Promise(setImmediate);
    expect(world.ownKey.isUnderWay).toBe(false);
    await expect(world.ownKey.replace('anna')).rejects.toMatchObject({ code: 'conflict' });
    expect(world.log.errors).toHaveLength(1);
    expect(world.layout.computers).toEqual(computers);
  });

  it('stays until every other computer has heard, and names whom it waits for', async () => {
    const before = world.shown;
    world.silent = ['computer-2'];
    await world.ownKey.replace('anna');
    await world.pass(100);
    expect(world.shown).toBe(before);
    expect(world.ownKey.waitsFor).toEqual(['computer-2']);
    await world.restart();
    await world.pass(100);
    expect([world.shown, world.ownKey.waitsFor]).toEqual([before, ['computer-2']]);
    world.silent = [];
    await world.pass(10);
    expect(world.shown).not.toBe(before);
    expect(world.ownKey.isUnderWay).toBe(false);
  });

  it('is made anew while it waits, as the disk may have been copied meanwhile, and refused once it is shown', async () => {
    const shown = world.shown;
    world.silent = ['computer-2'];
    await world.ownKey.replace('anna');
    await world.pass(100);
    const copied = heldKeysOf(world.keeper.trust).next;
    await world.ownKey.replace('anna');
    await world.pass(100);
    expect(world.shown).toBe(shown);
    expect(world.layout.computers.map(({ nextKey }) => nextKey)).not.toContain(copied);
    world.silent = [];
    while (world.shown === shown) await world.pass(1);
    await expect(world.ownKey.replace('anna')).rejects.toThrow('replaced already');
    await world.pass(60);
    expect(world.shown).not.toBe(copied);
    expect(world.ownKey.isUnderWay).toBe(false);
  });

  it('is not held up by who has heard and is away since, though the layout is another one', async () => {
    world.silent = ['computer-2'];
    await world.ownKey.replace('anna');
    // It hears, and goes; then somebody changes something else. One more has not heard.
    const layout = world.layout;
    world.layout = {
      ...layout,
      computers: [...layout.computers, { ...layout.computers[1], id: 'third', name: 'third' }],
    };
    world.silent = ['third'];
    await world.pass(2);
    world.silent = ['computer-2', 'third'];
    await world.pass(2);
    expect(world.ownKey.waitsFor).toEqual(['third']);
    world.silent = ['computer-2'];
    await world.pass(10);
    expect(world.ownKey.isUnderWay).toBe(false);
  });

  it('is announced anew where another change won, and those that heard of the loser count no more', async () => {
    const before = world.shown;
    const third = { ...world.layout.computers[1], id: 'third', name: 'third' };
    const layout = { ...world.layout, computers: [...world.layout.computers, third] };
    world.layout = layout;
    world.silent = ['third'];
    await world.ownKey.replace('anna');
    await world.pass(2);
    expect(world.ownKey.waitsFor).toEqual(['third']);
    world.layout = layout;
    world.silent = ['computer-2', 'third'];
    await world.pass(3);
    expect(world.entry.nextKey).toBeDefined();
    world.silent = ['computer-2'];
    await world.pass(3);
    expect([world.shown, world.ownKey.waitsFor]).toEqual([before, ['computer-2']]);
    world.silent = [];
    await world.pass(10);
    expect(world.shown).not.toBe(before);
  });

  it('is not shown before the disk has it, and is tried again once the disk is well', async () => {
    const before = world.shown;
    world.files.writeFails = true;
    await expect(world.ownKey.replace('anna')).rejects.toThrow();
    expect(world.ownKey.isUnderWay).toBe(false);
    world.files.writeFails = false;
    await world.ownKey.replace('anna');
    world.files.writeFails = true;
    await world.pass(5);
    expect(world.shown).toBe(before);
    world.files.writeFails = false;
    await world.pass(10);
    expect(world.shown).not.toBe(before);
  });

  it('comes to its end though the process ends at every step', async () => {
    const before = world.shown;
    world.refuses = true;
    await expect(world.ownKey.replace('anna')).rejects.toThrow('the disk is full');
    world.refuses = false;
    for (let restarts = 0; restarts < 8; restarts++) {
      await world.restart();
      await world.pass(1);
    }
    await world.pass(5);
    expect(world.ownKey.isUnderWay).toBe(false);
    expect(world.shown).not.toBe(before);
  });

  it('is taken for the one of a moment before where the disk was put back, and refused where that knows none', async () => {
    const older = await world.disk.readFile('trust.json');
    world.silent = ['computer-2'];
    await world.ownKey.replace('anna');
    const midway = await world.disk.readFile('trust.json');
    world.silent = [];
    await world.pass(10);
    const { shown } = world;
    await world.disk.replaceFile('trust.json', midway);
    await world.restart();
    expect(world.shown).toBe(shown);
    await world.disk.replaceFile('trust.json', older);
    await expect(world.restart()).rejects.toThrow('by another key than /folder/trust.json holds');
  });

  it('stays where the new one was lost before it was used', async () => {
    const before = world.shown;
    const older = await world.disk.readFile('trust.json');
    world.silent = ['computer-2'];
    await world.ownKey.replace('anna');
    await world.disk.replaceFile('trust.json', older);
    await world.restart();
    await world.pass(3);
    expect([world.entry.key, world.entry.nextKey, world.shown]).toEqual([before, undefined, before]);
  });

  it('is replaced by itself half a year before its certificate ends, and its certificate with it', async () => {
    const before = world.shown;
    const { certificate } = world.keeper.trust.computer;
    world.aheadMs = 549 * dayMs;
    await world.pass(2);
    expect(world.shown).toBe(before);
    world.aheadMs = 551 * dayMs;
    await world.pass(10);
    expect(world.shown).not.toBe(before);
    expect(world.keeper.trust.computer.certificate).not.toBe(certificate);
    expect(world.ownKey.isUnderWay).toBe(false);
  });
});
