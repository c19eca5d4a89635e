/**
 * Repairs of several computers in one virtual time: each has a `Repairs` of its own with nodes that only pretend, and tells the others
 * once a second what it knows, unless the network between them is cut.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RepairRequest } from '../../../core/contract/repair-views.ts';
import type { RepairStore } from '../../../core/host/repairs/repair-store.ts';
import { Repairs } from '../../../core/host/repairs/repairs.ts';
import {
  digestOf,
  isLater,
  recordBytesMax,
  recordIn,
  type SharedRecord,
  stampOf,
} from '../../../core/host/repairs/shared-records.ts';
import {
  AwayWatch,
  clusterNowMs,
  isFirst,
  type Peer,
  takeOverAfterMs,
} from '../../../core/host/repairs/who-runs.ts';
import { firstLayout } from '../../../core/layout/layout.ts';
import { silentLog } from '../../../core/ports/log.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const dayMs = 86_400_000;
const awayAfterMs = 5_000;
const ids = ['a', 'b', 'c'] as const;
type Id = (typeof ids)[number];

const layout = firstLayout({
  clusterId: 'c',
  clusterName: 'c',
  createdAtMs: 0,
  computers: ids.map((id) => ({ id, name: `computer ${id}`, dataCenter: 'office' })),
  nodes: ids.map((computer, id) => ({ id, name: `n${id}`, computer, dataCenter: 'office', weight: 1 })),
});

const whole: Required<RepairRequest> = {
  keyspace: 'default',
  dataCenters: [],
  firstPartition: 0,
  lastPartition: 1023,
  dryRun: false,
  parallelism: 1,
  intensity: 'normal',
};
const daily = {
  ...{ keyspace: 'default', dataCenters: [], everyDays: 1, at: '02:00', timeZone: 'UTC', blackouts: [] },
  ...{ parallelism: 1, intensity: 'fast' as const },
};

type Saved = Map<string, { kind: string; document: unknown }>;

class Computer {
  readonly id: Id;
  repairs!: Repairs;
  readonly saved: Saved = new Map();
  readonly notes: { message: string; who: string | null }[] = [];
  /** Segments begun here, by their first partition. */
  readonly begun: number[] = [];
  stopCount = 0;
  clockAheadMs = 0;
  isOn = false;
  heardMs = new Map<Id, number>();

  constructor(id: Id) {
    this.id = id;
  }

  start(): void {
    this.isOn = true;
    this.heardMs = new Map();
    const store: RepairStore = {
      save: (kind, id, document) => {
        if (this.isOn) this.saved.set(`${kind}:${id}`, { kind, document: structuredClone(document) });
      },
      remove: (kind, id) => this.saved.delete(`${kind}:${id}`),
    };
    const of = (kind: string) =>
      [...this.saved.values()]
        .filter((one) => one.kind === kind)
        .map(({ document }) => structuredClone(document)) as never[];
    this.repairs = new Repairs(
      {
        clock: {
          nowMs: () => wallMs() + this.clockAheadMs,
          monotonicMs: () => time.monotonicMs(),
        },
        ...{ timers: time, store, log: silentLog, layout: () => layout, isUp: () => true },
        execute: (_, { partitions }) => {
          this.begun.push(partitions[0]);
          const figures = { keysDiffering: 1, recordsSent: 1, valueBytes: 1, treeBytes: 1 };
          const result = new Promise<typeof figures>((resolve) => time.after(100, () => resolve(figures)));
          return { result, stop: () => this.stopCount++ };
        },
        self: () => ({ id: this.id, name: `computer ${this.id}` }),
        peers: () => peersOf(this),
        changed() {},
        noted: (_, __, message, who) => this.notes.push({ message, who }),
      },
      { jobs: of('job'), schedules: of('schedule'), removals: of('removal'), coverage: of('coverage') },
    );
    this.repairs.start();
  }

  /** As by kill -9. */
  kill(): void {
    this.isOn = false;
    this.repairs.close();
  }

  get job() {
    return this.repairs.view().jobs[0];
  }
}

