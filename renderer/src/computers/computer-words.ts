/** Computers, codes and fingerprints as people read and compare them. Pure. */
import type { ComputerView, FoundComputer, InterfaceReport } from '../../../core/contract/computer-views.ts';
import type { ComputerRole } from '../../../core/contract/roles.ts';
import { formatDuration } from '../components/format.ts';

const groupLength = 4;

/** Groups short enough to be read aloud. Pairs of hexadecimal digits become fours; other separators of its own are kept. */
export function groupsOf(text: string): readonly string[] {
  const isPairs = /^[0-9a-f]{2}(?:[:\s-][0-9a-f]{2})+$/i.test(text);
  const own = isPairs ? [] : text.split(/[:\s-]+/).filter((part) => part !== '');
  if (own.length > 1) return own;
  return text.replace(/[:\s-]/g, '').match(new RegExp(`.{1,${groupLength}}`, 'gu')) ?? [];
}

export const computerStateWords: Readonly<Record<ComputerView['state'], string>> = {
  here: 'This computer',
  reached: 'Reached',
  away: 'Away',
};

export const roleTitles: Readonly<Record<ComputerRole, string>> = {
  owner: 'Owner',
  operator: 'Operator',
  viewer: 'Viewer',
};

/** What each may do, for somebody who chooses. */
export const roleMeanings: Readonly<Record<ComputerRole, string>> = {
  owner: 'May do everything: change the cluster, its keyspaces, users and computers.',
  operator: 'May start and stop nodes, run repairs, and write keys on the page “Data”.',
  viewer: 'May look at everything, and change nothing.',
};

/** Heard of within this is now. */
const presentMs = 15_000;

/** What stands behind the state; empty: nothing more to say. */
export function sinceInWords({ state, heardAtMs }: ComputerView, nowMs: number): string {
  if (state === 'here') return '';
  if (heardAtMs === null) return state === 'away' ? 'not heard of since this computer started' : '';
  const ageMs = nowMs - heardAtMs;
  if (state === 'away') return `for ${formatDuration(ageMs)}`;
  return ageMs > presentMs ? `heard of ${formatDuration(ageMs)} ago` : '';
}

export const foundKinds = ['waiting', 'ours', 'other'] as const;
export type FoundKind = (typeof foundKinds)[number];

export function kindOfFound({ isOurs, cluster }: FoundComputer): FoundKind {
  if (isOurs) return 'ours';
  return cluster === null ? 'waiting' : 'other';
}

export const foundWords: Readonly<Record<FoundKind, { title: string; meaning: string }>> = {
  waiting: {
    title: 'Waiting for a cluster',
    meaning: 'Coterie runs there, and it belongs to no cluster yet.',
  },
  ours: { title: 'Of this cluster', meaning: 'Heard on this network now.' },
  other: { title: 'Of other clusters', meaning: 'Nothing is exchanged with them.' },
};

export const interfaceKindWords: Readonly<Record<InterfaceReport['kind'], string>> = {
  wired: 'wired',
  wireless: 'wireless',
  loopback: 'this computer only',
  vpn: 'private tunnel (VPN)',
  container: 'container network',
  'point-to-point': 'point to point',
  other: 'another kind',
};

/** A cluster found on the network, with those of its computers that were heard, newest first. */
export interface FoundCluster {
  readonly id: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly computers: readonly FoundComputer[];
}

export function clustersIn(found: readonly FoundComputer[]): readonly FoundCluster[] {
  const byId = new Map<string, FoundCluster>();
  for (const computer of [...found].sort((a, b) => b.heardAtMs - a.heardAtMs)) {
    if (computer.cluster === null) continue;
    const { id } = computer.cluster;
    const known = byId.get(id) ?? { ...computer.cluster, computers: [] };
    byId.set(id, { ...known, computers: [...known.computers, computer] });
  }
  return [...byId.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** "4:07" until then; null once it is over. */
export function countdownTo(atMs: number, nowMs: number): string | null {
  if (atMs <= nowMs) return null;
  const seconds = Math.floor((atMs - nowMs) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
