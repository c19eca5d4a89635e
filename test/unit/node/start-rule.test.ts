import { describe, expect, it } from 'vitest';
import { type IdentityFile, judgeStart, type StartFacts, type Vouch } from '../../../core/node/start-rule.ts';
import { epochMax } from '../../../core/versions/version-set.ts';

const nodeId = 7;
const vouch: Vouch = { nodeId, storeId: 'ours', epoch: 40, mark: 9 };
const file: IdentityFile = { nodeId, epoch: 40, rebuilding: false, vouch };
const nothingHere: StartFacts = {
  nodeId,
  file: null,
  record: null,
  clean: true,
  lostData: false,
  hasRun: false,
  recordCount: 0,
};
const inOrder: StartFacts = { ...nothingHere, file, record: vouch, hasRun: true, recordCount: 5 };

const marked = (mark: number): Vouch => ({ ...vouch, mark });
const before: IdentityFile = { ...file, vouch: null };

describe('the rule of a start', () => {
  // What stands there, and: the epoch, whether the store keeps its name, whether something is missing.
  it.each<[string, Partial<StartFacts>, number | null, 'same store' | 'new store', 'whole' | 'lossy']>([
    ['both agree, after an orderly end', {}, 40, 'same store', 'whole'],
    ['both agree, after a crash', { clean: false }, 41, 'same store', 'whole'],
    [
      'the record is one mark ahead, a crash between the two writes',
      { record: marked(10), clean: false },
      41,
      'same store',
      'whole',
    ],
    [
      'the record is one mark ahead, and has the epoch of a start that was not finished',
      { record: { ...marked(10), epoch: 41 }, clean: false },
      42,
      'same store',
      'whole',
    ],
    [
      'the record is two marks ahead: the file is an old copy',
      { record: { ...marked(11), epoch: 44 } },
      45,
      'new store',
      'lossy',
    ],
    [
      'the record is behind: the records are an old copy',
      { record: { ...marked(8), epoch: 39 } },
      41,
      'new store',
      'lossy',
    ],
    [
      'the record is behind after a crash, too',
      { record: marked(8), clean: false },
      41,
      'new store',
      'lossy',
    ],
    ['the record is missing', { record: null, recordCount: 0 }, 41, 'new store', 'lossy'],
    [
      'the record is of another store',
      { record: { ...vouch, storeId: 'theirs', epoch: 90 } },
      91,
      'new store',
      'lossy',
    ],
    [
      'the record is of another node',
      { record: { ...vouch, nodeId: 8, epoch: 90 } },
      41,
      'new store',
      'lossy',
    ],
    ['a part of the records is damaged', { lostData: true, clean: false }, 41, 'new store', 'lossy'],
    ['a part is damaged though the end was in order', { lostData: true }, 41, 'new store', 'lossy'],
    ['the file is missing, the record is there', { file: null }, 41, 'new store', 'lossy'],
    [
      'the file is missing, the record is of another node',
      { file: null, record: { ...vouch, nodeId: 8 } },
      null,
      'new store',
      'lossy',
    ],
    ['both are missing, and the node has run', { ...nothingHere, hasRun: true }, null, 'new store', 'lossy'],
    ['both are missing, and the node is new', nothingHere, null, 'new store', 'whole'],
    [
      'the file is of format 1, after an orderly end',
      { file: before, record: null },
      40,
      'new store',
      'whole',
    ],
    [
      'the file is of format 1, after a crash',
      { file: before, record: null, clean: false },
      41,
      'new store',
      'whole',
    ],
    [
      'the file is of format 1, and all records are gone',
      { file: before, record: null, clean: false, recordCount: 0 },
      41,
      'new store',
      'lossy',
    ],
  ])('%s', (_, facts, epoch, store, state) => {
    const start = judgeStart({ ...inOrder, ...facts });
    expect(start.epoch).toBe(epoch);
    expect(start.storeId).toBe(store === 'same store' ? 'ours' : null);
    expect(start.loss === null).toBe(state === 'whole');
    expect(start.rebuilding).toBe(state === 'lossy');
  });

  it('goes on from the higher of the two marks', () => {
    expect(judgeStart({ ...inOrder, record: marked(10) }).mark).toBe(10);
    expect(judgeStart({ ...inOrder, record: marked(3) }).mark).toBe(9);
    expect(judgeStart(nothingHere).mark).toBe(0);
  });

  it('goes on with a rebuilding that was not finished', () => {
    const start = judgeStart({ ...inOrder, file: { ...file, rebuilding: true } });
    expect(start).toMatchObject({ rebuilding: true, loss: null, epoch: 40 });
  });

  it('refuses the folder of another node', () => {
    const foreign = { ...file, nodeId: 8 };
    expect(() => judgeStart({ ...inOrder, file: foreign })).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
  });

  it('refuses to start when there is no epoch left', () => {
    const last = { ...inOrder, file: { ...file, epoch: epochMax }, clean: false };
    expect(() => judgeStart(last)).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(judgeStart({ ...last, clean: true }).epoch).toBe(epochMax);
  });
});
