/**
 * A walk's question to a replica (keyspace-walk.ts). One that is only starting, or went away, is no reason to end the walk: it goes on
 * with another, and what was begun there may be begun anew.
 */
import type { Call } from '../../wire/peer/calls.ts';
import { call } from '../calls.ts';
import type { Requests } from '../requests.ts';
import type { GuardedSteps } from './guarded-steps.ts';
import type { Refusing } from './refusing.ts';

/** Replicas that one question is put to after another, while each is starting or goes away. */
export const holderCountMax = 3;

export interface Question {
  readonly holder: number;
  readonly what: Call;
  readonly payload: Buffer;
  /** Replicas that may still be asked, this one among them. */
  readonly left: number;
  /** Whether others are to be asked by now; what it throws ends the walk. */
  isElsewhere(): boolean;
}

interface Asking {
  readonly requests: Requests;
  readonly refusing: Pick<Refusing, 'note'>;
  readonly steps: Pick<GuardedSteps<unknown>, 'run'>;
}

/** `again` is given how many may still be asked. */
export function askHolder(
  { requests, refusing, steps }: Asking,
  { holder, what, payload, left, isElsewhere }: Question,
  next: (body: Buffer) => void,
  again: (left: number) => void,
): void {
  call(requests, holder, what, payload, (error, body) =>
    steps.run(() => {
      if (error === null) {
        next(body!);
        return;
      }
      refusing.note(holder, error);
      const isNotNow = error.code === 'not-ready' || error.code === 'unavailable';
      if (!isNotNow || left <= 1 || !isElsewhere()) throw error;
      again(left - 1);
    }),
  );
}
