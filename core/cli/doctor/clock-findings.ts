/**
 * From what was seen of this computer's clock to what it means. Pure. Writes are put in order by clocks only where a keyspace says
 * last-write-wins; times to live and schedules of repairs always go by them.
 */
import type { ClockJump, OtherVersion } from '../../contract/checkup-views.ts';
import { type Finding, fine, note, wrong } from './finding.ts';

export interface ClockFacts {
  readonly nowMs: number;
  /** When something in the data folder was last written; null: there is nothing. */
  readonly newestFileMs: number | null;
  /** Null: none is known. */
  readonly jump: ClockJump | null;
  readonly others: readonly Pick<OtherVersion, 'computer' | 'state' | 'clockAheadMs'>[];
}

/** What the way between two computers makes of two clocks that agree stays below it. */
const differenceMinMs = 2_000;
const setIt =
  'Let the system set it by the network: timedatectl set-ntp true (Linux), Date & Time in the settings (macOS, Windows).';
const goesBy = 'Times to live, schedules and last-write-wins go by it.';

function durationInWords(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3_600) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 48 * 3_600
    ? `${Math.round(seconds / 3_600)} hours`
    : `${Math.round(seconds / 86_400)} days`;
}

const side = (aheadMs: number) => (aheadMs > 0 ? 'ahead' : 'behind');

export function clockFindings({ nowMs, newestFileMs, jump, others }: ClockFacts): Finding[] {
  const findings = othersFindings(others);
  if (newestFileMs !== null && newestFileMs - nowMs > differenceMinMs) {
    const by = durationInWords(newestFileMs - nowMs);
    findings.push(
      wrong(
        'clock',
        'conflict',
        `The clock is ${by} before the last write in the data folder: it was set back.`,
        setIt,
      ),
    );
  }
  if (jump !== null) {
    const by = durationInWords(jump.byMs);
    const at = new Date(jump.atMs).toLocaleString();
    findings.push(
      jump.byMs < 0
        ? note('clock', `The clock was set back by ${by} (${at}). ${goesBy}`, setIt)
        : note('clock', `The clock went ahead by ${by} (${at}): it was set, or the computer slept.`, null),
    );
  }
  if (findings.length > 0) return findings;
  const compared = others.filter(isKnown).length;
  const like =
    compared === 0
      ? ''
      : ` It agrees with ${compared === 1 ? 'that' : 'those'} of ${compared} other computer${compared === 1 ? '' : 's'}.`;
  return [fine('clock', `The clock says ${new Date(nowMs).toLocaleString()}.${like}`)];
}

const isKnown = ({ state, clockAheadMs }: ClockFacts['others'][number]) =>
  state === 'reached' && clockAheadMs !== null;

/** Where two or more agree that it is this one, it is this one; else nobody can say which. */
function othersFindings(others: ClockFacts['others']): Finding[] {
  const known = others
    .filter(isKnown)
    .map(({ computer, clockAheadMs }) => ({ computer, aheadMs: clockAheadMs! }));
  const differing = known.filter(({ aheadMs }) => Math.abs(aheadMs) >= differenceMinMs);
  const sides = new Set(differing.map(({ aheadMs }) => side(aheadMs)));
  if (known.length > 1 && differing.length === known.length && sides.size === 1) {
    const nearest = Math.min(...differing.map(({ aheadMs }) => Math.abs(aheadMs)));
    const own = side(-differing[0].aheadMs);
    const text = `The clock of this computer is ${durationInWords(nearest)} or more ${own} of all others. ${goesBy}`;
    return [wrong('clock', 'conflict', text, setIt)];
  }
  return differing.map(({ computer, aheadMs }) =>
    wrong(
      'clock',
      'conflict',
      `The clock of ${computer} is ${durationInWords(aheadMs)} ${side(aheadMs)} of the one here. ${goesBy}`,
      `See which of the two is wrong, and set it there. ${setIt}`,
    ),
  );
}
