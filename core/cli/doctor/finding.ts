/** What the doctor says of one thing: how it is, in words, and what to do. */
import type { ErrorCode } from '../../base/errors.ts';

export interface Finding {
  readonly about: 'program' | 'disk' | 'clock' | 'ports' | 'computers';
  /** `note`: it works, and may surprise. `wrong`: something does not work, or will not for long. */
  readonly state: 'fine' | 'note' | 'wrong';
  readonly text: string;
  /** What to do; null: nothing. */
  readonly next: string | null;
  /** Of what is wrong, as an error would have it. */
  readonly code: ErrorCode | null;
}

export type About = Finding['about'];

export const fine = (about: About, text: string): Finding => ({
  ...{ about, text },
  ...{ state: 'fine', next: null, code: null },
});

export const note = (about: About, text: string, next: string | null): Finding => ({
  ...{ about, text, next },
  ...{ state: 'note', code: null },
});

export const wrong = (about: About, code: ErrorCode, text: string, next: string): Finding => ({
  ...{ about, text, next, code },
  state: 'wrong',
});
