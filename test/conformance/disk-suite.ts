/** What every Disk does while nothing fails, and how it refuses what cannot be, as tests that run on each implementation. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../core/ports/disk.ts';
import { check } from '../support/seeds.ts';

export interface DiskUnderTest {
  /** Empty, with a folder `data`. */
  readonly disk: Disk;
  /** Waits for a promise of the disk, moving time on where time is simulated. */
  run<T>(promise: Promise<T>): Promise<T>;
  dispose(): void;
}

const text = (value: string) => Buffer.from(value);
const notFound = { code: 'not-found' };
const refused = { code: 'disk-failed' };

let disk: Disk;
let subject: DiskUnderTest;

const attempted = (attempt: () => Promise<unknown>) => run(attempt());

function run<T>(promise: Promise<T>): Promise<T> {
  return subject.run(promise);
}

const contentOf = async (path: string) => (await run(disk.readFile(path))).toString();

async function create(path: string, content = ''): Promise<DiskFile> {
  const file = await run(disk.open(path, 'create'));
  await run(file.write(text(content), 0));
  return file;
}

async function put(path: string, content: string): Promise<void> {
  await run((await create(path, content)).close());
}

export function describeDisk(name: string, open: () => Promise<DiskUnderTest>, runCount: number): void {
  describe(`a disk ${name}`, () => {
    beforeEach(async () => {
      subject = await open();
      disk = subject.disk;
    });
    afterEach(() => subject.dispose());

    describe('an open file', () => {
      it('holds the bytes that were written, where they were written', async () => {
        const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);
        const file = await create('data/f');
        const given = bytes.slice();
        await run(file.write(given.subarray(10, 20), 0));
        given.fill(0);
        await run(file.write(bytes.subarray(20), 10));
        expect([...(await run(file.read(0, 1_000)))]).toEqual([...bytes.subarray(10)]);
        expect(await run(file.size())).toBe(290);
        await run(file.write(text('over'), 2));
        expect((await run(file.read(2, 4))).toString()).toBe('over');
        expect(await run(file.size())).toBe(290);
        await run(file.sync());
        await run(file.close());
        expect((await run(disk.readFile('data/f'))).subarray(6, 290)).toEqual(
          Buffer.from(bytes.subarray(16)),
        );
      });

      it('is filled with zeros up to what is written beyond its end, and not by writing nothing there', async () => {
        const file = await create('data/f', 'ab');
        await run(file.write(new Uint8Array(0), 50));
        expect(await run(file.size())).toBe(2);
        await run(file.write(text('c'), 5));
        expect((await run(file.read(0, 10))).toString('latin1')).toBe('ab\0\0\0c');
        await run(file.close());
      });

      it('gives fewer bytes than asked for only at its end, and none beyond it', async () => {
        const file = await create('data/f', 'abcdef');
        const parts: string[] = [];
        for (const [position, length] of [
          [0, 6],
          [4, 10],
          [6, 1],
          [100, 5],
          [2, 0],
        ]) {
          parts.push((await run(file.read(position, length))).toString());
        }
        expect(parts).toEqual(['abcdef', 'ef', '', '', '']);
        await run(file.close());
      });

      it('is cut, and made longer with zeros', async () => {
        const file = await create('data/f', 'abcdef');
        await run(file.truncate(2));
        expect(await run(file.size())).toBe(2);
        await run(file.truncate(4));
        expect((await run(file.read(0, 10))).toString('latin1')).toBe('ab\0\0');
        await run(file.close());
      });

      it('takes writes in several places at once', async () => {
        const file = await create('data/f');
        const places = Array.from({ length: 40 }, (_, index) => index);
        await run(Promise.all(places.map((place) => file.write(Buffer.alloc(100, place), place * 100))));
        const found = await run(Promise.all(places.map((place) => file.read(place * 100, 100))));
        found.forEach((bytes, place) => {
          expect(bytes.equals(Buffer.alloc(100, place))).toBe(true);
        });
        await run(file.close());
      });

      it('that was opened to read refuses to change', async () => {
        await put('data/f', 'as it was');
        const file = await run(disk.open('data/f', 'read'));
        await expect(run(file.write(text('x'), 0))).rejects.toMatchObject(refused);
        await expect(run(file.truncate(0))).rejects.toMatchObject(refused);
        expect((await run(file.read(0, 100))).toString()).toBe('as it was');
        await run(file.close());
      });

      it('refuses everything once it is closed, but to close', async () => {
        const file = await create('data/f', 'before');
        await run(file.close());
        for (const attempt of [
          () => file.write(text('x'), 0),
          () => file.read(0, 1),
          () => file.sync(),
          () => file.truncate(0),
          () => file.size(),
        ]) {
          await expect(attempted(attempt)).rejects.toMatchObject(refused);
        }
        await run(file.close());
        expect(await contentOf('data/f')).toBe('before');
      });

      it('goes on under another name, without one, and when another takes its place', async () => {
        const file = await create('data/f', 'old');
        await run(disk.rename('data/f', 'data/g'));
        await run(file.write(text('!'), 3));
        expect(await contentOf('data/g')).toBe('old!');
        await put('data/h', 'new');
        await run(disk.rename('data/h', 'data/g'));
        expect((await run(file.read(0, 10))).toString()).toBe('old!');
        expect(await contentOf('data/g')).toBe('new');
        const second = await run(disk.open('data/g', 'read'));
        await run(disk.remove('data/g'));
        expect((await run(second.read(0, 10))).toString()).toBe('new');
        await run(file.close());
        await run(second.close());
      });

      it('behaves as a row of bytes does, whatever is done to it', async () => {
        const place = fc.nat(60);
        const step = fc.oneof(
          fc.record({ position: place, bytes: fc.uint8Array({ maxLength: 40 }) }),
          fc.record({ length: place }),
        );
        let count = 0;
        await check(
          fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
            const file = await run(disk.open(`data/f${count++}`, 'create'));
            let model = Buffer.alloc(0);
            for (const change of steps) {
              if ('length' in change) {
                await run(file.truncate(change.length));
                model = Buffer.concat([model, Buffer.alloc(60)]).subarray(0, change.length);
              } else {
                await run(file.write(change.bytes, change.position));
                const end = change.bytes.length === 0 ? 0 : change.position + change.bytes.length;
                const longer = Buffer.alloc(Math.max(model.length, end));
                model.copy(longer);
                longer.set(change.bytes, end === 0 ? 0 : change.position);
                model = longer;
              }
              expect((await run(file.read(0, 1_000))).equals(model)).toBe(true);
            }
            expect(await run(file.size())).toBe(model.length);
            await run(file.close());
          }),
          runCount,
        );
      });
    });

    describe('names', () => {
      it('are made by opening to create, which leaves alone what is there', async () => {
        await put('data/f', 'as it was');
        await expect(run(disk.open('data/f', 'create'))).rejects.toMatchObject(refused);
        expect(await contentOf('data/f')).toBe('as it was');
        const file = await run(disk.open('data/f', 'write'));
        await run(file.write(text('AS'), 0));
        await run(file.close());
        expect(await contentOf('data/f')).toBe('AS it was');
      });

      it('that are not there are not found, and not made by looking for them', async () => {
        for (const attempt of [
          () => disk.open('data/f', 'write'),
          () => disk.open('data/f', 'read'),
          () => disk.readFile('data/f'),
          () => disk.rename('data/f', 'data/g'),
          () => disk.remove('data/f'),
          () => disk.readFile('nowhere/f'),
        ]) {
          await expect(attempted(attempt)).rejects.toMatchObject(notFound);
        }
        expect(await run(disk.list('data'))).toEqual([]);
      });

      it('are listed sorted, per folder, without those of folders in it', async () => {
        await run(disk.makeFolder('data/inner/deep'));
        await run(disk.makeFolder('data/inner'));
        for (const path of [
          'b',
          'data/b',
          'data/B',
          'data/a10',
          'data/a9',
          'data/inner/x',
          'data/inner/deep/y',
        ]) {
          await put(path, path);
        }
        expect(await run(disk.list('data'))).toEqual(['B', 'a10', 'a9', 'b']);
        expect(await run(disk.list('data/inner'))).toEqual(['x']);
        expect(await run(disk.list('data/inner/deep'))).toEqual(['y']);
        expect(await run(disk.list('dat'))).toEqual([]);
        for (const root of ['', '.']) expect(await run(disk.list(root))).toEqual(['b']);
        for (const folder of ['', '.', 'data', 'data/inner']) await run(disk.syncFolder(folder));
      });

      it('move, over another one too', async () => {
        await put('data/f', 'one');
        await put('data/g', 'two');
        await run(disk.rename('data/f', 'data/g'));
        expect(await run(disk.list('data'))).toEqual(['g']);
        expect(await contentOf('data/g')).toBe('one');
        await run(disk.rename('data/g', 'data/g'));
        expect(await contentOf('data/g')).toBe('one');
      });

      it('are gone once removed, and can be made again', async () => {
        await put('data/f', 'one');
        await run(disk.remove('data/f'));
        expect(await run(disk.list('data'))).toEqual([]);
        await put('data/f', 'two');
        expect(await contentOf('data/f')).toBe('two');
      });
    });

    describe('a replacement', () => {
      it('makes a file, and puts another in place of the whole of it', async () => {
        for (const content of ['long as it may be', 'short', '', 'x'.repeat(100_000)]) {
          await run(disk.replaceFile('data/f', text(content)));
          expect(await contentOf('data/f')).toBe(content);
          expect(await run(disk.list('data'))).toEqual(['f']);
        }
        await run(disk.replaceFile('at-root', text('v')));
        expect(await contentOf('at-root')).toBe('v');
      });

      it('at the same time as others leaves one of them whole, as all see it meanwhile', async () => {
        const contents = Array.from({ length: 12 }, (_, index) =>
          String.fromCharCode(97 + index).repeat(1 + index * 9_000),
        );
        await run(disk.replaceFile('data/f', text(contents[0])));
        const replacing = Promise.all(contents.map((content) => disk.replaceFile('data/f', text(content))));
        const reading = Promise.all(contents.map(() => disk.readFile('data/f')));
        await run(replacing);
        for (const seen of await run(reading)) expect(contents).toContain(seen.toString());
        expect(contents).toContain(await contentOf('data/f'));
        expect(await run(disk.list('data'))).toEqual(['f']);
      });
    });

    it('hands out bytes that are the caller’s own', async () => {
      await put('data/f', 'as it was');
      (await run(disk.readFile('data/f'))).fill(0);
      const file = await run(disk.open('data/f', 'read'));
      (await run(file.read(0, 9))).fill(0);
      await run(file.close());
      expect(await contentOf('data/f')).toBe('as it was');
    });
  });
}
