/**
 * What the settings of a keyspace come to in a cluster: the promise to readers, what survives which loss, and what a person
 * should know. The same for a keyspace that is there and for a draft of one, so that the page never has to reckon. Pure.
 */

import type { ConsistencyLevel } from '../../base/levels.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { KeyspaceConsequences, LevelDemand, ReadYourWrites } from '../../contract/views.ts';
import type { Layout, LayoutKeyspace } from '../../layout/layout.ts';
import { factorsKey, LayoutMemo } from '../../layout/layout-memo.ts';
import { copiesOf } from '../../layout/places.ts';
import { placesOf, type ReadsSeeWrites, readsSeeWrites } from '../../layout/reads-see-writes.ts';
import { survivalOf } from '../../layout/survival.ts';
import { type Requirement, requirementOf } from '../../quorum/requirement.ts';

export type KeyspacePlan = Pick<LayoutKeyspace, 'factors' | 'readLevel' | 'writeLevel' | 'sloppy'>;

type Copies = Readonly<Record<string, number>>;

/** Twice the number of keyspaces that there can be: drafts come and go. */
const plansMax = 512;
const known = new LayoutMemo<KeyspaceConsequences>(plansMax);

/** Remembered: the answer to the same plan is the same object, to be read only. */
export function consequencesOf(layout: Layout, plan: KeyspacePlan): KeyspaceConsequences {
  const { factors, readLevel, writeLevel, sloppy } = plan;
  const key = `${factorsKey(layout, factors)} ${readLevel} ${writeLevel} ${sloppy}`;
  return known.of(layout, key, () => reckon(layout, plan));
}

function reckon(layout: Layout, plan: KeyspacePlan): KeyspaceConsequences {
  const { readLevel, writeLevel } = plan;
  const copies = copiesOf(layout, plan.factors);
  const spareNodes = hasSpareNodes(layout, plan);
  const standIns = plan.sloppy && spareNodes;
  const byLevels = readsSeeWrites(copies, readLevel, writeLevel);
  // A stand-in is in nobody's read quorum: what it took may be missed until it has been handed over.
  const held = standIns ? { ...byLevels, always: false, withinCenter: {} } : byLevels;
  return {
    replicaCount: Object.values(copies).reduce((sum, count) => sum + count, 0),
    readYourWrites: verdictOf(held),
    readYourWritesIn: centersOf(held),
    readYourWritesByLevels: verdictOf(byLevels),
    sum: sumOf(copies, readLevel, writeLevel),
    reads: demandOf(copies, readLevel),
    writes: demandOf(copies, writeLevel),
    standIns,
    spareNodes,
    survives: survivalOf(layout, plan),
    warnings: warningsOf(layout, plan),
  };
}

/** Whether a data center has nodes beyond its replicas: only those can stand in. */
function hasSpareNodes(layout: Layout, plan: KeyspacePlan): boolean {
  return layout.dataCenters.some((dataCenter) => {
    const factor = plan.factors[dataCenter] ?? 0;
    return factor > 0 && layout.nodes.filter((node) => node.dataCenter === dataCenter).length > factor;
  });
}

function centersOf({ withinCenter }: ReadsSeeWrites): string[] {
  return Object.keys(withinCenter).filter((center) => withinCenter[center]);
}

function verdictOf(found: ReadsSeeWrites): ReadYourWrites {
  if (found.always) return 'always';
  return centersOf(found).length > 0 ? 'within-data-center' : 'no';
}

function centersWithCopies(copies: Copies): string[] {
  return Object.keys(copies).filter((center) => copies[center] > 0);
}

/** The one group that the level counts, when there is only one; null: it counts data centers by themselves. */
function onlyGroup(requirement: Requirement, copies: Copies): number | null {
  if (requirement.groups.length !== 1) return null;
  const [{ dataCenter, needed }] = requirement.groups;
  return dataCenter === null || centersWithCopies(copies).length === 1 ? needed : null;
}

function sumOf(
  copies: Copies,
  readLevel: ConsistencyLevel,
  writeLevel: ConsistencyLevel,
): KeyspaceConsequences['sum'] {
  const replicas = placesOf(copies);
  const center = centersWithCopies(copies)[0] ?? '';
  const read = onlyGroup(requirementOf(readLevel, replicas, center), copies);
  const write = onlyGroup(requirementOf(writeLevel, replicas, center), copies);
  return read === null || write === null || writeLevel === 'ANY'
    ? null
    : { read, write, of: replicas.length };
}

function demandOf(copies: Copies, level: ConsistencyLevel): LevelDemand {
  const replicas = placesOf(copies);
  const demands = centersWithCopies(copies).flatMap((center) =>
    requirementOf(level, replicas, center).groups.map(({ dataCenter, needed }): LevelDemand => {
      const scope =
        dataCenter === null ? 'all' : level === 'EACH_QUORUM' ? 'each-data-center' : 'own-data-center';
      return { level, needed, of: dataCenter === null ? replicas.length : copies[dataCenter], scope };
    }),
  );
  const [tightest] = demands.sort((a, b) => a.of - a.needed - (b.of - b.needed));
  return tightest ?? { level, needed: 1, of: 0, scope: 'all' };
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function warningsOf(layout: Layout, plan: KeyspacePlan): string[] {
  const warnings: string[] = [];
  for (const dataCenter of layout.dataCenters) {
    const factor = plan.factors[dataCenter] ?? 0;
    const nodes = layout.nodes.filter((node) => node.dataCenter === dataCenter);
    const computers = [...new Set(nodes.map((node) => node.computer))];
    if (factor > nodes.length) {
      warnings.push(
        `Replication factor ${factor} is unmet in ${dataCenter}: add ${counted(factor - nodes.length, 'node')}.`,
      );
    } else if (factor > 1 && computers.length === 1) {
      const known = layout.computers.find((computer) => computer.id === computers[0])?.name;
      const name = plainLine(known ?? dataCenter);
      const where = layout.dataCenters.length > 1 ? ` in ${dataCenter}` : '';
      warnings.push(
        `All ${factor} copies${where} are on one computer (${name}): if it fails, they all do. Add a computer.`,
      );
    } else if (factor > computers.length) {
      warnings.push(
        `${dataCenter} has ${counted(computers.length, 'computer')} for ${factor} copies: some share one, and are lost together. Add a computer.`,
      );
    }
  }
  if (Object.values(plan.factors).every((factor) => factor === 0))
    warnings.push('No data center would hold a copy. Give at least one a factor of 1 or more.');
  return warnings;
}
