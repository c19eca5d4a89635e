import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { lanSettings } from '../../../core/membership/settings.ts';
import {
  MembershipDriver,
  type MembershipLink,
  type TimedEvent,
} from '../../../core/node/membership-driver.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import type { Datagrams } from '../../../core/ports/datagrams.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { packetSealOf } from '../../../core/security/packet-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import { type LayoutMark, layoutMarkOf } from '../../../core/wire/membership/packet-codec.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const seal = packetSealOf(Secrets.of(Buffer.from('secret of these nodes')), systemRandom);
const ids = [1, 2, 3];

/** Drivers joined by datagrams and streams that a test can cut. */
class Net {
  readonly time = new VirtualTime();
  readonly random = new SeededRandom(11);
  readonly disks = new Map(
    ids.map((id) => [id, new SimulatedDisk({ timers: this.time, random: new SeededRandom(id) })]),
  );
  readonly drivers = new Map<number, MembershipDriver>();
  readonly events: { node: number; event: TimedEvent }[] = [];
  readonly #receivers = new Map<number, (bytes: Buffer, source: string) => void>();
  datagramsPass = true;
  /** What was logged. */
  readonly lines: string[] = [];
  /** All that went over the wire. */
  readonly recorded: { readonly from: number; readonly to: number; readonly bytes: Buffer }[] = [];
  /** What each hears of the layouts of others. */
  readonly heard: (readonly [at: number, from: number, mark: LayoutMark])[] = [];
  readonly unreachable = new Set<number>();

