/** When nodes are started again, what is said of it, and when a computer's start is over; in virtual time with pretended processes. */
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeSupervisor } from '../../../core/host/nodes/node-supervisor.ts';
import { StartWatch } from '../../../core/host/nodes/start-watch.ts';
import type { FromNode, NodeProcess, NodeStart, ToNode } from '../../../core/node-process/messages.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

class PretendedProcess implements NodeProcess {
  readonly pid = null;
  readonly received: ToNode[] = [];
  #onMessage: (message: FromNode) => void = () => {};
  #onExit: (cause: string) => void = () => {};

  send(message: ToNode): void {
    this.received.push(message);
    if (message.type === 'drain') this.exit('It ended with code 0.');
  }

  onMessage(handler: (message: FromNode) => void): void {
    this.#onMessage = handler;
  }

  onExit(handler: (cause: string) => void): void {
    this.#onExit = handler;
  }

  kill(): void {
    this.exit('It was ended by SIGKILL.');
  }

  say(message: FromNode): void {
    this.#onMessage(message);
  }

  exit(cause: string): void {
    this.#onExit(cause);
  }
}

let time: VirtualTime;
let launched: PretendedProcess[];
let notes: string[];
/** What each process does with its start. */
let behave: (process: PretendedProcess) => void;

function supervise(): NodeSupervisor {
  return new NodeSupervisor(
    {
      launcher: {
        launch() {
          const process = new PretendedProcess();
          launched.push(process);
          time.after(100, () => behave(process));
          return process;
        },
      },
      clock: time,
      timers: time,
      events: {
        changed() {},
        losses() {},
        noted: (_, message) => notes.push(message),
        ready() {},
        holdsLayout() {},
        layouts() {},
        membership() {},
        userAsk() {},
        listening() {},
      },
    },
    { name: 'node-1', startMessage: () => ({ type: 'start' }) as NodeStart },
  );
}

function refuse(code: string, message: string) {
  return (process: PretendedProcess) => {
    process.say({ type: 'failed', code, message });
    process.exit('It ended with code 1.');
  };
}

beforeEach(() => {
  time = new VirtualTime();
  launched = [];
  notes = [];
  behave = () => {};
});

describe('a supervised node', () => {
  it('that is refused for a lasting cause has failed at once, with the cause, and is tried again rarely', async () => {
    behave = refuse('conflict', 'This data folder belongs to node 1.');
    const supervisor = supervise();
    supervisor.start();
    await time.advance(200);
    expect(supervisor.status()).toMatchObject({
      state: 'failed',
      problem: 'This data folder belongs to node 1.',
    });
    await time.advance(24 * 3_600_000);
    expect(launched.length).toBeGreaterThan(200);
    expect(launched.length).toBeLessThan(300);
    expect(notes.length).toBe(1);
  });

  it('keeps its cause in sight while it is tried again, and loses it when it takes clients', async () => {
    behave = refuse('conflict', 'This data folder belongs to node 1.');
    const supervisor = supervise();
    supervisor.start();
    await time.advance(200);
    behave = (process) => time.after(1_000, () => process.say({ type: 'ready' }));
    await time.advance(30_100);
    expect(supervisor.status()).toMatchObject({
      state: 'starting',
      problem: expect.stringMatching(/belongs/),
    });
    await time.advance(1_000);
    expect(supervisor.status()).toMatchObject({ state: 'up', problem: null });
  });

  it('that crashes is started again soon, then ever more slowly, and says the same cause a bounded number of times', async () => {
    behave = (process) => process.exit('It ended with code 70.');
    const supervisor = supervise();
    supervisor.start();
    await time.advance(2_000);
    expect(launched.length).toBe(3);
    await time.advance(24 * 3_600_000);
    expect(launched.length).toBeLessThan(3_000);
    expect(notes.length).toBeLessThan(8);
    expect(supervisor.status().state).toBe('failed');
  });

  it('that crashes late in its start, each time, is slowed down as well', async () => {
    behave = (process) => time.after(6_000, () => process.exit('It ended with code 70.'));
    supervise().start();
    await time.advance(3_600_000);
    expect(launched.length).toBeLessThan(120);
  });

  it('that took clients is started again without delay after a crash, however often that happens', async () => {
    behave = (process) => {
      process.say({ type: 'ready' });
      time.after(10_000, () => process.exit('It was ended by SIGKILL.'));
    };
    supervise().start();
    await time.advance(105_000);
    expect(launched.length).toBe(10);
  });
});

describe('the start of a computer', () => {
  const up = (peersDown: string[] = []) => ({ state: 'up' as const, peersDown });
  const starting = { state: 'starting' as const, peersDown: [] };
  const failed = { state: 'failed' as const, peersDown: [] };
  const of = (...states: (typeof starting | typeof failed | ReturnType<typeof up>)[]) =>
    new Map(states.map((state, index) => [`node-${index + 1}`, state]));

  it('is over when all take clients and reach each other', () => {
    const watch = new StartWatch();
    expect(watch.look(of(up(['node-2']), starting))).toBe('waiting');
    expect(watch.look(of(up(['node-2']), up()))).toBe('waiting');
    expect(watch.look(of(up(), up()))).toBe('ready');
  });

  it('does not wait for a node that failed, nor for links to it, nor for its next attempts', () => {
    const watch = new StartWatch();
    expect(watch.look(of(starting, failed))).toBe('waiting');
    expect(watch.look(of(up(['node-2']), starting))).toBe('ready');
  });

  it('is over at once where there is no node', () => {
    expect(new StartWatch().look(of())).toBe('ready');
  });

  it('has come to nothing when every node failed', () => {
    const watch = new StartWatch();
    expect(watch.look(of(failed, starting))).toBe('waiting');
    expect(watch.look(of(starting, failed))).toBe('nothing-started');
  });
});
