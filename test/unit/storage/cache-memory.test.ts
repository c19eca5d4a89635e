import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellArena } from '../../../core/storage/cell-arena.ts';
import { HotCache } from '../../../core/storage/hot-cache.ts';
import { SlotTable } from '../../../core/storage/slot-table.ts';
import { check } from '../../support/seeds.ts';

describe('the slot table', () => {
  it('behaves as a map does, also while it grows and entries shift back', () => {
    const step = fc.record({ key: fc.nat(3_000), value: fc.nat(), deletes: fc.boolean() });
    check(
      fc.property(fc.array(step, { maxLength: 4_000, size: 'max' }), (steps) => {
        const table = new SlotTable();
        const model = new Map<number, number>();
        for (const { key, value, deletes } of steps) {
          if (deletes) {
            table.delete(key);
            model.delete(key);
          } else {
            table.set(key, value);
            model.set(key, value);
          }
        }
        expect(table.count).toBe(model.size);
        for (let key = 0; key <= 3_000; key++) {
          if (table.get(key) !== (model.get(key) ?? -1)) expect.fail(`key ${key}`);
        }
      }),
      40,
    );
  });
});

describe('the cell arena', () => {
  it('never gives two owners the same bytes, nor more memory than its bound', () => {
    check(
      fc.property(
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 2_000 }), drop: fc.nat(9) }), {
          maxLength: 300,
        }),
        (steps) => {
          const arena = new CellArena(100_000);
          const held: { cell: number; start: number; end: number; memory: Buffer }[] = [];
          steps.forEach(({ length, drop }, owner) => {
            if (drop < 4 && held.length > 0) arena.release(held.splice(drop % held.length, 1)[0].cell);
            if (length > arena.cellBytesMax) return;
            const cell = arena.take(length, owner);
            if (cell < 0) return;
            const start = arena.offsetOf(cell);
            const memory = arena.memoryOf(cell);
            expect(start + length).toBeLessThanOrEqual(memory.length);
            for (const other of held) {
              if (other.memory === memory && start < other.end && other.start < start + length)
                expect.fail('cells overlap');
            }
            held.push({ cell, start, end: start + length, memory });
          });
          expect(arena.bytes).toBeLessThanOrEqual(100_000);
        },
      ),
      60,
    );
  });
});

describe('a full hot cache', () => {
  it('makes room for values of another size instead of keeping memory that nobody uses', () => {
    const cache = new HotCache(1_000_000);
    for (let id = 0; id < 3_000; id++) cache.put(id, Buffer.from(`k${id}`), Buffer.alloc(300));
    for (let id = 10_000; id < 11_000; id++) cache.put(id, Buffer.from(`k${id}`), Buffer.alloc(5_000, id));
    let found = 0;
    for (let id = 10_000; id < 11_000; id++) {
      const value = cache.get(id, Buffer.from(`k${id}`));
      if (value === null) continue;
      found++;
      expect(value.equals(Buffer.alloc(5_000, id))).toBe(true);
    }
    expect(found).toBeGreaterThan(100);
  });
});
