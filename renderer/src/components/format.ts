/** Numbers, sizes and times as people read them. Pure; the locale is the page's. */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** What stands where nothing was measured. */
export const unknown = '–';

export function formatCount(count: number): string {
  if (count < 100_000) return whole.format(count);
  if (count < 1_000_000) return `${oneDigit.format(count / 1000)} k`;
  if (count < 1_000_000_000) return `${oneDigit.format(count / 1_000_000)} M`;
  return `${oneDigit.format(count / 1_000_000_000)} G`;
}

export function formatRate(perSecond: number): string {
  if (perSecond < 10) return oneDigit.format(perSecond);
  return perSecond < 10_000 ? whole.format(perSecond) : `${oneDigit.format(perSecond / 1000)} k`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? whole.format(value) : oneDigit.format(value)} ${units[unit]}`;
}

export function formatMs(ms: number | null): string {
  if (ms === null) return unknown;
  return ms < 10 ? ms.toFixed(1) : whole.format(ms);
}

/** "3.1 · 5.7 ms"; one dash when neither was measured. */
export function formatMsPair(readMs: number | null, writeMs: number | null): string {
  return readMs === null && writeMs === null ? unknown : `${formatMs(readMs)} · ${formatMs(writeMs)} ms`;
}

export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** "4 s", "12 min", "3 h 5 min", "2 d 4 h". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const two = (value: number) => String(value).padStart(2, '0');

/** Local time: hours alone for the last twenty hours, with the date otherwise. */
export function formatLocal(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const recent = Math.abs(nowMs - atMs) < 20 * 3600 * 1000;
  return recent ? clock : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

export function formatUtc(atMs: number, nowMs: number): string {
  const text = new Date(atMs).toISOString();
  const recent = Math.abs(nowMs - atMs) < 20 * 3600 * 1000;
  return `${recent ? text.slice(11, 19) : text.slice(0, 19).replace('T', ' ')} UTC`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "a", "a and b", "a, b and c". */
export function listWords(words: readonly string[], joint: 'and' | 'or' = 'and'): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`;
}
