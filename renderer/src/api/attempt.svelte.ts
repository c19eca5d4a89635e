/** One change that a form or a dialog asks the host for: whether it is under way, and what the host has against it. */
import { messageOf } from './connection.ts';

export class Attempt {
  busy = $state(false);
  /** Why the last one failed; null: it did not, or there was none. */
  problem = $state<string | null>(null);

  /** False: it failed, and `problem` says why. */
  async run(act: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.problem = null;
    try {
      await act();
      return true;
    } catch (cause) {
      this.problem = messageOf(cause);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
