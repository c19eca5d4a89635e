/**
 * Changes of users that a program asks of this node, handed to the host: it alone keeps them. Few are under way at once, each for a
 * bounded time, and while no host is there none is begun.
 */
import { CoterieError } from '../base/errors.ts';
import type { Cancellable, Timers } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { UserChanges, UserWish } from '../ports/user-changes.ts';
import { keptPassword } from '../security/access.ts';
import type { HostChannel } from './host-channel.ts';
import type { ToNode, UserAsk } from './messages.ts';

/** Each may fill a core for 60 ms, for its password. */
const atOnceMax = 4;
const answerWithinMs = 10_000;

type Done = (error: CoterieError | null, count?: number) => void;
type Answer = Extract<ToNode, { type: 'user-answer' }>;

interface Components {
  readonly channel: Pick<HostChannel, 'isAlone' | 'send'>;
  readonly timers: Timers;
  readonly random: Random;
}

export class UserAsks implements UserChanges {
  readonly #parts: Components;
  readonly #waiting = new Map<number, { done: Done; timer: Cancellable }>();
  #lastTask = 0;
  #underWay = 0;

  constructor(components: Components) {
    this.#parts = components;
  }

  set(by: string, { password, ...wish }: UserWish, done: Done): void {
    this.#begin(done, async () => {
      const kept = password === null ? null : await keptPassword(password, this.#parts.random);
      return { by, ask: { kind: 'set', ...wish, kept } };
    });
  }

  remove(by: string, names: readonly string[], done: Done): void {
    this.#begin(done, async () => ({ by, ask: { kind: 'remove', names } }));
  }

  answered({ task, refusal, count }: Answer): void {
    const waiting = this.#waiting.get(task);
    this.#waiting.delete(task);
    waiting?.timer.cancel();
    waiting?.done(refusal === null ? null : new CoterieError(refusal.code, refusal.reason), count);
  }

  #begin(done: Done, prepare: () => Promise<{ by: string; ask: UserAsk }>): void {
    const { channel, timers } = this.#parts;
    if (this.#underWay >= atOnceMax) {
      done(new CoterieError('busy', 'Too many users are being changed at once. Try again in a few seconds.'));
      return;
    }
    this.#underWay++;
    const over: Done = (error, count) => {
      this.#underWay--;
      done(error, count);
    };
    prepare().then(
      ({ by, ask }) => {
        if (channel.isAlone) {
          over(
            new CoterieError(
              'unavailable',
              'Coterie is not running at this computer, only its nodes are: nothing was changed. Start it, or ask a node of another computer.',
            ),
          );
          return;
        }
        const task = ++this.#lastTask;
        const timer = timers.after(answerWithinMs, () => {
          this.#waiting.delete(task);
          over(
            new CoterieError('unavailable', 'No answer came in time. See with ACL LIST whether it was done.'),
          );
        });
        this.#waiting.set(task, { done: over, timer });
        channel.send({ type: 'user-ask', task, by, ask });
      },
      () => over(new CoterieError('busy', 'The password could not be worked on now. Try again.')),
    );
  }
}
