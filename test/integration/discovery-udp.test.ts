/** Discovery over real sockets: computers that are played on this one, on its loopback interface and a port of their own. */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { afterEach, expect, it } from 'vitest';
import { Discovery } from '../../core/discovery/discovery.ts';
import { LanSockets } from '../../core/platform/lan-sockets.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { systemRandom } from '../../core/platform/system-random.ts';
import type { Lan } from '../../core/ports/lan.ts';
import { waiting } from '../support/beacons.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function until(done: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error('It did not come about in time.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A UDP port that nobody uses; with `keep`, one that somebody uses alone. */
async function udpPort(keep = false): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  const { port } = socket.address();
  if (keep) closing.push(() => socket.close());
  else await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** Only what every machine has, whatever networks this one is on. */
function loopbackAlone(port: number): Lan {
  const sockets = new LanSockets({ port });
  const lo = { family: 'IPv4' as const, address: '127.0.0.1', netmask: '255.0.0.0', internal: true };
  return { port, interfaces: () => ({ lo: [lo] }), open: (one, events) => sockets.open(one, events) };
}

function computer(id: string, port: number): Discovery {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const dsaEncoding = 'ieee-p1363';
  const discovery = new Discovery(
    {
      lan: loopbackAlone(port),
      clock: systemClock,
      timers: systemTimers,
      random: systemRandom,
      signer: {
        publicKey: publicKey.export({ type: 'spki', format: 'der' }),
        sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding }),
      },
      verify: (key, bytes, signature) =>
        verify(
          'sha256',
          bytes,
          { key: createPublicKey({ key, format: 'der', type: 'spki' }), dsaEncoding },
          signature,
        ),
      probe: () => Promise.resolve(true),
    },
    { announcement: () => waiting(id), chosenInterfaces: () => true },
  );
  closing.push(() => discovery.close());
  discovery.start();
  return discovery;
}

const namesOf = (discovery: Discovery) =>
  discovery
    .found()
    .map(({ computerId }) => computerId)
    .sort()
    .join(' ');

it('computers find each other, and miss at once one that goes', async () => {
  const port = await udpPort();
  const [one, two, three] = ['one', 'two', 'three'].map((id) => computer(id, port));
  await until(
    () => namesOf(one) === 'three two' && namesOf(two) === 'one three' && namesOf(three) === 'one two',
  );
  expect(one.found()[0]).toMatchObject({ address: '127.0.0.1', port: 7421, cluster: null });
  expect(one.reports()).toMatchObject([{ name: 'lo', used: true, lastError: null, cause: null }]);
  await two.close();
  await until(() => namesOf(one) === 'three' && namesOf(three) === 'one');
});

it('a port that another program has alone is named', async () => {
  const port = await udpPort(true);
  const deaf = computer('deaf', port);
  await until(() => deaf.reports()[0].lastError !== null);
  expect(deaf.reports()[0]).toMatchObject({
    lastError: expect.stringContaining('EADDRINUSE'),
    cause: expect.stringContaining(`UDP port ${port} is taken`),
  });
});