let time: VirtualTime;
let computers: Record<Id, Computer>;
/** Days in which nothing happens are left out: all clocks are put on. */
let leptMs: number;
const wallMs = () => time.nowMs() + leptMs;
let members: Set<Id>;
/** Pairs that do not hear each other. */
let cut: Set<string>;

function peersOf({ id, heardMs }: Computer): Peer[] {
  return [...members]
    .filter((other) => other !== id)
    .map((other) => ({
      ...{ key: other, ids: [other], takesPart: true },
      isReached: time.monotonicMs() - (heardMs.get(other) ?? Number.NEGATIVE_INFINITY) < awayAfterMs,
      aheadMs: computers[other].clockAheadMs - computers[id].clockAheadMs,
    }));
}

const each = () => ids.map((id) => computers[id]).filter(({ isOn, id }) => isOn && members.has(id));

/** What computers do once a second. */
function exchange(): void {
  for (const here of each()) {
    for (const there of each()) {
      if (here === there || cut.has(here.id + there.id)) continue;
      here.heardMs.set(there.id, time.monotonicMs());
      void here.repairs.exchange.heard(there.id, there.repairs.exchange.digest, async (question) =>
        Buffer.from(JSON.stringify(there.repairs.exchange.answer(question))),
      );
    }
  }
  time.after(1_000, exchange);
}

function cutBetween(one: Id, other: Id): void {
  cut.add(one + other);
  cut.add(other + one);
}

beforeEach(() => {
  time = new VirtualTime();
  leptMs = 0;
  members = new Set(ids);
  cut = new Set();
  computers = { a: new Computer('a'), b: new Computer('b'), c: new Computer('c') };
  for (const id of ids) computers[id].start();
  exchange();
});
afterEach(() => {
  for (const { repairs } of Object.values(computers)) repairs.close();
});

/** All that a computer would tell one that knows nothing. */
const answerOf = (id: Id) =>
  JSON.parse(JSON.stringify(computers[id].repairs.exchange.answer(Buffer.from('{"known":[]}')))).records;

/** Whatever somebody of the cluster tells it. */
function tell(id: Id, ...records: unknown[]): Promise<void> {
  const answer = Buffer.from(JSON.stringify({ records }));
  return computers[id].repairs.exchange.heard('z', 'other', async () => answer);
}

const jobsOf = (id: Id) => computers[id].repairs.view().jobs;

