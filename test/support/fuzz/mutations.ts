/** Other inputs from inputs: what tends to get past the checks of a reader, and one step further. All chance comes from one seed. */
import type { SeededRandom } from '../seeded-random.ts';
import { mutatedJson } from './json-mutations.ts';

/** What any reader may trip over. */
const commonWords = [
  '\0',
  '\r\n',
  '-1',
  '0',
  '65536',
  '4294967295',
  '9007199254740993',
  '1e400',
  '__proto__',
  '\ud7ff',
  '%00',
  '%',
  '"',
  ',',
];
const oddBytes = [0, 1, 2, 0x7f, 0x80, 0xff, 0x0a, 0x20, 0x22];
const oddNumbers = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x400, 0x7fff, 0xffff, 0x1_0000, 0x1f_ffff, 0x7fff_ffff,
  0xffff_ffff,
];

export interface Material {
  readonly words: readonly Buffer[];
  /** Inputs to take pieces from. */
  readonly others: readonly Buffer[];
  readonly bytesMax: number;
}

export function wordsOf(own: readonly string[]): Buffer[] {
  return [...own, ...own, ...own, ...commonWords].map((word) => Buffer.from(word));
}

const joined = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);

/** A piece of `bytes`, mostly short. */
function pieceOf(bytes: Buffer, random: SeededRandom): Buffer {
  const start = random.below(bytes.length + 1);
  const lengthMax = random.chance(0.5) ? 8 : bytes.length;
  return bytes.subarray(start, start + random.below(lengthMax + 1));
}

type Mutation = (bytes: Buffer, random: SeededRandom, material: Material) => Buffer;

const flipBit: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  if (bytes.length > 0)
    bytes[random.below(bytes.length)] = random.chance(0.5) ? random.pick(oddBytes) : random.below(256);
  return bytes;
};

/** Lengths, counts and numbers of kinds stand in such fields. */
const setNumber: Mutation = (bytes, random) => {
  const width = random.pick([1, 2, 4, 6]);
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  const present = bytes.readUIntBE(at, width);
  const near = present + random.below(9) - 4;
  const next = random.pick([near, near, random.pick(oddNumbers), bytes.length - at - width, bytes.length]);
  bytes.writeUIntBE(Math.min(Math.max(next, 0), 2 ** (8 * width) - 1), at, width);
  return bytes;
};

const cut: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

const drop: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), bytes.subarray(at + pieceOf(bytes, random).length));
};

const insertAt = (bytes: Buffer, at: number, piece: Uint8Array) =>
  joined(bytes.subarray(0, at), piece, bytes.subarray(at));

const repeat: Mutation = (bytes, random) => {
  const piece = pieceOf(bytes, random);
  return insertAt(
    bytes,
    random.below(bytes.length + 1),
    random.chance(0.9) || piece.length === 0 ? piece : Buffer.alloc(200, piece),
  );
};

const insertWord: Mutation = (bytes, random, { words }) =>
  insertAt(bytes, random.below(bytes.length + 1), random.pick(words));

const overwrite: Mutation = (bytes, random, { words, others }) => {
  const piece = random.chance(0.5) ? random.pick(words) : pieceOf(random.pick(others), random);
  const at = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), piece, bytes.subarray(at + piece.length));
};

const splice: Mutation = (bytes, random, { others }) => {
  const other = random.pick(others);
  return joined(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  );
};

const fresh: Mutation = (_, random) => Buffer.from(random.bytes(random.below(64)));

const ofBytes: readonly Mutation[] = [
  ...[flipBit, setByte, setByte, setNumber, setNumber, setNumber, cut, drop, drop],
  ...[repeat, insertWord, insertWord, overwrite, splice],
];

/** What is JSON stays so half of the time: bytes that are none end at the first check. */
export function mutated(input: Buffer, random: SeededRandom, material: Material): Buffer {
  if (random.chance(0.002)) return fresh(input, random, material);
  if (random.chance(0.5)) {
    const text = mutatedJson(input, random, material);
    if (text !== null) return text.subarray(0, material.bytesMax);
  }
  let bytes: Buffer = Buffer.from(input);
  for (let count = 1 + random.below(random.chance(0.7) ? 2 : 8); count > 0; count--) {
    bytes = random.pick(ofBytes)(bytes, random, material);
  }
  return bytes.subarray(0, material.bytesMax);
}
