/** From what was seen of the data folder and its disk to what it means. Pure. */
import type { Space } from '../../platform/disk-space.ts';
import { formatBytes } from '../output.ts';
import { type Finding, fine, note, wrong } from './finding.ts';

export interface DiskFacts {
  readonly folder: string;
  /** False: nothing has been kept there yet, and the rest is that of the folder above it that is there. */
  readonly exists: boolean;
  /** A string: why it cannot be told. */
  readonly space: Space | string;
  /** Of a small write that is made durable; a string: why it, or making the folder, fails; null: it was not tried, for the folder is not there. */
  readonly syncedWriteMs: number | string | null;
  /** System code of the failure of the write; null: there was none. */
  readonly writeCode: string | null;
}

const mebi = 1024 * 1024;
/** Below it compaction, which writes before it removes, soon has no room. */
const littleFraction = 0.1;
const nextToNothingBytes = 256 * mebi;
/** A write is acknowledged after a few of these. */
const slowMs = 20;

export function diskFindings({ folder, exists, space, ...facts }: DiskFacts): Finding[] {
  const findings: Finding[] = [];
  if (!exists)
    findings.push(fine('disk', `The data folder ${folder} is not there yet; the first start makes it.`));
  if (typeof space === 'string' || space.totalBytes === 0) {
    const why = typeof space === 'string' ? space : 'its file system does not say.';
    findings.push(note('disk', `How much room the disk of ${folder} has cannot be told: ${why}`, null));
  } else findings.push(roomFinding(folder, space));
  const { syncedWriteMs: ms, writeCode } = facts;
  if (typeof ms === 'string') findings.push(failedWrite(folder, ms, writeCode));
  else if (ms !== null) findings.push(writeFinding(ms));
  return findings;
}

function roomFinding(folder: string, { totalBytes, freeBytes }: Space): Finding {
  const room = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free on the disk of ${folder}.`;
  if (freeBytes < nextToNothingBytes) {
    const next =
      'Free some space on that disk now. Nodes refuse writes while it is full, and go on by themselves afterwards.';
    return wrong('disk', 'disk-full', room, next);
  }
  if (freeBytes < totalBytes * littleFraction) {
    return note('disk', `${room} That is little.`, 'Free some space, or add a node on another computer.');
  }
  return fine('disk', room);
}

function writeFinding(ms: number): Finding {
  const takes = `A small write takes ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms until it is durable.`;
  if (ms < slowMs) return fine('disk', takes);
  const next =
    'Every acknowledged write waits for that. Move the data folder to a faster disk (an SSD; not one over a network), or see what else uses this one.';
  return note('disk', `${takes} That is slow.`, next);
}

function failedWrite(folder: string, message: string, code: string | null): Finding {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return wrong(
        'disk',
        'disk-full',
        `Nothing can be written in ${folder}: the disk, or the share of this account, is full.`,
        'Free some space on that disk.',
      );
    case 'EACCES':
    case 'EPERM':
      return wrong(
        'disk',
        'forbidden',
        `This account may not write in ${folder}.`,
        'Run Coterie as the account that owns the folder, or name another one: --data FOLDER',
      );
    case 'EROFS':
      return wrong(
        'disk',
        'disk-failed',
        `The disk of ${folder} can only be read.`,
        'Systems do that to disks that fail: look into the system’s log. Else mount it for writing, or use another one: --data FOLDER',
      );
    default:
      return wrong(
        'disk',
        'disk-failed',
        `Writing in ${folder} fails: ${message}`,
        'Look at the disk, or use another one: --data FOLDER',
      );
  }
}
