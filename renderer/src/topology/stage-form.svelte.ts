/** Stages one change and shows the plan; what the host has against it stays in the dialog. */
import type { LayoutChange } from '../../../core/contract/layout-views.ts';
import { Attempt } from '../api/attempt.svelte.ts';
import type { AppContext } from '../app/app-context.ts';

export class StageForm {
  readonly #app: AppContext;
  readonly #attempt = new Attempt();

  constructor(app: AppContext) {
    this.#app = app;
  }

  get refusal(): string | null {
    return this.#attempt.busy ? 'Under way.' : this.#app.cluster.refusalFor('layout.stage');
  }

  get problem(): string | null {
    return this.#attempt.problem;
  }

  async stage(change: LayoutChange): Promise<void> {
    await this.#attempt.run(async () => {
      const { appliedAs } = await this.#app.call('layout.stage', { changes: [change] });
      this.#app.dialogs.close();
      this.#app.router.open('ring');
      this.#app.say(
        appliedAs === null
          ? 'Staged. See what it does, then apply it.'
          : 'The new nodes join by themselves: data moves now.',
      );
    });
  }
}