describe('a repair of the cluster', () => {
  it('is seen at every computer, with who asked for it and where it runs, and runs at one of them', async () => {
    await time.advance(2_000);
    computers.b.repairs.run(whole, 'anna');
    await time.advance(20_000);
    for (const { id, job } of each()) {
      expect(job).toMatchObject({
        state: 'running',
        askedBy: 'anna',
        askedOn: 'computer b',
        runsOn: 'computer b',
      });
      if (id !== 'b') expect(computers[id].begun).toEqual([]);
    }
    expect(computers.a.notes).toContainEqual({
      message: 'Repair of default was asked for.',
      who: 'anna at computer b',
    });
    await time.advance(200_000);
    for (const { id, job, repairs } of each()) {
      expect([id, job.state]).toEqual([id, 'done']);
      expect(repairs.view().coverage[0].comparedAtMs).not.toContain(null);
    }
  });

  it('goes on at the next computer when its own dies, from the segments that were recorded as done', async () => {
    await time.advance(2_000);
    computers.b.repairs.run(whole, 'anna');
    await time.advance(30_000);
    const doneBefore = computers.a.job.segments.filter(({ state }) => state === 'done').length;
    expect(doneBefore).toBeGreaterThan(10);
    computers.b.kill();
    await time.advance(awayAfterMs + takeOverAfterMs - 2_000);
    expect(computers.a.begun).toEqual([]);
    await time.advance(200_000);
    expect(computers.a.job).toMatchObject({ state: 'done', runsOn: 'computer a' });
    expect(computers.c.begun).toEqual([]);
    expect(computers.a.begun.length).toBe(computers.a.job.segments.length - doneBefore);
    expect(computers.a.notes.map(({ message }) => message)).toContain(
      'computer b is away: the repair of default goes on here.',
    );
    // It comes back with what it knew, which is older.
    computers.b.start();
    const begun = computers.b.begun.length;
    await time.advance(60_000);
    expect(computers.b.job).toMatchObject({ state: 'done', runsOn: 'computer a' });
    expect(computers.b.begun.length).toBe(begun);
  });

  it('goes on where it was after a short restart of its computer', async () => {
    await time.advance(2_000);
    computers.b.repairs.run(whole, 'anna');
    await time.advance(10_000);
    computers.b.kill();
    await time.advance(12_000);
    computers.b.start();
    await time.advance(200_000);
    expect(computers.a.job).toMatchObject({ state: 'done', runsOn: 'computer b' });
    expect(computers.a.begun).toEqual([]);
  });

  it('of a computer that was taken out goes on at another one', async () => {
    await time.advance(2_000);
    computers.a.repairs.run(whole, 'anna');
    await time.advance(5_000);
    members.delete('a');
    computers.a.kill();
    await time.advance(250_000);
    expect(computers.c.job).toMatchObject({ state: 'done', runsOn: 'computer b' });
  });

  it('runs in both halves of a network that is in two, and in one when they meet', async () => {
    await time.advance(2_000);
    computers.c.repairs.run({ ...whole, intensity: 'gentle' }, 'anna');
    await time.advance(5_000);
    cutBetween('a', 'c');
    cutBetween('b', 'c');
    await time.advance(60_000);
    expect(computers.a.job).toMatchObject({ state: 'running', runsOn: 'computer a' });
    expect(computers.c.job).toMatchObject({ state: 'running', runsOn: 'computer c' });
    cut.clear();
    await time.advance(5_000);
    expect(each().map(({ job }) => job.runsOn)).toEqual(Array(3).fill('computer a'));
    const begun = computers.c.begun.length;
    await time.advance(20_000);
    expect(computers.c.begun.length).toBe(begun);
    expect(computers.c.notes.at(-1)?.message).toBe('The repair of default goes on at computer a.');
  });

  it('stops at once where it ran, when another computer has gone on with it', async () => {
    await time.advance(2_000);
    computers.c.repairs.run(whole, 'anna');
    const [copy] = answerOf('c');
    const mark = { ...copy.job.mark, epoch: 7, runner: 'b' };
    expect(computers.c.stopCount).toBe(0);
    await tell('c', { ...copy, job: { ...copy.job, mark } });
    expect(computers.c.stopCount).toBe(1);
  });

  it('is not set back by a copy that comes late', async () => {
    await time.advance(2_000);
    const { id } = computers.c.repairs.run(whole, 'anna');
    const [copy] = answerOf('c');
    computers.c.repairs.cancel(id, 'anna');
    await time.advance(3_000);
    for (const to of ids) await tell(to, copy);
    expect(each().map(({ job }) => job.state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('goes by what a person decided elsewhere while its computer was not reached', async () => {
    await time.advance(2_000);
    const { id } = computers.a.repairs.run({ ...whole, intensity: 'gentle' }, 'anna');
    await time.advance(5_000);
    cutBetween('a', 'b');
    cutBetween('a', 'c');
    await time.advance(10_000);
    expect(computers.b.repairs.whereIs(id.slice(0, 8))).toEqual({ id, computer: null });
    computers.b.repairs.pause(id, 'ben');
    await time.advance(10_000);
    expect(computers.a.job.state).toBe('running');
    cut.clear();
    await time.advance(10_000);
    const begun = computers.a.begun.length;
    await time.advance(60_000);
    expect(each().map(({ job }) => job.state)).toEqual(['paused', 'paused', 'paused']);
    expect(computers.a.begun.length).toBe(begun);
    computers.a.repairs.cancel(id, 'anna');
    await time.advance(3_000);
    expect(each().map(({ job }) => job.state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('is asked of the computer that runs it while that one is heard', async () => {
    await time.advance(2_000);
    const { id } = computers.a.repairs.run(whole, 'anna');
    await time.advance(2_000);
    expect(computers.b.repairs.whereIs(id)).toEqual({ id, computer: 'a' });
    expect(computers.a.repairs.whereIs(id)).toEqual({ id, computer: null });
  });
});

describe('repairs that an older version kept', () => {
  it('go on at their computer, and are those of the cluster from then on', async () => {
    await time.advance(2_000);
    computers.b.repairs.run(whole, 'anna');
    computers.b.repairs.schedule(daily, 'anna');
    await time.advance(10_000);
    computers.b.kill();
    for (const { document } of computers.b.saved.values()) {
      for (const field of ['mark', 'askedBy', 'askedOn', 'runsOn']) {
        delete (document as Record<string, unknown>)[field];
      }
    }
    // Nobody else has heard of them.
    computers.a.kill();
    computers.c.kill();
    computers.a.saved.clear();
    computers.c.saved.clear();
    for (const id of ids) computers[id].start();
    await time.advance(200_000);
    for (const { job, repairs } of each()) {
      expect(job).toMatchObject({ state: 'done', askedBy: null, runsOn: 'computer b' });
      expect(repairs.view().schedules).toMatchObject([{ everyDays: 1, askedBy: null }]);
    }
    expect(computers.a.begun).toEqual([]);
  });
});

describe('a schedule of the cluster', () => {
  /** A day, of which some minutes around the hour of the schedule happen. */
  async function oneDay(): Promise<void> {
    const [{ nextAtMs }] = each()[0].repairs.view().schedules;
    leptMs += nextAtMs - wallMs() - 60_000;
    await time.advance(180_000);
  }

  const runsOf = () => each().map(({ id }) => jobsOf(id).map(({ createdAtMs }) => createdAtMs));

  it('begins one repair a day, though every computer knows it, and also when the one that began it dies', async () => {
    await time.advance(2_000);
    computers.c.repairs.schedule(daily, 'anna');
    await time.advance(2_000);
    await oneDay();
    expect(jobsOf('b')).toMatchObject([{ state: 'done', by: 'schedule', runsOn: 'computer a' }]);
    computers.a.kill();
    await oneDay();
    expect(jobsOf('b')).toMatchObject([{ runsOn: 'computer b' }, { runsOn: 'computer a' }]);
    const begun = computers.a.begun.length;
    computers.a.start();
    await time.advance(5_000);
    // What was due while it was off has been done.
    expect(computers.a.begun.length).toBe(begun);
    await oneDay();
    expect(new Set(runsOf().map(String)).size).toBe(1);
    expect(jobsOf('a')).toHaveLength(3);
  });

  it('begins the same repair in both halves of a network, which is one when they meet', async () => {
    await time.advance(2_000);
    computers.a.repairs.schedule({ ...daily, intensity: 'gentle' }, 'anna');
    await time.advance(5_000);
    const { nextAtMs } = computers.a.repairs.view().schedules[0];
    leptMs += nextAtMs - wallMs() - 60_000;
    await time.advance(30_000);
    cutBetween('a', 'c');
    cutBetween('b', 'c');
    await time.advance(90_000);
    expect([jobsOf('a').length, jobsOf('c').length]).toEqual([1, 1]);
    cut.clear();
    await time.advance(10_000);
    expect(new Set(each().map(({ job }) => job.id)).size).toBe(1);
    expect(each().map(({ id }) => jobsOf(id).length)).toEqual([1, 1, 1]);
    expect(each().map(({ job }) => job.runsOn)).toEqual(Array(3).fill('computer a'));
  });

  it.each([dayMs, -dayMs, 400 * dayMs])(
    'keeps its hour with one clock that is wrong by %i ms',
    async (wrong) => {
      await time.advance(2_000);
      computers.a.clockAheadMs = wrong;
      computers.b.repairs.schedule(daily, 'anna');
      await time.advance(2_000);
      for (let day = 0; day < 3; day++) await oneDay();
      expect(jobsOf('b')).toHaveLength(3);
      const [{ nextAtMs }] = computers.b.repairs.view().schedules;
      expect(nextAtMs - wallMs()).toBeLessThanOrEqual(dayMs);
      expect(nextAtMs).toBeGreaterThan(wallMs());
    },
  );

  it('that a clock which was wrong for a while has put off for a year comes back', async () => {
    computers.a.clockAheadMs = 400 * dayMs;
    cutBetween('a', 'b');
    cutBetween('a', 'c');
    computers.a.repairs.schedule(daily, 'anna');
    await time.advance(60_000);
    computers.a.clockAheadMs = 0;
    cut.clear();
    await time.advance(5_000);
    await oneDay();
    expect(jobsOf('b')).toHaveLength(1);
  });

  it('that was removed is not brought back by a computer that was away', async () => {
    await time.advance(2_000);
    const { id } = computers.a.repairs.schedule(daily, 'anna');
    await time.advance(3_000);
    const late = answerOf('c');
    computers.c.kill();
    computers.b.repairs.unschedule(id, 'ben');
    await time.advance(3_000);
    expect(computers.a.repairs.view().schedules).toEqual([]);
    computers.c.start();
    expect(computers.c.repairs.view().schedules).toHaveLength(1);
    await time.advance(3_000);
    for (const to of ids) await tell(to, ...late);
    for (const { repairs } of each()) expect(repairs.view().schedules).toEqual([]);
    // Nor by a restart.
    computers.a.kill();
    computers.a.start();
    await time.advance(3_000);
    expect(computers.a.repairs.view().schedules).toEqual([]);
  });
});

describe('what another computer tells', () => {
  function recordOf(parts: object = {}): SharedRecord {
    computers.a.repairs.run(whole, 'anna');
    const [job] = answerOf('a');
    return { ...job, job: { ...job.job, ...parts } };
  }

  it.each([
    ['no object', 7],
    ['nothing', null],
    ['another kind', { kind: 'order', format: 1 }],
    ['a newer format', { kind: 'removal', format: 2, removal: { id: 'x', keyspace: 'k', removedAtMs: 1 } }],
    [
      'no mark',
      { kind: 'schedule', format: 1, schedule: { ...daily, id: 'x', createdAtMs: 1, nextAtMs: 1 } },
    ],
  ])('is left out when it is %s', (_, value) => {
    expect(recordIn(value)).toBeNull();
  });

  it('is left out when it is larger than any repair, or its counts are beyond all counting', () => {
    const record = recordOf();
    expect(recordIn(record)).not.toBeNull();
    const keyspace = 'x'.repeat(recordBytesMax);
    expect(recordIn(recordOf({ keyspace }))).toBeNull();
    const mark = { epoch: Number.MAX_SAFE_INTEGER, version: 1, runner: 'z' };
    expect(recordIn(recordOf({ mark }))).toBeNull();
  });

  it('is left out when it is nested too deep to be written down', () => {
    expect(recordIn(JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`))).toBeNull();
  });

  it('is taken for all that can be used, and what cannot is not asked for again and again', async () => {
    await time.advance(2_000);
    const record = recordOf();
    let asked = 0;
    const ask = async () => {
      asked++;
      return Buffer.from(JSON.stringify({ records: [{ kind: 'order' }, record] }));
    };
    const { exchange: here } = computers.b.repairs;
    for (let turn = 0; turn < 10; turn++) await here.heard('z', 'other', ask);
    expect(computers.b.repairs.view().jobs).toHaveLength(1);
    // Once more after what was learned: it might have been the rest.
    expect(asked).toBe(2);
  });

  it('may be no answer at all, and a question no question', async () => {
    const { exchange: here } = computers.b.repairs;
    await here.heard('z', 'other', async () => Buffer.from('what?'));
    await here.heard('z', 'other', () => Promise.reject(new Error('gone')));
    expect(() => here.answer(Buffer.from('{"known":7}'))).toThrow('no question');
    expect(computers.b.repairs.view().jobs).toEqual([]);
  });

  it('is only what is later there than here', async () => {
    computers.a.repairs.run(whole, 'anna');
    await time.advance(3_000);
    const questions: number[] = [];
    const { exchange: there } = computers.a.repairs;
    await computers.b.repairs.exchange.heard('z', 'other', async (question) => {
      const answer = there.answer(question);
      questions.push(answer.records.length);
      return Buffer.from(JSON.stringify(answer));
    });
    expect(questions).toEqual([0]);
  });
});

describe('copies of one job', () => {
  const copy = (epoch: number, version: number, state: string, runner: string): SharedRecord =>
    ({ kind: 'job', format: 1, job: { id: 'j', state, mark: { epoch, version, runner } } }) as SharedRecord;
  const later = (one: SharedRecord, other: SharedRecord) => isLater(stampOf(one), stampOf(other));

  it('are in one order: the end, then the epoch, then what a person did, then a rule, then progress', () => {
    const order = [
      copy(1, 1, 'waiting', 'b'),
      copy(1, 9, 'running', 'b'),
      copy(1, 2, 'running', 'a'),
      copy(1, 3, 'paused', 'c'),
      copy(1, 3, 'failed', 'c'),
      copy(2, 1, 'running', 'b'),
      copy(1, 5, 'done', 'b'),
      copy(2, 6, 'cancelled', 'b'),
    ];
    for (const [at, one] of order.entries())
      for (const [place, other] of order.entries()) expect(later(one, other)).toBe(at > place);
  });

  it('have the same digest in whatever order they are held, and another one for another copy', () => {
    const one = copy(1, 1, 'waiting', 'b');
    const other = {
      ...copy(1, 1, 'waiting', 'b'),
      job: { ...(one as never as { job: object }).job, id: 'k' },
    };
    expect(digestOf([one, other as SharedRecord])).toBe(digestOf([other as SharedRecord, one]));
    expect(digestOf([one])).not.toBe(digestOf([copy(1, 2, 'waiting', 'b')]));
  });
});

describe('who runs', () => {
  const peer = (id: string, parts: Partial<Peer> = {}): Peer => ({
    ...{ key: id, ids: [id], isReached: true, takesPart: true, aheadMs: 0 },
    ...parts,
  });

  it('is the smallest id of those that are heard and take part', () => {
    expect(isFirst('b', [peer('c')])).toBe(true);
    expect(isFirst('b', [peer('a')])).toBe(false);
    expect(isFirst('b', [peer('a', { isReached: false })])).toBe(true);
    expect(isFirst('b', [peer('a', { takesPart: false })])).toBe(true);
  });

  it('waits anew when the computer of a job was heard in between, or is another one', () => {
    const watch = new AwayWatch();
    const look = (nowMs: number, peers: Peer[], runner = 'z') =>
      watch.look([{ id: 'j', runner }], { self: 'b', peers, nowMs });
    const away = [peer('z', { isReached: false })];
    expect(look(0, away)).toEqual([]);
    expect(look(takeOverAfterMs - 1, away)).toEqual([]);
    expect(look(takeOverAfterMs, [peer('z')])).toEqual([]);
    expect(look(takeOverAfterMs + 1, away)).toEqual([]);
    expect(look(2 * takeOverAfterMs, away, 'y')).toEqual([]);
    expect(look(3 * takeOverAfterMs, away, 'y')).toEqual(['j']);
  });

  it('goes by the clock in the middle, and by the earlier of two', () => {
    expect(clusterNowMs(1_000, [])).toBe(1_000);
    expect(clusterNowMs(1_000, [peer('a', { aheadMs: 50 })])).toBe(1_000);
    expect(clusterNowMs(1_000, [peer('a', { aheadMs: -50 })])).toBe(950);
    expect(clusterNowMs(1_000, [peer('a', { aheadMs: 9 }), peer('c', { aheadMs: dayMs })])).toBe(1_009);
    expect(clusterNowMs(1_000, [peer('a', { aheadMs: null }), peer('c', { aheadMs: dayMs })])).toBe(1_000);
  });
});
