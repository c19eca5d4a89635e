/** The fuzzer itself: it finds what is there to be found, says it shortly, and keeps little. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { readCorpus, writeCorpus } from '../support/fuzz/corpus.ts';
import { Fuzzer } from '../support/fuzz/fuzzer.ts';
import { reader, runInput } from '../support/fuzz/target.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** Refuses what does not begin with a length, and breaks on one beyond the end. */
const careless = reader({
  ...{ name: 'careless', refusals: ['bad-input'], seeds: [Buffer.from([3, 97, 98, 99])] },
  read(bytes) {
    if (bytes.length === 0) throw new CoterieError('bad-input', 'No length.');
    return bytes.readUInt8(bytes[0]);
  },
});

describe('fuzzing', () => {
  it('finds an input that a reader breaks on, and makes it as short as it can be', async () => {
    const { crash } = await new Fuzzer(careless, new SeededRandom(1)).run([], (runs) => runs >= 10_000);
    expect(crash?.cause).toBeInstanceOf(RangeError);
    expect(crash?.input).toHaveLength(1);
  });

  it('does the same again with the same seed', async () => {
    const again = () => new Fuzzer(careless, new SeededRandom(7)).run([], (runs) => runs >= 10_000);
    expect(await again()).toEqual(await again());
  });

  it('takes it amiss when a reader changes its input, or refuses in another way than it says', async () => {
    const [input] = careless.seeds;
    const scribbler = reader({ name: 'scribbler', seeds: [input], read: (bytes) => bytes.fill(0) });
    await expect(runInput(scribbler, input)).rejects.toThrow('changed the bytes');
    const refuser = reader({
      ...{ name: 'refuser', refusals: ['corrupt'], seeds: [] },
      read: () => careless.run(input),
    });
    await expect(runInput(refuser, input)).resolves.toBe('taken');
    const other = reader({
      ...{ name: 'other', refusals: ['corrupt'], seeds: [] },
      read() {
        throw new CoterieError('bad-input', 'No.');
      },
    });
    await expect(runInput(other, input)).rejects.toMatchObject({ code: 'bad-input' });
  });
});

describe('the corpus', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coterie-corpus-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('holds the first inputs that it has room for, and no others', () => {
    writeCorpus(folder, [Buffer.from('old')]);
    writeCorpus(folder, [Buffer.from('a'), Buffer.alloc(20_000), Buffer.from('a'), Buffer.from('b')]);
    expect(
      readCorpus(folder)
        .map(({ bytes }) => bytes.toString())
        .sort(),
    ).toEqual(['a', 'b']);
    writeCorpus(
      folder,
      Array.from({ length: 400 }, (_, number) => Buffer.from(`${number}`)),
    );
    expect(readdirSync(folder)).toHaveLength(150);
  });

  it('never lets go of what is named by hand', () => {
    writeFileSync(join(folder, 'regression-of-old'), 'x');
    writeCorpus(folder, [Buffer.from('a'), Buffer.from('x')]);
    expect(
      readCorpus(folder)
        .map(({ bytes }) => bytes.toString())
        .sort(),
    ).toEqual(['a', 'x']);
    expect(readdirSync(folder)).toContain('regression-of-old');
  });
});