  async start(id: number): Promise<MembershipDriver> {
    const passes = (to: number) => !this.unreachable.has(id) && !this.unreachable.has(to);
    const datagrams: Datagrams = {
      send: (to, bytes) => {
        if (!this.datagramsPass || !passes(to)) return;
        this.recorded.push({ from: id, to, bytes });
        this.time.after(1, () => this.#receivers.get(to)?.(bytes, `node ${id}`));
      },
      onDatagram: (handler) => this.#receivers.set(id, handler),
    };
    const link: MembershipLink = {
      call: (peer, payload, done) => {
        const other = this.drivers.get(peer);
        if (other === undefined || !passes(peer)) done(new CoterieError('unavailable', 'No link.'), null);
        else this.time.after(1, () => done(null, other.answerCall(id, payload)));
      },
    };
    const disk = this.disks.get(id)!;
    const driver = await this.time.until(
      MembershipDriver.start(
        {
          clock: this.time,
          timers: this.time,
          disk,
          random: this.random,
          log: { ...silentLog, info: (line) => void this.lines.push(line) },
          datagrams,
          link,
          layouts: {
            own: () => layoutMarkOf(id, `digest ${id}`),
            heard: (from, mark) => void this.heard.push([id, from, mark]),
          },
          seal,
        },
        { selfId: id, clusterId: 'test', profile: lanSettings },
        ids,
      ),
    );
    driver.onEvent((event) => this.events.push({ node: id, event }));
    this.drivers.set(id, driver);
    return driver;
  }

  stop(id: number): void {
    this.drivers.get(id)!.close();
    this.drivers.delete(id);
    this.#receivers.delete(id);
  }

  deliver(id: number, bytes: Buffer): void {
    this.#receivers.get(id)!(bytes, 'somebody');
  }
}

describe('the membership driver', () => {
  let net: Net;
  beforeEach(async () => {
    net = new Net();
    for (const id of ids) await net.start(id);
    await net.time.advance(6_000);
  });

  it('finds a stopped node dead, says who agreed, and finds it alive when it is back', async () => {
    net.stop(3);
    await net.time.advance(15_000);
    expect(net.drivers.get(1)!.states().get(3)).toBe('dead');
    const died = net.events.flatMap(({ event }) => (event.kind === 'died' ? [event] : []));
    expect(died).toHaveLength(2);
    expect([died[0].suspectedBy, ...died[0].confirmedBy].sort()).toEqual([1, 2]);
    expect(died[0].atMs).toBeGreaterThan(1_800_000_000_000);
    await net.start(3);
    await net.time.advance(5_000);
    expect(net.drivers.get(1)!.states().get(3)).toBe('alive');
    expect(net.events.at(-1)!.event.kind).toBe('returned');
  });

  it('starts each run above what the last may have announced', async () => {
    const incarnationOf = (id: number) =>
      net.drivers
        .get(1)!
        .members()
        .find((member) => member.id === id)!.incarnation;
    const before = incarnationOf(3);
    expect(before).toBeGreaterThan(0);
    net.stop(3);
    await net.start(3);
    await net.time.advance(3_000);
    expect(incarnationOf(3)).toBeGreaterThan(before);
  });

  it('announces nothing while the disk fails, and does so once it works', async () => {
    const disk = net.disks.get(3)!;
    net.stop(3);
    disk.faults.writeFails = true;
    await net.start(3);
    await net.time.advance(500);
    const known = () => net.drivers.get(1)!.members()[1].incarnation;
    expect(net.drivers.get(1)!.members()[1].id).toBe(3);
    const before = known();
    await net.time.advance(2_000);
    expect(known()).toBe(before);
    disk.faults.writeFails = false;
    await net.time.advance(3_000);
    expect(known()).toBeGreaterThan(before);
  });

  it('carries the newest layout of its node with every packet, also over the stream', async () => {
    const heardAt = (at: number) =>
      net.heard.filter(([to]) => to === at).map(([, from, mark]) => ({ from, mark }));
    expect(heardAt(1)).toContainEqual({ from: 2, mark: layoutMarkOf(2, 'digest 2') });
    expect(heardAt(1)).toContainEqual({ from: 3, mark: layoutMarkOf(3, 'digest 3') });
    expect(heardAt(1).every(({ from, mark }) => mark.version === from)).toBe(true);
    net.datagramsPass = false;
    await net.time.advance(5_000);
    net.heard.length = 0;
    await net.time.advance(5_000);
    expect(heardAt(2)).toContainEqual({ from: 1, mark: layoutMarkOf(1, 'digest 1') });
  });

  it('uses the stream when datagrams are blocked, for probes and for news', async () => {
    net.datagramsPass = false;
    await net.time.advance(60_000);
    expect(net.events).toEqual([]);
    net.stop(3);
    await net.time.advance(30_000);
    expect([1, 2].map((id) => net.drivers.get(id)!.states().get(3))).toEqual(['dead', 'dead']);
  });

  it('says that datagrams are blocked once they have been for a while, and not of a node that has just started', async () => {
    const saidSo = () => net.lines.filter((line) => line.includes('not over UDP')).length;
    net.datagramsPass = false;
    await net.time.advance(4_000);
    net.datagramsPass = true;
    await net.time.advance(20_000);
    expect(saidSo()).toBe(0);
    net.datagramsPass = false;
    await net.time.advance(30_000);
    expect(saidSo()).toBeGreaterThan(0);
  });

  it('notices by the wall clock that the computer slept, and accuses nobody right after', async () => {
    net.time.wallSkewMs = 3_600_000;
    net.unreachable.add(2);
    await net.time.advance(4_500);
    expect(net.events.filter(({ node }) => node === 1)).toEqual([]);
    await net.time.advance(30_000);
    expect(net.drivers.get(1)!.states().get(2)).toBe('dead');
  });

  it('leaves in order', async () => {
    const leaving = net.drivers.get(2)!.leave();
    await net.time.until(leaving);
    net.stop(2);
    await net.time.advance(20_000);
    expect([1, 3].map((id) => net.drivers.get(id)!.states().get(2))).toEqual(['left', 'left']);
    expect(net.events.map(({ event }) => event.kind)).toEqual(['left', 'left']);
  });

  it('counts what it ignores, by reason', () => {
    net.deliver(1, Buffer.from('hello, is this DNS?'));
    expect(net.drivers.get(1)!.ignored.get('not of this protocol')).toBe(1);
  });

  it('takes peers in and out with the layout', async () => {
    net.drivers.get(1)!.setPeers([1, 2, 9]);
    expect([...net.drivers.get(1)!.states().keys()]).toEqual([2, 9]);
  });

  it('measures how late its ticks are', () => {
    expect(net.drivers.get(1)!.latenessMs).toBeLessThan(1);
    expect(net.drivers.get(1)!.healthScore).toBe(0);
  });

  it('believes nothing that was recorded, even where it has just started and knows nobody', async () => {
    net.stop(3);
    await net.time.advance(15_000);
    expect(net.drivers.get(1)!.states().get(3)).toBe('dead');
    // What node 1 said to 2 while 3 was gone, with its death in it.
    const told = net.recorded.filter(({ from, to }) => from === 1 && to === 2);
    await net.start(3);
    await net.time.advance(5_000);
    net.stop(2);
    await net.start(2);
    net.events.length = 0;
    for (const { bytes } of told) net.deliver(2, bytes);
    await net.time.advance(5_000);
    expect(net.events).toEqual([]);
    expect([...net.drivers.get(2)!.states().values()]).toEqual(['alive', 'alive']);
    expect(net.drivers.get(2)!.ignored.get('not new')).toBeGreaterThanOrEqual(told.length);
  });

  it('hears its peers while it is flooded, and opens little of the flood', async () => {
    const flood = () => {
      for (let count = 0; count < 5_000; count++) net.deliver(2, Buffer.from('hello, is this DNS?'));
    };
    for (let second = 0; second < 20; second++) {
      flood();
      await net.time.advance(1_000);
    }
    expect(net.drivers.get(2)!.ignored.get('one of too many')).toBeGreaterThan(90_000);
    expect([...net.drivers.get(2)!.states().values()]).not.toContain('dead');
    expect(net.lines.filter((line) => /UDP/.test(line))).toEqual([]);
  });

  it('sends no more in answer to recorded packets than a few a second', async () => {
    const told = net.recorded.filter(({ to }) => to === 2);
    const before = net.recorded.length;
    for (let round = 0; round < 50; round++) for (const { bytes } of told) net.deliver(2, bytes);
    await net.time.advance(100);
    expect(net.recorded.length - before).toBeLessThan(20);
  });

  it('takes one that started anew for alive without a moment of doubt', async () => {
    net.events.length = 0;
    net.stop(3);
    await net.start(3);
    await net.time.advance(20_000);
    expect(net.events.map(({ event }) => event.kind).filter((kind) => kind !== 'returned')).toEqual([]);
  });
});
