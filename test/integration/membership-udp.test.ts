/** Membership over real sockets and timers on this computer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { oneComputerSettings } from '../../core/membership/settings.ts';
import { MembershipDriver } from '../../core/node/membership-driver.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { systemRandom } from '../../core/platform/system-random.ts';
import { UdpDatagrams } from '../../core/platform/udp-datagrams.ts';
import { silentLog } from '../../core/ports/log.ts';
import { packetSealOf } from '../../core/security/packet-seal.ts';
import { Secrets } from '../../core/security/secrets.ts';
import { noLayout } from '../../core/wire/membership/packet-codec.ts';

const host = '127.0.0.1';
const seal = packetSealOf(Secrets.of(Buffer.from('secret of these nodes')), systemRandom);
const ids = [1, 2, 3];
const link = {
  call: (_: number, __: Buffer, done: (error: CoterieError, body: null) => void) =>
    done(new CoterieError('unavailable', 'No link.'), null),
};
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function until(done: () => boolean, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error('It did not come about in time.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('a node that falls silent is dead for the others, one that leaves has left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-membership-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const sockets = new Map<number, UdpDatagrams>();
  const addresses: { id: number; host: string; port: number }[] = [];
  for (const id of ids) {
    const socket = new UdpDatagrams({ host, port: 0 });
    addresses.push({ id, host, port: await socket.listen() });
    sockets.set(id, socket);
    closing.push(() => socket.close());
  }
  // The same protocol at a tenth of its times.
  const profile = {
    ...oneComputerSettings,
    probeIntervalMs: 200,
    probeTimeoutMs: 80,
    gossipIntervalMs: 20,
    quietMs: 500,
  };
  const drivers = new Map<number, MembershipDriver>();
  for (const [id, datagrams] of sockets) {
    datagrams.setPeers(addresses);
    const disk = new NodeDisk(join(folder, String(id)));
    await disk.makeFolder('.');
    const parts = { clock: systemClock, timers: systemTimers, random: systemRandom, log: silentLog };
    const driver = await MembershipDriver.start(
      { ...parts, disk, datagrams, link, seal, layouts: { own: () => noLayout, heard: () => {} } },
      { selfId: id, clusterId: 'udp', profile },
      ids,
    );
    drivers.set(id, driver);
    closing.push(() => driver.close());
  }
  const first = drivers.get(1)!;
  await until(() => first.members().every(({ incarnation }) => incarnation > 0), 5_000);
  expect([...first.states().values()]).toEqual(['alive', 'alive']);
  drivers.get(3)!.close();
  await sockets.get(3)!.close();
  await until(() => first.states().get(3) === 'dead', 10_000);
  expect(first.states().get(2)).toBe('alive');
  await drivers.get(2)!.leave();
  await until(() => first.states().get(2) === 'left', 2_000);
}, 20_000);

it('a UDP port in use is named', async () => {
  const one = new UdpDatagrams({ host, port: 0 });
  const port = await one.listen();
  closing.push(() => one.close());
  await expect(new UdpDatagrams({ host, port }).listen()).rejects.toMatchObject({ code: 'busy' });
});
