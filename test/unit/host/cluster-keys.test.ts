/** Computers that replace what they hold in common: driven with a clock, a disk and an exchange of the test's own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ClusterKeys } from '../../../core/host/computers/cluster-keys.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { newAuthority } from '../../../core/security/certificates.ts';
import { firstKeys, type HeldKeys, type KeyEpoch } from '../../../core/security/key-epochs.ts';
import { readHeldKeys } from '../../../core/security/key-store.ts';
import type { SecretSet } from '../../../core/security/secrets.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const secret = Buffer.alloc(32, 1);
let authority: KeyEpoch['authority'];
beforeAll(async () => {
  authority = await newAuthority('cluster', 0);
});

class TestComputer {
  readonly disk: SimulatedDisk;
  readonly keys: ClusterKeys;
  /** What its nodes were told, in order. */
  readonly told: SecretSet[] = [];
  readonly authorities: string[] = [];
  isOn = true;
  endsAuthority: readonly string[] = [];
  letIn = new Set(['a', 'b', 'x']);
  ownKey = 'a';

  constructor(time: VirtualTime, rank: () => number, held?: HeldKeys) {
    this.disk = new SimulatedDisk({ timers: time, random: new SeededRandom(1) });
    this.keys = new ClusterKeys(
      {
        ...{ clock: time, timers: time, files: this.disk, log: silentLog, random: systemRandom, rank },
        clusterId: 'cluster',
        ownKey: () => this.ownKey,
        letIn: () => this.letIn,
        endsAuthority: () => this.endsAuthority,
        spread: (secrets) => this.told.push(secrets),
        authorityChanged: async ({ certificate }) => void this.authorities.push(certificate),
        noted: () => {},
      },
      held ?? firstKeys(secret, authority, time.nowMs()),
    );
    this.keys.start();
  }

  get uses(): string {
    return this.told.at(-1)?.use ?? secret.toString('hex');
  }

  get takes(): string[] {
    return [this.uses, ...(this.told.at(-1)?.accepted ?? [])];
  }
}

/** Whoever is on exchanges with everybody else who is, once a second, as hosts do. */
async function run(time: VirtualTime, computers: TestComputer[], seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await time.advance(1_000);
    const on = computers.filter(({ isOn }) => isOn);
    for (const one of on) {
      for (const other of on) {
        if (one.keys.isBehind(other.keys.mark))
          await time.until(one.keys.learn(structuredClone(other.keys.told)));
      }
    }
    for (const one of on)
      for (const other of on) expect(other.takes, 'of a computer that is on').toContain(one.uses);
  }
}

/** As `run`, with what no test's clock knows of: an authority is signed. */
async function runSigning(time: VirtualTime, computers: TestComputer[]): Promise<void> {
  for (let turn = 0; turn < 200 && computers.some(({ keys }) => keys.mark.number === 0); turn++) {
    await run(time, computers, 1);
    await newAuthority('elsewhere', 0);
  }
}

/** Signing takes real time: hardly any of the test's passes meanwhile, or nobody would exchange anything for seconds of it. */
async function whileSigning(time: VirtualTime, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await newAuthority('elsewhere', 0);
    await time.advance(1);
  }
  await over;
}

