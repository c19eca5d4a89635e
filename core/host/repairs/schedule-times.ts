/** When a schedule is due and when it must rest, in the wall clock of its time zone. Pure functions of their arguments. */
import type { RepairScheduleSettings } from '../../contract/repair-views.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** Minutes since midnight. */
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallTimeOf(atMs: number, timeZone: string): WallTime {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(
    format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
  );
  return { year: parts.year, month: parts.month, day: parts.day, minute: parts.hour * 60 + parts.minute };
}

function minuteOf(clockTime: string): number {
  const [hours, minutes] = clockTime.split(':').map(Number);
  return hours * 60 + minutes;
}

/**
 * The first moment at or after `fromMs` at which the zone's clock shows `at`. On a day whose clock skips that time it is
 * the moment of the skip.
 */
function nextShowing(at: string, timeZone: string, fromMs: number): number {
  const wanted = minuteOf(at);
  // Step through the hours first: a zone's offset changes at most once in them.
  const start = Math.ceil(fromMs / minuteMs) * minuteMs;
  for (let ms = start; ms < start + 2 * dayMs; ) {
    const { minute } = wallTimeOf(ms, timeZone);
    const missing = (wanted - minute + 1_440) % 1_440;
    if (missing === 0) return ms;
    const after = ms + missing * minuteMs;
    const reached = wallTimeOf(after, timeZone).minute;
    if (reached === wanted) return after;
    // The clock was moved on the way. Forward past the wanted time: the skip itself is the moment.
    if ((reached - wanted + 1_440) % 1_440 < 180) return after;
    ms = after;
  }
  return start;
}

/** The next run after `afterMs`: at the wanted time of day, `everyDays` days after the previous one. */
export function nextRunMs(
  schedule: Pick<RepairScheduleSettings, 'at' | 'timeZone' | 'everyDays'>,
  previousMs: number | null,
  afterMs: number,
): number {
  const earliest =
    previousMs === null ? afterMs : previousMs + schedule.everyDays * dayMs - 6 * 60 * minuteMs;
  return nextShowing(schedule.at, schedule.timeZone, Math.max(earliest, afterMs) + minuteMs);
}

/** The end of the blackout window that `nowMs` lies in, or null when work may be started. */
export function blackoutEndMs(
  schedule: Pick<RepairScheduleSettings, 'blackouts' | 'timeZone'>,
  nowMs: number,
): number | null {
  const { minute } = wallTimeOf(nowMs, schedule.timeZone);
  for (const { from, until } of schedule.blackouts) {
    const start = minuteOf(from);
    const end = minuteOf(until);
    const inside = start <= end ? minute >= start && minute < end : minute >= start || minute < end;
    if (inside) return nextShowing(until, schedule.timeZone, nowMs);
  }
  return null;
}
