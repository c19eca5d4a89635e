/** Facts about replicas that differ: hints that wait, and how long ago keyspaces were compared. Pure. */

import type { NodeFigures } from '../../../core/contract/node-views.ts';
import type { Snapshot } from '../../../core/contract/views.ts';
import { formatCount, formatDuration, unknown } from '../components/format.ts';
import { bandOf, nothingToCompare, repairIsDue, summaryOf } from '../repair/coverage.ts';
import type { Fact } from './facts.ts';

export function hintsFact(figures: readonly NodeFigures[]): Fact {
  const label = 'Hints owed';
  if (figures.length === 0)
    return { label, value: unknown, detail: 'not measured yet', href: '#/ring', tone: 'plain' };
  const owedTo = new Map<string, number>();
  for (const { node, owed } of figures.flatMap((one) => one.hints)) {
    if (owed > 0) owedTo.set(node, (owedTo.get(node) ?? 0) + owed);
  }
  const [most, ...others] = [...owedTo].sort(([, a], [, b]) => b - a);
  if (most === undefined)
    return { label, value: '0', detail: 'nothing waits for a node', href: '#/ring', tone: 'plain' };
  const [node] = most;
  const total = [...owedTo.values()].reduce((sum, owed) => sum + owed, 0);
  return {
    label,
    value: formatCount(total),
    detail: others.length === 0 ? `to ${node}` : `to ${node} and ${others.length} more`,
    href: `#/ring/${encodeURIComponent(node)}`,
    tone: 'warn',
  };
}

/** The keyspace that was compared longest ago; one that is due and has a range that never was comes before all. */
export function repairFact({ keyspaces, repairs }: Snapshot, nowMs: number): Fact {
  const label = 'Oldest repair';
  const comparable = keyspaces.filter((keyspace) => nothingToCompare(keyspace) === null);
  const coverage = repairs.coverage.filter((entry) => comparable.some(({ name }) => name === entry.keyspace));
  if (coverage.length === 0)
    return {
      label,
      value: unknown,
      detail: keyspaces.length === 0 ? 'no keyspaces' : 'no second replica to compare',
      href: '#/repair',
      tone: 'plain',
    };
  const summaries = coverage.map((entry) => {
    const keyspace = comparable.find(({ name }) => name === entry.keyspace)!;
    return { keyspace: entry.keyspace, isDue: repairIsDue(keyspace, nowMs), ...summaryOf(entry) };
  });
  const href = (keyspace: string) => `#/repair/${encodeURIComponent(keyspace)}`;
  const uncompared = summaries
    .filter(({ neverCount }) => neverCount > 0)
    .sort((a, b) => Number(b.isDue) - Number(a.isDue) || b.neverCount - a.neverCount);
  const [oldest] = summaries
    .filter(({ oldestMs }) => oldestMs !== null)
    .sort((a, b) => a.oldestMs! - b.oldestMs!);
  const isLate = oldest !== undefined && bandOf(oldest.oldestMs, { nowMs, isDue: oldest.isDue }) === 'older';
  const [first] = uncompared;
  // A young keyspace that has not been compared is nothing to warn of, so it does not hide one that is.
  if (first !== undefined && (first.isDue || !isLate)) {
    const { keyspace, neverCount, count, isDue } = first;
    const detail = neverCount === count ? keyspace : `${neverCount} of ${count} ranges of ${keyspace}`;
    return {
      label,
      value: isDue ? 'never' : 'not yet',
      detail,
      href: href(keyspace),
      tone: isDue ? 'warn' : 'plain',
    };
  }
  return {
    label,
    value: formatDuration(nowMs - oldest.oldestMs!),
    detail: `ago, in ${oldest.keyspace}`,
    href: href(oldest.keyspace),
    tone: isLate ? 'warn' : 'plain',
  };
}
