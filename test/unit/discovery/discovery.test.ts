import { describe, expect, it } from 'vitest';
import { decodeBeacon } from '../../../core/discovery/beacon.ts';
import { beaconOf, clusterId, computerOn, datagramOf, ipv4Of, keyOf, Wire } from '../../support/beacons.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const names = ({ discovery }: ReturnType<typeof computerOn>) =>
  discovery
    .found()
    .map(({ computerId }) => computerId)
    .sort();
const sentFrom = (wire: Wire, address: string) => wire.sent.filter(({ from }) => from === address).length;

describe('discovery', () => {
  it('says who it is at 0.1, 0.5 and 2 seconds, then every 24 to 36', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const { discovery } = computerOn(wire, time, { seed: 1 });
    discovery.start();
    const counts: number[] = [];
    for (const untilMs of [99, 100, 500, 2_000, 23_999, 36_001]) {
      await time.advance(untilMs - time.monotonicMs());
      counts.push(wire.sent.length);
    }
    expect(counts).toEqual([0, 1, 2, 3, 3, 4]);
    await time.advance(300_000);
    expect(wire.sent.length).toBeGreaterThanOrEqual(12);
    expect(wire.sent.length).toBeLessThanOrEqual(17);
    await discovery.close();
  });

  it('fills both lists at once when one comes later, and comes to rest', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const early = computerOn(wire, time, { seed: 1 });
    early.discovery.start();
    await time.advance(15_000);
    const late = computerOn(wire, time, { seed: 2 });
    let changes = 0;
    late.discovery.onChange(() => changes++);
    late.discovery.start();
    await time.advance(400);
    expect(names(early)).toEqual(['c2']);
    expect(names(late)).toEqual(['c1']);
    expect(changes).toBeGreaterThan(0);
    await time.advance(3_600);
    const before = wire.sent.length;
    await time.advance(4_000);
    expect(wire.sent.length).toBe(before);
    // No more than one answer in a second.
    expect(sentFrom(wire, '10.0.0.1')).toBeLessThanOrEqual(3 + 3);
    await early.discovery.close();
    await time.advance(0);
    expect(names(late)).toEqual([]);
    await late.discovery.close();
  });

  it('tells a change of what it is when it is asked to scan, and drops nothing while it is asked again and again', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const [one, other] = [computerOn(wire, time, { seed: 1 }), computerOn(wire, time, { seed: 2 })];
    for (const { discovery } of [one, other]) discovery.start();
    await time.advance(5_000);
    expect(other.discovery.found()).toMatchObject([{ cluster: null, address: '10.0.0.1', port: 7421 }]);
    const authority = 'cd'.repeat(32);
    one.told.announcement = {
      ...one.told.announcement,
      kind: 'member',
      clusterId,
      clusterName: 'Home',
      authority,
    };
    for (let count = 0; count < 30; count++) {
      one.discovery.scan();
      await time.advance(10);
    }
    expect(other.discovery.found()).toMatchObject([{ cluster: { id: clusterId, name: 'Home', authority } }]);
    expect(other.discovery.found()[0].heardAtMs).toBeLessThanOrEqual(time.nowMs());
    for (const { discovery } of [one, other]) await discovery.close();
  });

  it('begins anew after the computer slept, on sockets of that time', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const { discovery, lan } = computerOn(wire, time, { seed: 1 });
    discovery.start();
    await time.advance(5_000);
    const before = { sent: wire.sent.length, opened: lan.opened };
    await time.advance(3_000);
    expect(wire.sent.length).toBe(before.sent);
    time.wallSkewMs += 60_000;
    await time.advance(2_000 + 2_100);
    expect(wire.sent.length).toBeGreaterThanOrEqual(before.sent + 3);
    expect(lan.opened).toBe(before.opened + 1);
    await discovery.close();
  });

  it('follows interfaces as they come, change and go', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const { discovery, lan } = computerOn(wire, time, { seed: 1, table: {} });
    discovery.start();
    await time.advance(8_000);
    expect(discovery.reports()).toEqual([]);
    lan.table = { wlan0: [ipv4Of('10.0.0.7')] };
    await time.advance(4_200);
    expect(sentFrom(wire, '10.0.0.7')).toBeGreaterThanOrEqual(3);
    lan.table = { wlan0: [ipv4Of('10.0.0.8')] };
    await time.advance(10_000);
    expect(sentFrom(wire, '10.0.0.8')).toBeGreaterThan(0);
    lan.table = {};
    await time.advance(10_000);
    const before = wire.sent.length;
    await time.advance(60_000);
    expect(wire.sent.length).toBe(before);
    await discovery.close();
  });

  it('lets no interface stop another, and tells which one fails and why', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const table = { eth0: [ipv4Of('10.0.0.1')], wlan0: [ipv4Of('10.0.1.1')], tun0: [ipv4Of('10.9.0.1')] };
    const { discovery, lan } = computerOn(wire, time, { seed: 1, table });
    lan.broken.add('eth0');
    discovery.start();
    await time.advance(3_000);
    const [eth0, wlan0, tun0] = discovery.reports();
    expect(eth0).toMatchObject({ used: true, sent: 0, lastError: 'bind EPERM' });
    expect(eth0.cause).toContain('UDP port 7420');
    expect(wlan0).toMatchObject({ kind: 'wireless', used: true, sent: 3, lastError: null, cause: null });
    expect(tun0).toMatchObject({ kind: 'vpn', used: false, sent: 0 });
    lan.broken.clear();
    await time.advance(50_000);
    expect(discovery.reports()[0]).toMatchObject({ lastError: null });
    expect(discovery.reports()[0].sent).toBeGreaterThan(0);
    await discovery.close();
  });

  it('obeys what a person chose for an interface', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const table = { eth0: [ipv4Of('10.0.0.1')], tun0: [ipv4Of('10.9.0.1')] };
    const { discovery } = computerOn(wire, time, { seed: 1, table, chosen: (name) => name === 'tun0' });
    discovery.start();
    await time.advance(3_000);
    expect(discovery.reports().map(({ used }) => used)).toEqual([false, true]);
    expect([sentFrom(wire, '10.0.0.1'), sentFrom(wire, '10.9.0.1')]).toEqual([0, 3]);
    await discovery.close();
  });

  it('lists nobody whose signature is wrong, whose port does not answer, or whose probe never ends', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    let answer: () => Promise<boolean> = () => new Promise(() => {});
    const computer = computerOn(wire, time, { seed: 1, probe: () => answer() });
    computer.discovery.start();
    const forged = datagramOf(beaconOf('c8', { publicKey: keyOf(8) }));
    forged[forged.length - 1] ^= 1;
    wire.put(forged, '10.0.0.8');
    wire.put(Buffer.from('hello'), '10.0.0.8');
    await time.advance(1);
    expect(computer.probed).toEqual([]);
    wire.put(datagramOf(beaconOf('c9', { publicKey: keyOf(9) })), '10.0.0.9');
    await time.advance(4_900);
    expect(computer.probed.length).toBe(1);
    answer = () => Promise.reject(new Error('refused'));
    await time.advance(2_000);
    expect(computer.probed.length).toBe(2);
    expect(names(computer)).toEqual([]);
    answer = () => Promise.resolve(true);
    await time.advance(10_000);
    expect(names(computer)).toEqual(['c9']);
    await time.advance(90_000);
    expect(names(computer)).toEqual([]);
    await computer.discovery.close();
  });

  it('keeps still in a flood: few probes at once, one answer a second', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const computer = computerOn(wire, time, { seed: 1, probe: () => new Promise(() => {}) });
    computer.discovery.start();
    await time.advance(3_000);
    const before = wire.sent.length;
    for (let index = 0; index < 2_000; index++) {
      const beacon = beaconOf(`f${index}`, { publicKey: keyOf(index + 100), asks: true });
      wire.put(datagramOf(beacon), `10.3.${index >> 8}.${index % 256}`);
    }
    await time.advance(3_000);
    expect(sentFrom(wire, '10.0.0.1') - before).toBe(1);
    expect(computer.probed.length).toBe(8);
    await computer.discovery.close();
    expect(time.pendingCount).toBeLessThan(20);
  });

  it('says farewell once, and nothing after it', async () => {
    const [time, wire] = [new VirtualTime(), new Wire()];
    const { discovery } = computerOn(wire, time, { seed: 1 });
    discovery.start();
    await time.advance(1_000);
    await Promise.all([discovery.close(), discovery.close()]);
    const kinds = wire.sent.map(({ bytes }) => decodeBeacon(bytes)?.beacon.kind);
    expect(kinds).toEqual(['waiting', 'waiting', 'farewell']);
    discovery.scan();
    await time.advance(100_000);
    expect(wire.sent.length).toBe(3);
  });
});