describe('keys that computers hold in common', () => {
  it('are replaced once somebody is taken out, at one computer, and nobody stops taking another’s packets', async () => {
    const time = new VirtualTime();
    const computers = [0, 1].map((rank) => new TestComputer(time, () => rank));
    await run(time, computers, 3);
    expect(computers.map(({ keys }) => keys.mark.number)).toEqual([0, 0]);
    for (const { letIn } of computers) letIn.delete('x');
    await run(time, computers, 120);
    expect(computers.map(({ keys }) => keys.mark.number)).toEqual([1, 1]);
    const [one, other] = computers;
    expect(one.uses).toBe(other.uses);
    expect(one.uses).not.toBe(secret.toString('hex'));
    // The one of before is taken from nobody any more.
    expect([one.takes, other.takes]).toEqual([[one.uses], [one.uses]]);
  });

  it('are left to the others by a computer that is taken out, and has heard so', async () => {
    const time = new VirtualTime();
    const [one, out] = [0, 0].map((rank) => new TestComputer(time, () => rank));
    out.ownKey = 'x';
    for (const computer of [one, out]) computer.endsAuthority = ['x'];
    await run(time, [one, out], 3);
    for (const { letIn } of [one, out]) letIn.delete('x');
    out.isOn = false;
    await runSigning(time, [one]);
    expect([one, out].map(({ keys, authorities }) => [keys.mark.number, authorities.length])).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  it('take the authority with them where a removal said so, and not before that computer is out', async () => {
    const time = new VirtualTime();
    const computers = [0, 1].map((rank) => new TestComputer(time, () => rank));
    for (const one of computers) one.endsAuthority = ['x'];
    await run(time, computers, 5);
    // It hands over still, and would be given the new one.
    expect(computers.map(({ keys, authorities }) => [keys.mark.number, authorities.length])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    for (const { letIn } of computers) letIn.delete('x');
    await runSigning(time, computers);
    expect(computers.map(({ keys }) => keys.mark.number)).toEqual([1, 1]);
    expect(computers[0].authorities).toHaveLength(1);
    expect(computers[1].authorities).toEqual(computers[0].authorities);
    expect(computers[0].authorities[0]).not.toBe(authority.certificate);
    // Somebody else who goes takes only the secret.
    for (const { letIn } of computers) letIn.delete('b');
    await run(time, computers, 100);
    expect(computers.map(({ keys, authorities }) => [keys.mark.number, authorities.length])).toEqual([
      [2, 1],
      [2, 1],
    ]);
  });

  it('take the authority with them also where a person replaces them first, once', async () => {
    const time = new VirtualTime();
    const one = new TestComputer(time, () => 3);
    await run(time, [one], 5);
    one.endsAuthority = ['x'];
    one.letIn.delete('x');
    const both = [one.keys.replace(false), one.keys.replace(false)];
    const settled = Promise.allSettled(both);
    await runSigning(time, [one]);
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect([one.keys.mark.number, one.authorities.length]).toEqual([1, 1]);
  });

  it('are replaced by the next computer where the first is away, which takes them when it is back', async () => {
    const time = new VirtualTime();
    const [first, second] = [new TestComputer(time, () => 0), new TestComputer(time, () => 1)];
    await run(time, [first, second], 3);
    first.isOn = false;
    second.letIn.delete('x');
    await run(time, [second], 150);
    expect(second.keys.mark.number).toBe(1);
    await time.until(first.keys.close());
    // As after a start: with what its disk holds, and at once with what the other uses by now.
    const { held } = await time.until(readHeldKeys(first.disk, 'cluster'));
    const back = new TestComputer(time, () => 0, held ?? undefined);
    back.letIn.delete('x');
    await time.until(back.keys.learn(structuredClone(second.keys.told)));
    expect(back.uses).toBe(second.uses);
    await run(time, [back, second], 100);
    expect([back, second].map(({ keys }) => keys.mark.number)).toEqual([1, 1]);
    expect(back.takes).toEqual([second.uses]);
  });

  it('stay while the disk refuses them, and are replaced once it does not', async () => {
    const time = new VirtualTime();
    const one = new TestComputer(time, () => 0);
    await run(time, [one], 2);
    one.disk.faults.writeFails = true;
    one.letIn.delete('x');
    await run(time, [one], 30);
    expect(one.keys.mark.number).toBe(0);
    expect(one.told).toEqual([]);
    one.disk.faults.writeFails = false;
    await run(time, [one], 5);
    expect(one.keys.mark.number).toBe(1);
    const { held } = await time.until(readHeldKeys(one.disk, 'cluster'));
    expect(held?.current.number).toBe(1);
    expect(held?.knownTo).toEqual(['a', 'b']);
  });

  it('of two computers that were asked at once are one in the end, with its authority', async () => {
    const time = new VirtualTime();
    const computers = [0, 1].map((rank) => new TestComputer(time, () => rank));
    await run(time, computers, 3);
    await whileSigning(time, Promise.all(computers.map(({ keys }) => keys.replace(true))));
    const [one, other] = computers;
    await time.advance(500);
    for (const [here, there] of [
      [one, other],
      [other, one],
    ])
      if (here.keys.isBehind(there.keys.mark))
        await time.until(here.keys.learn(structuredClone(there.keys.told)));
    await run(time, computers, 100);
    expect(one.keys.mark).toEqual(other.keys.mark);
    expect(one.authorities.at(-1)).toBe(other.authorities.at(-1));
    expect(one.uses).toBe(other.uses);
  });

  it('are not replaced again before all had time to take them', async () => {
    const time = new VirtualTime();
    const one = new TestComputer(time, () => 0);
    await time.until(one.keys.replace(false));
    await expect(one.keys.replace(false)).rejects.toMatchObject({ code: 'busy' });
    await run(time, [one], 12);
    await time.until(one.keys.replace(false));
    expect(one.keys.mark.number).toBe(2);
  });

  it('that cannot be read are as none, and it is said', async () => {
    const time = new VirtualTime();
    const one = new TestComputer(time, () => 0);
    await time.until(one.keys.replace(false));
    expect((await time.until(readHeldKeys(one.disk, 'another cluster'))).held).toBeNull();
    one.disk.cut('cluster-keys.json', 40);
    expect(await time.until(readHeldKeys(one.disk, 'cluster'))).toEqual({ held: null, isDamaged: true });
  });
});
