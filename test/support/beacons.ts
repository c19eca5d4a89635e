/** Beacons and a local network for tests of discovery: keys that sign without cryptography, computers on one virtual wire. */
import { type Announcement, type Beacon, encodeBeacon } from '../../core/discovery/beacon.ts';
import { Discovery } from '../../core/discovery/discovery.ts';
import type { ProbeTarget } from '../../core/discovery/neighbour.ts';
import type { InterfaceTable, Lan, LanEvents, LanInterface } from '../../core/ports/lan.ts';
import { SeededRandom } from './seeded-random.ts';
import type { VirtualTime } from './virtual-time.ts';

const keyStart = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');

export function keyOf(seed: number): Buffer {
  return Buffer.concat([keyStart, new SeededRandom(seed).bytes(64)]);
}

export const clusterId = '6f1c2a5e-9d0b-4c3e-8f57-0a1b2c3d4e5f';

export const waiting = (computerId: string): Announcement => ({
  kind: 'waiting',
  clusterId: '',
  clusterName: '',
  computerId,
  computerName: `Computer ${computerId}`,
  authority: null,
  port: 7421,
});

export const beaconOf = (computerId: string, changes: Partial<Beacon> = {}): Beacon => ({
  ...waiting(computerId),
  asks: false,
  timeMs: 1_000,
  run: 1,
  publicKey: keyOf(1),
  ...changes,
});

/** Whoever has the key can make it, and so can everybody else: enough where forgery is not the question. */
export const signatureOf = (publicKey: Buffer, bytes: Buffer): Buffer => {
  let sum = 7;
  for (const byte of [...publicKey.subarray(27), ...bytes]) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return Buffer.alloc(64, String(sum));
};

export function datagramOf(beacon: Beacon): Buffer {
  const signed = encodeBeacon(beacon);
  return Buffer.concat([signed, signatureOf(beacon.publicKey, signed)]);
}

interface Plug {
  readonly address: string;
  readonly events: LanEvents;
}

/** One wire; what is sent on it arrives at once at everybody, the sender too. */
export class Wire {
  readonly #plugs = new Set<Plug>();
  /** Everything that left, with its sender's address. */
  readonly sent: { from: string; bytes: Buffer }[] = [];

  put(bytes: Buffer, from: string): void {
    this.sent.push({ from, bytes });
    for (const { events } of [...this.#plugs]) events.onDatagram(bytes, from);
  }

  plug(address: string, events: LanEvents): () => void {
    const plug = { address, events };
    this.#plugs.add(plug);
    return () => this.#plugs.delete(plug);
  }
}

export class FakeLan implements Lan {
  readonly port = 7420;
  table: InterfaceTable;
  opened = 0;
  /** Names of interfaces on which nothing works. */
  readonly broken = new Set<string>();
  readonly #wire: Wire;

  constructor(wire: Wire, table: InterfaceTable) {
    this.#wire = wire;
    this.table = table;
  }

  interfaces(): InterfaceTable {
    return this.table;
  }

  open({ name, ipv4 }: LanInterface, events: LanEvents) {
    this.opened++;
    if (this.broken.has(name)) throw Object.assign(new Error('bind EPERM'), { code: 'EPERM' });
    const { address } = ipv4[0];
    queueMicrotask(() => events.onReceiving([]));
    const unplug = this.#wire.plug(address, events);
    return {
      send: (bytes: Uint8Array) => {
        this.#wire.put(Buffer.from(bytes), address);
        return Promise.resolve({ sent: true, failures: [] });
      },
      close: () => {
        unplug();
        return Promise.resolve();
      },
    };
  }
}

export const ipv4Of = (address: string) => ({
  family: 'IPv4' as const,
  address,
  netmask: '255.255.255.0',
  internal: false,
});

export function computerOn(
  wire: Wire,
  time: VirtualTime,
  options: {
    seed: number;
    table?: InterfaceTable;
    announcement?: Announcement;
    chosen?: (name: string) => boolean | null;
    probe?: (target: ProbeTarget) => Promise<boolean>;
  },
) {
  const { seed } = options;
  const publicKey = keyOf(seed);
  const lan = new FakeLan(wire, options.table ?? { eth0: [ipv4Of(`10.0.0.${seed}`)] });
  const told = { announcement: options.announcement ?? waiting(`c${seed}`) };
  const probed: ProbeTarget[] = [];
  const discovery = new Discovery(
    {
      lan,
      clock: time,
      timers: time,
      random: new SeededRandom(seed),
      signer: { publicKey, sign: (bytes) => signatureOf(publicKey, bytes) },
      verify: (key, bytes, signature) => signatureOf(key, bytes).equals(signature),
      probe: (target) => {
        probed.push(target);
        return options.probe?.(target) ?? Promise.resolve(true);
      },
    },
    { announcement: () => told.announcement, chosenInterfaces: options.chosen ?? (() => null) },
  );
  return { discovery, lan, told, probed, publicKey };
}
