/** What all ways in share: who is logged in, and the memory that those who come in may take, together. */
import { ByteBudget } from '../../gateway/http/byte-budget.ts';
import { ReadGate } from '../../gateway/http/read-gate.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import { Login, type Session } from './login.ts';

export class Admission {
  readonly login: Login;
  /** For whoever comes to the HTTP gateway. */
  readonly budget: ByteBudget;
  /** For those who have shown who they are: what strangers take does not keep them out. */
  readonly ownBudget: ByteBudget;
  /** Reads for the gateway, and those for the page and the command line. */
  readonly reads: ReadGate;
  readonly ownReads: ReadGate;
  /** Where the app and the data over HTTP are, once that listens. */
  httpUrl = '';
  /** Where programs on other computers find the data over HTTP; null: nowhere. */
  networkPort: number | null = null;
  #noted: (message: string, who: string) => void = () => {};

  constructor({ clock, timers }: { clock: Clock; timers: Timers }) {
    this.login = new Login(() => clock.nowMs());
    this.budget = new ByteBudget(() => clock.monotonicMs());
    this.ownBudget = new ByteBudget(() => clock.monotonicMs());
    this.reads = new ReadGate({ budget: this.budget, timers });
    this.ownReads = new ReadGate({ budget: this.ownBudget, timers });
  }

  /**
   * The handler gets what people should be able to look up later: who was let in, and who was sent away, and by
   * whom, in words. There is one: the last.
   */
  onNote(handler: (message: string, who: string) => void): void {
    this.#noted = handler;
  }

  /** Turns a one-time code into a session. Null: it is not, or no longer, a code. */
  logIn(code: string, browser: string, port: number): ReturnType<Login['redeem']> {
    const redeemed = this.login.redeem(code, browser, port);
    if (redeemed !== null) this.#noted(`${inWords(redeemed.session)} was logged in.`, browser);
    return redeemed;
  }

  /** Ends one session, or all when none is named, for whom it is asked. Returns how many. Throws `not-found`. */
  endSessions(id: string | undefined, who: string): number {
    if (id !== undefined) {
      this.#noted(`${inWords(this.login.end(id))} was logged out.`, who);
      return 1;
    }
    const count = this.login.endAll();
    if (count > 0) this.#noted(`All browsers were logged out: ${count}.`, who);
    return count;
  }
}

function inWords({ id, browser }: Session): string {
  return `A browser (${browser}, session ${id})`;
}
