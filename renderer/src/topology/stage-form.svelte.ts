/** Stages one change and shows the plan; what the host has against it stays in the dialog. */
import type { LayoutChange } from '../../../core/contract/layout-views.ts';
import { messageOf } from '../api/connection.ts';
import type { AppContext } from '../app/app-context.ts';

export class StageForm {
  readonly #app: AppContext;
  #busy = $state(false);
  problem = $state<string | null>(null);

  constructor(app: AppContext) {
    this.#app = app;
  }

  get refusal(): string | null {
    return this.#busy ? 'Under way.' : this.#app.cluster.refusalFor('layout.stage');
  }

  async stage(change: LayoutChange): Promise<void> {
    this.#busy = true;
    this.problem = null;
    try {
      const { appliedAs } = await this.#app.call('layout.stage', { changes: [change] });
      this.#app.dialogs.close();
      this.#app.router.open('ring');
      this.#app.say(
        appliedAs === null
          ? 'Staged. See what it does, then apply it.'
          : 'The new nodes join by themselves: data moves now.',
      );
    } catch (cause) {
      this.problem = messageOf(cause);
    } finally {
      this.#busy = false;
    }
  }
}
