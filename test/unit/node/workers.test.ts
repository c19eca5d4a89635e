/** The runner of background work: pace, failures, waking and ending, in virtual time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { Workers } from '../../../core/node/workers.ts';
import type { Worker, WorkerProgress } from '../../../core/ports/worker.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

class Counting implements Worker {
  readonly name = 'scrub';
  readonly yields: boolean;
  readonly firstAfterMs = 100;
  steps = 0;
  failure: Error | null = null;
  hold: Promise<void> | null = null;
  isBusy = false;

  constructor(yields = true) {
    this.yields = yields;
  }

  async step(): Promise<number> {
    this.steps++;
    await this.hold;
    if (this.failure !== null) throw this.failure;
    return 1_000;
  }

  progress(): WorkerProgress {
    return { doneCount: this.steps, partition: null, isBusy: this.isBusy };
  }
}

let time: VirtualTime;
let log: LogCapture;
let busy: boolean;
let workers: Workers;
beforeEach(() => {
  time = new VirtualTime();
  log = new LogCapture();
  busy = false;
  workers = new Workers({ clock: time, timers: time, log, isBusy: () => busy });
});

describe('work in the background', () => {
  it('is done a step at a time, with the rest that each step asks for', async () => {
    const worker = new Counting();
    workers.add(worker);
    await time.advance(99);
    expect(worker.steps).toBe(0);
    await time.advance(1);
    expect(worker.steps).toBe(1);
    await time.advance(10_000);
    expect(worker.steps).toBe(11);
  });

  it('waits while clients keep the node busy, but not for ever', async () => {
    const patient = new Counting();
    workers.add(patient);
    busy = true;
    await time.advance(60_000);
    expect([patient.steps, workers.list()[0].state]).toEqual([0, 'yielding']);
    await time.advance(65_000);
    expect(patient.steps).toBe(1);
    busy = false;
    await time.advance(10_000);
    expect(patient.steps).toBeGreaterThan(8);
  });

  it('that does not yield goes on under load', async () => {
    const worker = new Counting(false);
    workers.add(worker);
    busy = true;
    await time.advance(5_000);
    expect(worker.steps).toBe(5);
  });

  it('that fails is told once, made again after longer and longer rests, and is well again by itself', async () => {
    const worker = new Counting();
    worker.failure = new CoterieError('disk-full', 'The disk is full.');
    workers.add(worker);
    await time.advance(100 + 1_000 + 2_000 + 4_000);
    expect(worker.steps).toBe(4);
    expect(workers.list()[0]).toMatchObject({ state: 'failing', problem: 'The disk is full.' });
    expect(log.warnings).toHaveLength(1);
    await time.advance(20 * 60_000);
    const before = worker.steps;
    await time.advance(120_000);
    expect(worker.steps - before).toBe(2);
    worker.failure = null;
    await time.advance(60_000);
    expect(workers.list()[0]).toMatchObject({ state: 'resting', problem: null });
  });

  it('is begun at once when it is woken, also right behind a step that is under way', async () => {
    const worker = new Counting();
    workers.add(worker);
    workers.wake('scrub');
    await time.advance(1);
    expect(worker.steps).toBe(1);
    let go = () => {};
    worker.hold = new Promise((resolve) => {
      go = resolve;
    });
    workers.wake('scrub');
    await time.advance(1);
    expect([worker.steps, workers.list()[0].restMs]).toEqual([2, null]);
    workers.wake('scrub');
    workers.wake('scrub');
    worker.hold = null;
    go();
    await time.advance(1);
    expect(worker.steps).toBe(3);
    await time.advance(500);
    expect(worker.steps).toBe(3);
  });

  it('is at work as long as something goes on that its steps have begun', async () => {
    const worker = new Counting();
    workers.add(worker);
    await time.advance(150);
    worker.isBusy = true;
    expect(workers.list()[0].state).toBe('working');
    worker.isBusy = false;
    expect(workers.list()[0].state).toBe('resting');
  });

  it('ends with the node', async () => {
    const worker = new Counting();
    workers.add(worker);
    await time.advance(150);
    workers.close();
    workers.wake('scrub');
    await time.advance(60_000);
    expect(worker.steps).toBe(1);
  });
});
