/** What /health says: of each keyspace by reads and writes, in words that tell what is missing; and of what node is up. */
import { describe, expect, it } from 'vitest';
import { healthOf, readinessOf } from '../../../core/gateway/http/health.ts';
import type { NodeStatus } from '../../../core/host/nodes/node-supervisor.ts';
import { shownState } from '../../../core/host/view/views.ts';

const whole = {
  ...({ name: 'shop', readLevel: 'ONE', writeLevel: 'QUORUM', possibleLoss: null } as const),
  ...{ unavailable: 0, unreadable: 0, unwritable: 0, underReplicated: 0 },
};
const orders = { ...whole, name: 'orders' };

describe('health', () => {
  it('is healthy where nothing is missing, and with no keyspaces at all', () => {
    expect(healthOf({ keyspaces: [whole, orders] })).toMatchObject({
      status: 'healthy',
      healthy: true,
      reasons: [],
    });
    expect(healthOf({ keyspaces: [] }).status).toBe('healthy');
  });

  it('is degraded where replicas are missing and every read and write still goes', () => {
    const health = healthOf({ keyspaces: [{ ...whole, underReplicated: 1024 }, orders] });
    expect(health).toMatchObject({ status: 'degraded', healthy: false });
    expect(health.keyspaces.map(({ status }) => status)).toEqual(['degraded', 'healthy']);
    expect(health.reasons).toEqual(['1024 partitions of shop lack a replica.']);
  });

  it('is unavailable where a keyspace cannot be used, and tells reads from writes with their levels', () => {
    const broken = { ...whole, unavailable: 12, unwritable: 12, underReplicated: 1024 };
    const health = healthOf({ keyspaces: [broken, orders] });
    expect(health.status).toBe('unavailable');
    expect(health.keyspaces[0]).toEqual({
      ...{ keyspace: 'shop', status: 'unavailable', underReplicated: 1024 },
      reads: { level: 'ONE', partitions: 0 },
      writes: { level: 'QUORUM', partitions: 12 },
    });
    expect(health.reasons).toEqual(['12 partitions of shop cannot be written at QUORUM.']);
    const apart = healthOf({ keyspaces: [{ ...whole, unavailable: 5 }] });
    expect(apart.reasons).toEqual([
      '5 partitions of shop can be read in one data center and written in another alone.',
    ]);
  });
});

describe('readiness', () => {
  const node = (name: string, state: 'up' | 'starting' | 'unheard') => ({ name, state, problem: null });

  it('is that a node of this computer takes clients', () => {
    expect(readinessOf([node('a', 'starting'), node('b', 'up')])).toMatchObject({ ready: true });
    expect(readinessOf([node('a', 'unheard')])).toMatchObject({ ready: false, reasons: ['a is unheard.'] });
    expect(readinessOf([])).toEqual({ ready: false, nodes: [], reasons: ['This computer runs no nodes.'] });
  });
});

describe('a node that runs', () => {
  const up = { state: 'up', sinceMs: 1_000, problem: null } as NodeStatus;
  const dead = { state: 'dead', sinceMs: 2_000, suspectedBy: ['node-2'], confirmedBy: ['node-3'] } as const;

  it('is not up once the others have established that they do not hear it', () => {
    const shown = shownState(up, { ...dead, suspectedBy: ['node-2'], confirmedBy: ['node-3'] });
    expect(shown).toMatchObject({ state: 'unheard', sinceMs: 2_000 });
    expect(shown.problem).toContain('node-2 and node-3');
  });

  it('is up when what they established is of before it came up, or only a suspicion', () => {
    const from = (change: object) => shownState(up, { ...dead, suspectedBy: [], confirmedBy: [], ...change });
    expect(from({ sinceMs: 500 }).state).toBe('up');
    expect(from({ state: 'suspect' }).state).toBe('up');
    expect(shownState(up, null).state).toBe('up');
    expect(shownState({ ...up, state: 'paused' }, { ...dead, suspectedBy: [], confirmedBy: [] }).state).toBe(
      'paused',
    );
  });
});
