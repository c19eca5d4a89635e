/** Changes that people make while clients work: no fault, and yet where promises break. */
import { weighNode } from '../../../core/layout/changes.ts';
import {
  alterKeyspace,
  createKeyspace,
  dropKeyspace,
  keyspaceNamed,
  nextLayout,
} from '../../../core/layout/layout.ts';
import { changeApart, drawnChange, drawnNodeChange, giveUpApart } from './concurrent-decisions.ts';
import { loseLayoutFile } from './layout-file-faults.ts';
import type { Hand } from './nemesis.ts';
import { mustMeet, possibleLevels } from './oracle.ts';

/**
 * keyspaces: one is made, written to, dropped, and made anew under its name. factor: the replicas of the clients' keyspace become
 * more or fewer, and then as many as before. levels: it is read and written at others. nodes: one or two more join, then one of all
 * that are there leaves, perhaps while data still moves. weight: a node gets more of the ring, and then as much as before.
 * concurrent: two people change weights or factors at two nodes at once, also while these are cut off from one another.
 * concurrent-nodes: as that, and what they decide is mostly that nodes join or leave. concurrent-dead: one is down
 * for good, and removed as dead, or replaced, by one of the two. layout-gone, old-layout: in the midst of a
 * change the power of a node goes, and the file in which it keeps the layouts is gone, or one of before the change is put back.
 */
export const layoutFaults = [
  'keyspaces',
  'factor',
  'levels',
  'nodes',
  'weight',
  'concurrent',
  'concurrent-nodes',
  'concurrent-dead',
  'layout-gone',
  'old-layout',
] as const;
export type LayoutFault = (typeof layoutFaults)[number];

export async function strikeLayout(kind: LayoutFault, hand: Hand): Promise<boolean> {
  switch (kind) {
    case 'keyspaces':
      return churn(hand);
    case 'factor':
      return changeFactor(hand);
    case 'levels':
      return changeLevels(hand);
    case 'nodes':
      return changeNodes(hand);
    case 'weight':
      return changeWeight(hand);
    case 'concurrent':
      return changeApart(hand, drawnChange);
    case 'concurrent-nodes':
      return changeApart(hand, drawnNodeChange);
    case 'concurrent-dead':
      return giveUpApart(hand);
    case 'layout-gone':
    case 'old-layout':
      return loseLayoutFile(kind, hand);
  }
}

async function churn({ cluster, fate, pause }: Hand): Promise<boolean> {
  const name = 'scratch';
  const { id: _, ...settings } = cluster.keyspace;
  for (let round = 0; round < 2; round++) {
    cluster.setLayout(createKeyspace(cluster.layout, '', { ...settings, name, database: null }));
    const { id } = keyspaceNamed(cluster.layout, name);
    cluster.note(`keyspace ${name} is made, number ${id}`);
    for (let turn = 0; turn < 6; turn++) {
      const member = fate.pick(cluster.running());
      const key = `scratch-${turn}`;
      const found = await quietly(cluster.within(cluster.read(member, key, { keyspace: id }), 1_500));
      if (round === 1 && turn > 0 && found?.some((value) => value.startsWith('0.'))) {
        cluster.violate(`a keyspace made anew shows ${key} = ${found.join()} of the one that was dropped`);
      }
      const value = Buffer.from(`${round}.${turn}`);
      await quietly(
        cluster.within(
          cluster.change(fate.pick(cluster.running()), {
            key,
            keyspace: id,
            basis: 'held',
            decide: () => ({ kind: 'put', value, expiresAtMs: 0 }),
          }),
          1_500,
        ),
      );
    }
    await pause(50, 400);
    cluster.note(`keyspace ${name} is dropped`);
    cluster.setLayout(dropKeyspace(cluster.layout, '', name));
    await pause(10, 100);
  }
  return true;
}

async function changeFactor(hand: Hand): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const before = cluster.keyspace.factors;
  const choices = Object.entries(before).flatMap(([dataCenter, factor]) => {
    const nodeCount = cluster.members.filter((member) => member.dataCenter === dataCenter).length;
    return [1, 2, 3, 5]
      .filter((other) => other !== factor && other <= nodeCount)
      .map((other) => ({ ...before, [dataCenter]: other }));
  });
  if (choices.length === 0) return false;
  const { readLevel, writeLevel } = cluster.keyspace;
  for (const factors of [fate.pick(choices), before]) {
    cluster.setLayout(alterKeyspace(cluster.layout, '', 'default', { factors, readLevel, writeLevel }));
    cluster.note(`factors are now ${JSON.stringify(factors)}`);
    await pause(100, 1_500);
    await whole();
  }
  return true;
}

async function changeLevels(hand: Hand): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const { readLevel, writeLevel } = cluster.keyspace;
  const replicas = cluster.replicasOf('key-0');
  const local = replicas[0].dataCenter;
  const pairs = possibleLevels(replicas).flatMap((read) =>
    possibleLevels(replicas).map((write) => ({ readLevel: read, writeLevel: write })),
  );
  const strict = pairs.filter(
    ({ readLevel: read, writeLevel: write }) =>
      read !== 'ANY' &&
      write !== 'ANY' &&
      mustMeet(replicas, { level: read, from: local }, { level: write, from: local }),
  );
  for (const levels of [fate.pick(strict), { readLevel, writeLevel }]) {
    cluster.setLayout(alterKeyspace(cluster.layout, '', 'default', levels));
    cluster.note(`levels are now ${levels.readLevel} and ${levels.writeLevel}`);
    await pause(100, 1_500);
    await whole();
  }
  return true;
}

async function changeNodes(hand: Hand): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const { dataCenter } = fate.pick(cluster.members);
  const joining = fate.chance(0.5) ? [dataCenter] : [dataCenter, fate.pick(cluster.members).dataCenter];
  const joined = await cluster.join(joining);
  cluster.note(`${joined.map(({ id }) => `n${id}`).join(' and ')} join`);
  await pause(20, 1_500);
  if (fate.chance(0.5)) await whole();
  for (let count = 0; count < joined.length; count++) {
    const leaving = fate.pick(cluster.members.filter((member) => member.dataCenter === joining[count]));
    cluster.decideToLeave(leaving, false);
    await pause(20, 1_000);
    await whole();
    if (!cluster.isSettled) {
      cluster.violate(`n${leaving.id} could not leave: ${cluster.waiting()}`);
      return true;
    }
    await cluster.part(leaving);
  }
  return true;
}

async function changeWeight(hand: Hand): Promise<boolean> {
  const { cluster, fate, pause, whole } = hand;
  const { id } = fate.pick(cluster.members);
  for (const weight of [fate.pick([0.3, 2, 5]), 1]) {
    if (fate.chance(0.3))
      cluster.setLayout(nextLayout(cluster.layout, '', { clusterName: `weight ${weight}` }));
    cluster.note(`n${id} weighs ${weight}`);
    cluster.setLayout(weighNode(cluster.layout, String(cluster.layout.version), `n${id}`, weight));
    await pause(20, 1_000);
    if (fate.chance(0.5)) await whole();
  }
  await whole();
  return true;
}

async function quietly<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch {
    return null;
  }
}
