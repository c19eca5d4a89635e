/** Refuses a computer that asks to come in, or blocks it, and says what came of it. */
import type { JoinRequest } from '../../../core/contract/computer-views.ts';
import type { AppContext } from '../app/app-context.ts';

export async function refuseRequest(
  app: AppContext,
  { id, computer }: JoinRequest,
  block: boolean,
): Promise<boolean> {
  try {
    await app.call('computers.refuse', { id, block });
    app.say(block ? `${computer} is blocked: it is not shown here again.` : `${computer} was refused.`);
    await app.requests.refresh();
    return true;
  } catch (cause) {
    app.complain(`${computer} could not be ${block ? 'blocked' : 'refused'}`, cause);
    return false;
  }
}
