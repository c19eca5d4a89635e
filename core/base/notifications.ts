/**
 * Which changes of keys a keyspace tells of, in Redis' letters (redis.io, "Keyspace notifications"): K by key, E by event, then the classes:
 * g of keys as such, $ of strings, x of keys that expire; A stands for all classes. Empty: of none.
 */
import { CoterieError } from './errors.ts';

const shape = /^[KEAgx$]*$/;

export const allNotifications = 'KEA';

/** Throws `bad-input` for letters that say nothing, or nothing that we have. */
export function checkNotifications(letters: string): void {
  const isShaped = letters.length <= 16 && shape.test(letters);
  const isWhole = letters === '' || (/[KE]/.test(letters) && /[Ag$x]/.test(letters));
  if (isShaped && isWhole) return;
  throw new CoterieError(
    'bad-input',
    'Notifications are K (by key) or E (by event) or both, with A (all), g (keys), $ (strings) or x (expired), such as KEA; none: the empty text.',
  );
}

export type EventClass = 'g' | '$' | 'x';

export function tellsOf(letters: string, eventClass: EventClass): boolean {
  return letters.includes(eventClass) || letters.includes('A');
}
