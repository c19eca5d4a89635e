/** Mutations of JSON as what it says: values put in the place of others, left out, doubled and nested. */
import type { SeededRandom } from '../seeded-random.ts';
import type { Material } from './mutations.ts';

type Holder = Record<string, unknown> | unknown[];
interface Place {
  readonly holder: Holder;
  readonly key: string;
}

/** Enough to reach any part of what is sent; a layout has thousands of owners. */
const placesMax = 4_000;

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null;

function placesIn(root: Holder): Place[] {
  const places: Place[] = [];
  const holders = [root];
  for (const holder of holders) {
    for (const key of Object.keys(holder)) {
      if (places.length >= placesMax) return places;
      places.push({ holder, key });
      const value = (holder as Record<string, unknown>)[key];
      if (isHolder(value)) holders.push(value);
    }
  }
  return places;
}

const nested = (depth: number): unknown => {
  let value: unknown = [];
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

const oddValues: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    0.5,
    1e300,
    -0,
    2 ** 53,
    2 ** 32,
    65_536,
    1_024,
    '',
    '0',
    ' ',
    '\0',
    '"',
    '\u202e',
    '\ud800',
  ],
  ...['__proto__', 'constructor', 'x'.repeat(300), '0'.repeat(64), [], {}, [null], [[]]],
];

const own = (holder: Holder, key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

function change(
  { holder, key }: Place,
  places: readonly Place[],
  random: SeededRandom,
  { words }: Material,
): void {
  const value = (holder as Record<string, unknown>)[key];
  const other = random.pick(places);
  const theirs = (other.holder as Record<string, unknown>)[other.key];
  switch (random.below(9)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      own(holder, key, random.pick(words).toString());
      return;
    case 2:
      own(holder, key, structuredClone(theirs));
      return;
    case 3:
      if (Array.isArray(holder)) holder.push(structuredClone(value));
      else own(holder, random.pick(words).toString(), structuredClone(value));
      return;
    case 4:
      if (typeof value === 'number') own(holder, key, value + random.pick([1, -1, 0.5, 1_000, 2 ** 31]));
      else if (typeof value === 'string') own(holder, key, value.slice(0, random.below(value.length + 1)));
      return;
    case 5:
      if (typeof value === 'string') own(holder, key, `${value}${random.pick(words)}`);
      else own(holder, key, [value]);
      return;
    case 6:
      if (random.chance(0.1)) own(holder, key, nested(random.pick([3, 300, 2_000])));
      else if (Array.isArray(value) && value.length > 0) value.length = random.below(value.length);
      return;
    default:
      own(holder, key, random.pick(oddValues));
  }
}

/** Null where it is no JSON. Text within text, as a body under a proof is, counts as JSON too. */
export function mutatedJson(input: Buffer, random: SeededRandom, material: Material): Buffer | null {
  let root: unknown;
  try {
    root = JSON.parse(input.toString());
  } catch {
    return null;
  }
  if (!isHolder(root)) return null;
  try {
    for (let count = 1 + random.below(3); count > 0; count--) {
      const places = placesIn(root);
      if (places.length === 0) break;
      const place = random.pick(places);
      const value = (place.holder as Record<string, unknown>)[place.key];
      const inner =
        typeof value === 'string' && value.startsWith('{')
          ? mutatedJson(Buffer.from(value), random, material)
          : null;
      if (inner !== null) own(place.holder, place.key, inner.toString());
      else change(place, places, random, material);
    }
    return Buffer.from(JSON.stringify(root));
  } catch {
    // Nested too deep to be copied or written.
    return null;
  }
}
