/** Which entries are shown, grouped by day; and as lines of JSON. Pure. */
import type { ActivityEntry, ActivityKind } from '../../../core/contract/views.ts';

export const kinds: readonly ActivityKind[] = ['node', 'keyspace', 'data', 'cluster', 'membership', 'repair'];
export const kindWords: Readonly<Record<ActivityKind, string>> = {
  node: 'Nodes',
  keyspace: 'Keyspaces',
  data: 'Data',
  cluster: 'Cluster',
  membership: 'Membership',
  repair: 'Repair',
};

export const severityChoices = ['all', 'warning', 'error'] as const;
export type SeverityChoice = (typeof severityChoices)[number];

export interface ActivityFilter {
  /** Empty: all. */
  readonly kinds: readonly ActivityKind[];
  readonly severity: SeverityChoice;
  readonly text: string;
}

export function isShown(entry: ActivityEntry, { kinds: chosen, severity, text }: ActivityFilter): boolean {
  if (chosen.length > 0 && !chosen.includes(entry.kind)) return false;
  if (severity === 'error' && entry.severity !== 'error') return false;
  if (severity === 'warning' && entry.severity === 'info') return false;
  const words = text.trim().toLowerCase();
  return words === '' || `${entry.message} ${entry.subject}`.toLowerCase().includes(words);
}

export interface ActivityDay {
  /** Local midnight. */
  readonly dayMs: number;
  readonly entries: readonly ActivityEntry[];
}

function midnightOf(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** `entries`: newest first. */
export function daysOf(entries: readonly ActivityEntry[]): ActivityDay[] {
  const days: { dayMs: number; entries: ActivityEntry[] }[] = [];
  for (const entry of entries) {
    const dayMs = midnightOf(entry.atMs);
    const last = days.at(-1);
    if (last?.dayMs === dayMs) last.entries.push(entry);
    else days.push({ dayMs, entries: [entry] });
  }
  return days;
}

const dayFormat = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});

export function dayTitle(dayMs: number, nowMs: number): string {
  const today = midnightOf(nowMs);
  const date = dayFormat.format(dayMs);
  if (dayMs === today) return `Today, ${date}`;
  return dayMs === midnightOf(today - 1) ? `Yesterday, ${date}` : date;
}

/** One JSON object a line, oldest first, with the time in words beside the number. */
export function ndjsonOf(entries: readonly ActivityEntry[]): string {
  return [...entries]
    .reverse()
    .map((entry) => `${JSON.stringify({ at: new Date(entry.atMs).toISOString(), ...entry })}\n`)
    .join('');
}
