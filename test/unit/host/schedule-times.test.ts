/** Wall clocks of time zones: summer time begins and ends, and a window reaches over midnight. */
import { describe, expect, it } from 'vitest';
import { blackoutEndMs, nextRunMs } from '../../../core/host/repairs/schedule-times.ts';

const at = (text: string) => Date.parse(text);
const shown = (ms: number) => new Date(ms).toISOString();

describe('the next run', () => {
  const berlin = { at: '02:30', timeZone: 'Europe/Berlin', everyDays: 1 };

  it('is today when the time is still to come, else tomorrow', () => {
    expect(shown(nextRunMs(berlin, null, at('2026-01-10T00:00:00Z')))).toBe('2026-01-10T01:30:00.000Z');
    expect(shown(nextRunMs(berlin, null, at('2026-01-10T01:30:00Z')))).toBe('2026-01-11T01:30:00.000Z');
  });

  it('follows the clock through the end of summer time', () => {
    expect(shown(nextRunMs({ ...berlin, at: '04:00' }, null, at('2026-10-24T12:00:00Z')))).toBe(
      '2026-10-25T03:00:00.000Z',
    );
  });

  it('on the day whose clock skips 02:30, is the moment of the skip', () => {
    const next = nextRunMs(berlin, null, at('2026-03-28T12:00:00Z'));
    expect(next).toBeGreaterThanOrEqual(at('2026-03-29T01:00:00Z'));
    expect(next).toBeLessThanOrEqual(at('2026-03-29T02:00:00Z'));
  });

  it('keeps its distance in days from the previous one', () => {
    const weekly = { ...berlin, everyDays: 7 };
    const previous = at('2026-01-10T01:30:00Z');
    expect(shown(nextRunMs(weekly, previous, previous))).toBe('2026-01-17T01:30:00.000Z');
  });

  it('does not run twice for what was missed while the computer was off', () => {
    const next = nextRunMs(berlin, at('2026-01-10T01:30:00Z'), at('2026-02-01T12:00:00Z'));
    expect(shown(next)).toBe('2026-02-02T01:30:00.000Z');
  });
});

describe('the quiet time', () => {
  const schedule = { timeZone: 'Asia/Tokyo', blackouts: [{ from: '22:00', until: '06:00' }] };

  it('reaches over midnight', () => {
    expect(shown(blackoutEndMs(schedule, at('2026-01-10T14:00:00Z'))!)).toBe('2026-01-10T21:00:00.000Z');
    expect(shown(blackoutEndMs(schedule, at('2026-01-10T20:59:00Z'))!)).toBe('2026-01-10T21:00:00.000Z');
  });

  it('is over outside of it', () => {
    expect(blackoutEndMs(schedule, at('2026-01-10T21:00:00Z'))).toBeNull();
    expect(blackoutEndMs(schedule, at('2026-01-10T12:59:00Z'))).toBeNull();
  });
});
