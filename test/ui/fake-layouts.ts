/** The clusters that the fake host plays: their layouts, the settings of a new keyspace, and figures that move. */
import type { NodeFigures } from '../../core/contract/node-views.ts';
import {
  defaultKeyspace,
  firstLayout,
  type KeyspaceSettings,
  type Layout,
} from '../../core/layout/layout.ts';

export const variants = [
  'three',
  'one',
  'two-centers',
  'three-centers',
  'hundred',
  'empty',
  'failing',
  'losses',
  'lan',
  'newcomer',
] as const;
export type Variant = (typeof variants)[number];

const computersOf: Readonly<
  Record<Variant, readonly (readonly [computer: string, dataCenter: string, nodes: number])[]>
> = {
  three: [['Front desk', 'home', 3]],
  one: [['Laptop', 'home', 1]],
  'two-centers': [
    ['Front desk', 'office', 1],
    ['Back room', 'office', 2],
    ['Gate', 'warehouse', 1],
    ['Ramp', 'warehouse', 1],
  ],
  'three-centers': [
    ['Front desk', 'office', 1],
    ['Back room', 'office', 1],
    ['Meeting room on the second floor', 'office', 1],
    ['Gate', 'warehouse', 1],
    ['Ramp', 'warehouse', 1],
    ['Till A', 'shop', 1],
    ['Till B', 'shop', 1],
    ['Till C', 'shop', 1],
  ],
  hundred: Array.from(
    { length: 50 },
    (_, index) => [`Desk ${index + 1}`, index < 30 ? 'north' : 'south', 2] as const,
  ),
  empty: [['Laptop', 'home', 1]],
  failing: [['Front desk', 'home', 3]],
  losses: [['Front desk', 'home', 3]],
  lan: [
    ['Front desk', 'office', 2],
    ['Back room', 'office', 1],
    ['Gate', 'warehouse', 1],
  ],
  newcomer: [['Workshop', 'home', 3]],
};

export function layoutOf(variant: Variant): Layout {
  let nodeId = 0x1a2b;
  const computers = computersOf[variant].map(([name, dataCenter], index) => ({
    id: `c${index}`,
    name,
    dataCenter,
  }));
  const counts = new Map<string, number>();
  const nodes = computersOf[variant].flatMap(([, dataCenter, count], index) =>
    Array.from({ length: count }, () => {
      const number = (counts.get(dataCenter) ?? 0) + 1;
      counts.set(dataCenter, number);
      const named = variant === 'three-centers' && number === 3 && dataCenter === 'office';
      const name = named ? 'office-3-with-a-very-long-name-that-someone-chose' : `${dataCenter}-${number}`;
      return { id: nodeId++, name, dataCenter, computer: `c${index}`, weight: 1 };
    }),
  );
  return firstLayout({
    clusterId: 'f3',
    clusterName: 'North Street',
    // One of them is not new: what never happened there is worth a warning.
    createdAtMs: variant === 'three-centers' ? Date.now() - 30 * 24 * 3_600_000 : Date.now(),
    computers,
    nodes,
  });
}

export const defaultSettings: KeyspaceSettings = {
  ...defaultKeyspace,
  name: '',
  factors: {},
};

/** Figures that move a little, the same for everyone who looks at the same second. */
export function figuresAt(index: number): NodeFigures {
  const wave = Math.sin(Date.now() / 9000 + index);
  return {
    measuredAtMs: Date.now(),
    keyCount: 1_204_331 + index * 31_204,
    diskBytes: 2_140_000_000 + index * 412_000_000,
    coldDiskBytes: 640_000_000,
    coldRawBytes: 2_110_000_000,
    deadBytes: 96_000_000,
    hotBytes: 61_000_000,
    hotBytesMax: 67_108_864,
    hotHitRate: 0.934,
    memoryBytes: 212_000_000 + index * 3_000_000,
    clientCount: 12 + index,
    readsPerSecond: Math.round(2400 + 620 * wave),
    writesPerSecond: Math.round(780 + 140 * wave),
    readP99Ms: 3.2 + wave / 3,
    writeP99Ms: 5.9 + wave / 2,
    readRepairs: 14,
    operations: [],
    refused: 0,
    peersDown: [],
    rebuildingPartitions: 0,
    lostPartitions: 0,
    possibleLoss: [],
    waitsFor: [],
    redirected: 0,
    collected: 0,
    hints: [],
    work: workAt(index),
  };
}

function workAt(index: number): NodeFigures['work'] {
  const calm = { state: 'resting', partition: null, problem: null } as const;
  const partition = Math.floor(Date.now() / 15_000 + index * 300) % 1_024;
  return [
    { ...calm, name: 'handoff', done: 412, restMs: 3_000 },
    { ...calm, name: 'anti-entropy', done: 960, state: 'working', restMs: null },
    {
      ...calm,
      name: 'scrub',
      done: 240,
      partition,
      state: index === 0 ? 'yielding' : 'resting',
      restMs: 9_000,
    },
    { ...calm, name: 'tombstones', done: 88, partition, restMs: 400 },
    { ...calm, name: 'expiry', done: 1_204, partition, restMs: 700 },
    index === 1
      ? { ...calm, name: 'leftovers', done: 0, state: 'failing', problem: 'The disk is full.', restMs: 8_000 }
      : { ...calm, name: 'leftovers', done: 0, restMs: 41_000 },
  ];
}
