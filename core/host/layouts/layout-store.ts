/**
 * The layout on this computer's disk. It is kept twice, one copy written after the other, and each node keeps it as well.
 * At a start the newest version that is whole wins, wherever it stands, and the copies here are made equal to it: a layout
 * that is older than what a node has seen would give partitions back to owners that have let them go.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CoterieError } from '../../base/errors.ts';
import { type LiveLayout, newestOf } from '../../layout/history.ts';
import type { Layout } from '../../layout/layout.ts';
import { decodeLayout, layoutDocument } from '../../layout/layout-document.ts';
import type { Disk } from '../../ports/disk.ts';
import { liveFrom } from '../../wire/peer/layout-messages.ts';
import { setAside } from '../catalog/set-aside.ts';
import { nodeNamesIn, nodesFolder } from '../node-folders.ts';

const ownFiles = ['layout.json', 'layout.copy.json'] as const;

/** One place where a layout may stand. */
interface Source {
  readonly path: string;
  readonly own: boolean;
  readonly layout: Layout | null;
  readonly older: readonly LiveLayout[];
  /** Why there is none; null: there is no such file. */
  readonly damage: string | null;
}

export interface FoundLayout {
  /** Null: the folder holds no cluster yet. */
  readonly layout: Layout | null;
  /** Those before it that were live when it was written, oldest first. */
  readonly older: readonly LiveLayout[];
  /** What was wrong and what was done about it, in words for a person. */
  readonly findings: readonly string[];
}

async function read(disk: Disk, folder: string, path: string, own: boolean): Promise<Source> {
  try {
    const text = (await disk.readFile(path)).toString();
    return { path, own, layout: decodeLayout(text), older: olderIn(text), damage: null };
  } catch (cause) {
    const { code, message } = cause as CoterieError;
    if (code === 'not-found') return { path, own, layout: null, older: [], damage: null };
    if (code === 'unsupported') {
      throw new CoterieError('unsupported', `${join(folder, path)} ${message}; update this computer.`);
    }
    return { path, own, layout: null, older: [], damage: message };
  }
}

/** What cannot be read of them the nodes still have. */
function olderIn(text: string): readonly LiveLayout[] {
  try {
    return liveFrom(JSON.parse(text).older ?? []);
  } catch {
    return [];
  }
}

/** The newest layout of this cluster. One here says which cluster it is; without any, the nodes must agree on it. */
function newestAmong(sources: readonly Source[], folder: string): Source | null {
  const whole = sources.filter(({ layout }) => layout !== null);
  const deciding = whole.some(({ own }) => own) ? whole.filter(({ own }) => own) : whole;
  const newest = (among: readonly Source[]) =>
    among.reduce<Source | null>(
      (best, source) => (source.layout!.version > (best?.layout?.version ?? 0) ? source : best),
      null,
    );
  const clusterId = newest(deciding)?.layout?.clusterId;
  if (deciding.some(({ own, layout }) => !own && layout!.clusterId !== clusterId)) {
    throw new CoterieError(
      'corrupt',
      `The nodes in ${folder} belong to different clusters, and layout.json, which would say which one this is, cannot be used. Put layout.json back from a backup, or move the nodes of the other cluster away.`,
    );
  }
  return newest(whole.filter(({ layout }) => layout!.clusterId === clusterId));
}

function refuseWithout(sources: readonly Source[], folder: string, hasNodes: boolean): void {
  const damaged = sources.filter(({ damage }) => damage !== null);
  if (damaged.length === 0 && !hasNodes) return;
  const causes =
    damaged.length === 0
      ? `${ownFiles[0]} is missing`
      : damaged.map(({ path, damage }) => `${path} is damaged (${damage})`).join('; ');
  throw new CoterieError(
    'corrupt',
    `The folder ${folder} holds nodes of a cluster, but no usable description of it: ${causes}. Put ${ownFiles[0]} back from a backup, or choose another folder for a new cluster.`,
  );
}

/** Throws `corrupt` when there is a cluster but no usable layout of it, `unsupported` when a newer version wrote one. */
export async function readLayout(
  disk: Disk,
  { folder, nowMs }: { folder: string; nowMs: number },
): Promise<FoundLayout> {
  const names = nodeNamesIn(folder);
  const sources = [
    ...(await Promise.all(ownFiles.map((path) => read(disk, folder, path, true)))),
    ...(await Promise.all(
      names.map((name) => read(disk, folder, `${nodesFolder}/${name}/layout.json`, false)),
    )),
  ];
  const best = newestAmong(sources, folder);
  if (best === null) {
    refuseWithout(sources, folder, names.length > 0);
    return { layout: null, older: [], findings: [] };
  }
  const layout = best.layout!;
  const findings: string[] = [];
  const own = sources.filter((source) => source.own);
  for (const { path, damage } of own) {
    if (damage === null) continue;
    const kept = setAside(join(folder, path), nowMs);
    findings.push(
      `${path} was damaged (${damage}). ${best.path} took its place; the damaged file is ${kept}.`,
    );
  }
  const [first] = own;
  if (first.layout === null && first.damage === null) {
    findings.push(`${first.path} was missing. ${best.path} took its place.`);
  }
  const ownVersion = Math.max(...own.map((source) => source.layout?.version ?? 0));
  if (!best.own && ownVersion > 0) {
    findings.push(
      `${best.path} holds layout ${layout.version}, newer than layout ${ownVersion} of this computer. It is used.`,
    );
  }
  const digest = digestOf(layout);
  const isCurrent = own.every((source) => source.layout !== null && digestOf(source.layout) === digest);
  if (!isCurrent) await writeLayouts(disk, [...best.older, { layout, digest }]);
  return { layout, older: best.older, findings };
}

/** Oldest first. Durable, twice, when it resolves. A crash in between leaves one whole copy at least. */
export async function writeLayouts(disk: Disk, live: readonly LiveLayout[]): Promise<void> {
  const { layout } = newestOf({ live });
  const bytes = Buffer.from(JSON.stringify(layoutDocument(layout, { older: live.slice(0, -1) })));
  for (const path of ownFiles) await disk.replaceFile(path, bytes);
}

/** The layout's content address: what a child names as its parent. */
export function digestOf(layout: Layout): string {
  return createHash('sha256').update(JSON.stringify(layout)).digest('hex');
}
