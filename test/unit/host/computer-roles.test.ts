/** What the host lets computers do by their role, and when one that is no owner may make itself one. */
import { describe, expect, it } from 'vitest';
import type { HostActions } from '../../../core/host/api-handlers.ts';
import type { Caller } from '../../../core/host/caller.ts';
import { mayNotBy } from '../../../core/host/computers/computer-roles.ts';
import { OtherComputer } from '../../../core/host/computers/other-computer.ts';
import { ownersSilentMs, whyNotTake } from '../../../core/host/computers/taking-over.ts';
import { dispatch } from '../../../core/host/dispatch.ts';
import type { LayoutService } from '../../../core/host/layouts/layout-service.ts';
import { roleHandlers } from '../../../core/host/role-handlers.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { roleIn, setRole } from '../../../core/layout/roles.ts';
import { layoutOf } from '../../support/layouts.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const person: Caller = { sessionId: null, name: 'anna (command line)' };
const words =
  /^This computer may look, and change nothing\. To change that, at an owner: coterie computer role computer-2 owner$/;

/** The host of computer-2, a viewer, in a cluster whose only owner is computer-1. */
class Viewer {
  layout: Layout;
  silentMs = 0;
  readonly told: string[] = [];
  readonly actions: HostActions;

  constructor() {
    const plain = layoutOf({ here: 3 });
    const computers = plain.computers.map((one) => ({ ...one, key: one.id }));
    const two = setRole({ ...plain, computers }, 'd', 'computer-2', 'viewer');
    this.layout = setRole(two, 'd', 'computer-3', 'operator');
    const own = new Set(['computer-2']);
    const that = this;
    const layouts = {
      get present() {
        return that.layout;
      },
      get live() {
        return [{ layout: that.layout, digest: 'd' }];
      },
    } as unknown as LayoutService;
    this.actions = {
      ...{
        readOnly: false,
        log: new LogCapture(),
        mayNot: mayNotBy(layouts, own),
        layouts,
        ownComputers: own,
      },
      staging: {
        async decide(edit: (layout: Layout, digest: string) => Layout, what: string, by: string) {
          that.layout = edit(that.layout, 'd');
          that.told.push(`${what} / ${by}`);
        },
      },
      trail: { note() {} },
      lan: { computers: { silentMs: () => this.silentMs } },
    } as unknown as HostActions;
  }

  ask(method: string, input: object, caller: Caller = person): Promise<unknown> {
    const known = {
      ...roleHandlers(this.actions),
      'nodes.stop': async () => 'done',
      'cluster.snapshot': async () => 'seen',
    };
    return dispatch(known as never, this.actions, method, input, caller);
  }

  get roles() {
    return this.layout.computers.map((one) => roleIn(this.layout, one));
  }
}

describe('a computer that may look only', () => {
  it('is shown everything and refused the rest, at its own page and command line', async () => {
    const viewer = new Viewer();
    expect(await viewer.ask('cluster.snapshot', {})).toBe('seen');
    await expect(viewer.ask('nodes.stop', { name: 'node-1' })).rejects.toMatchObject({
      ...{ code: 'unauthorized', message: expect.stringMatching(words) },
    });
    await expect(viewer.ask('computers.setRole', { name: 'computer-2', role: 'owner' })).rejects.toThrow(
      words,
    );
  });

  it('does what others ask of it who may', async () => {
    const viewer = new Viewer();
    const from = (role: Caller['role']) => ({ ...person, from: 'computer-3', role });
    const stop = (caller: Caller) => viewer.ask('nodes.stop', { name: 'node-2' }, caller);
    expect(await stop(from('operator'))).toBe('done');
    await expect(stop(from('viewer'))).rejects.toThrow(/^computer-3 may look, and change nothing\./);
    await expect(stop(from(undefined))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is what an owner makes of it at once', async () => {
    const viewer = new Viewer();
    const owner = { ...person, from: 'computer-1', role: 'owner' } as const;
    await viewer.ask('computers.setRole', { name: 'computer-2', role: 'operator' }, owner);
    expect(viewer.told).toEqual([
      'computer-2 is an operator now: it may run the cluster, and not change what it is made of or who may use it / anna (command line) at computer-1',
    ]);
    expect(await viewer.ask('nodes.stop', { name: 'node-1' })).toBe('done');
    // Once more is no change, and nothing to tell.
    await viewer.ask('computers.setRole', { name: 'computer-2', role: 'operator' }, owner);
    expect(viewer.told.length).toBe(1);
  });
});

describe('taking over', () => {
  const take = (viewer: Viewer, caller = person) =>
    viewer.ask('computers.takeOwnership', { name: 'computer-2' }, caller);

  it('is refused while an owner was heard of, and told to everybody once none was for an hour', async () => {
    const viewer = new Viewer();
    viewer.silentMs = ownersSilentMs - 1;
    await expect(take(viewer)).rejects.toMatchObject({
      ...{ code: 'conflict', message: expect.stringContaining('try again in 1 minute ') },
    });
    viewer.silentMs = ownersSilentMs;
    await take(viewer);
    expect(viewer.roles).toEqual(['owner', 'owner', 'operator']);
    expect(viewer.told).toEqual([
      'computer-2 made itself an owner: no owner had been heard of for an hour / anna (command line) at computer-2',
    ]);
    await expect(take(viewer)).rejects.toThrow('This computer is an owner already.');
  });

  it('is for the computer at which it is asked for alone', async () => {
    const viewer = new Viewer();
    viewer.silentMs = ownersSilentMs;
    const other = viewer.ask('computers.takeOwnership', { name: 'computer-3' });
    await expect(other).rejects.toThrow('for itself alone');
    await expect(take(viewer, { ...person, from: 'computer-3', role: 'operator' })).rejects.toThrow(
      'for itself',
    );
  });

  it('waits for the owner that was heard of last', () => {
    const owners = [
      { name: 'A', silentMs: ownersSilentMs },
      { name: 'B', silentMs: ownersSilentMs - 600_000 },
    ];
    expect(whyNotTake('viewer', owners)).toMatch(/^B is an owner, .* in 10 minutes /);
    expect(whyNotTake('viewer', [])).toBeNull();
  });

  it('counts from the start of this computer where an owner was never heard of', async () => {
    const time = new VirtualTime();
    const owner = new OtherComputer('key', time.monotonicMs());
    const silentMs = () => owner.silentMs(time.monotonicMs());
    const passed = (ms: number) => time.until(new Promise<void>((resolve) => void time.after(ms, resolve)));
    await passed(ownersSilentMs - 1);
    expect(whyNotTake('viewer', [{ name: 'A', silentMs: silentMs() }])).not.toBeNull();
    const news = { nodes: [] } as never;
    owner.heard({ host: 'h', port: 1 }, 'called', news, { nowMs: time.monotonicMs(), wallMs: 0 });
    await passed(1);
    expect(silentMs()).toBe(1);
    await passed(ownersSilentMs);
    expect(whyNotTake('viewer', [{ name: 'A', silentMs: silentMs() }])).toBeNull();
  });
});
