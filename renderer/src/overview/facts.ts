/** The row of facts on the overview: cluster-wide sums and worst cases of what nodes measured. Pure. */

import type { NodeFigures } from '../../../core/contract/node-views.ts';
import type { Snapshot } from '../../../core/contract/views.ts';
import { formatBytes, formatCount, formatMs, formatRate, unknown } from '../components/format.ts';
import { presentFigures } from '../nodes/figures-age.ts';
import { hintsFact, repairFact } from './replica-facts.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly detail: string;
  readonly href: string;
  readonly tone: 'plain' | 'warn' | 'bad';
}

const sum = (figures: readonly NodeFigures[], of: (figures: NodeFigures) => number): number =>
  figures.reduce((total, one) => total + of(one), 0);

function worst(figures: readonly NodeFigures[], of: (figures: NodeFigures) => number | null): number | null {
  const measured = figures.map(of).filter((value) => value !== null);
  return measured.length === 0 ? null : Math.max(...measured);
}

export function factsOf(snapshot: Snapshot, nowMs: number): Fact[] {
  const { nodes, keyspaces, cluster } = snapshot;
  const figures = presentFigures(nodes);
  const upCount = nodes.filter((node) => node.state === 'up' && node.membership?.state !== 'dead').length;
  const suspectCount = nodes.filter((node) => node.membership?.state === 'suspect').length;
  const underReplicated = keyspaces.reduce((total, keyspace) => total + keyspace.underReplicated, 0);
  const unavailable = keyspaces.reduce((total, keyspace) => total + keyspace.unavailable, 0);
  const rangeCount = keyspaces.length * cluster.partitionCount;
  const none = figures.length === 0;
  const reads = sum(figures, (one) => one.readsPerSecond);
  const writes = sum(figures, (one) => one.writesPerSecond);
  const coldDisk = sum(figures, (one) => one.coldDiskBytes);
  const coldRaw = sum(figures, (one) => one.coldRawBytes);
  const readP99 = worst(figures, (one) => one.readP99Ms);
  const writeP99 = worst(figures, (one) => one.writeP99Ms);
  const silent = nodes.length - figures.length;
  const partly = silent > 0 && !none ? ` · ${silent} silent` : '';
  return [
    {
      label: 'Nodes answering',
      value: String(upCount),
      detail: `of ${nodes.length}${suspectCount > 0 ? ` · ${suspectCount} suspected` : ''}`,
      href: '#/ring',
      tone: upCount < nodes.length ? 'bad' : suspectCount > 0 ? 'warn' : 'plain',
    },
    {
      label: 'Under-replicated',
      value: formatCount(underReplicated),
      detail:
        unavailable > 0
          ? `${formatCount(unavailable)} cannot be used`
          : rangeCount === 0
            ? 'no keyspaces'
            : `of ${formatCount(rangeCount)} ranges`,
      href: '#/keyspaces',
      tone: unavailable > 0 ? 'bad' : underReplicated > 0 ? 'warn' : 'plain',
    },
    hintsFact(figures),
    repairFact(snapshot, nowMs),
    {
      label: 'Stored copies',
      value: none ? unknown : formatCount(sum(figures, (one) => one.keyCount)),
      detail: none ? 'not measured yet' : `on ${formatBytes(sum(figures, (one) => one.diskBytes))}${partly}`,
      href: '#/ring',
      tone: 'plain',
    },
    {
      label: 'Operations',
      value: none ? unknown : `${formatRate(reads + writes)}/s`,
      detail: none ? 'not measured yet' : `${formatRate(reads)} reads · ${formatRate(writes)} writes`,
      href: '#/ring',
      tone: 'plain',
    },
    {
      label: 'Latency p99',
      value: readP99 === null && writeP99 === null ? unknown : `${formatMs(readP99)} · ${formatMs(writeP99)}`,
      detail: readP99 === null && writeP99 === null ? 'nothing read or written lately' : 'read · write, ms',
      href: '#/ring',
      tone: 'plain',
    },
    {
      label: coldDisk > 0 ? 'Compression' : 'Memory',
      value: none
        ? unknown
        : coldDisk > 0
          ? `${(coldRaw / coldDisk).toFixed(1)} ×`
          : formatBytes(sum(figures, (one) => one.memoryBytes)),
      detail: none
        ? 'not measured yet'
        : coldDisk > 0
          ? `${formatBytes(coldRaw)} cold on ${formatBytes(coldDisk)}`
          : `hot ${formatBytes(sum(figures, (one) => one.hotBytes))} of ${formatBytes(sum(figures, (one) => one.hotBytesMax))}`,
      href: '#/ring',
      tone: 'plain',
    },
  ];
}
