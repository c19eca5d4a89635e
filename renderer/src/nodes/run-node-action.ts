/** Carries an action out and says what came of it. */
import type { AppContext } from '../app/app-context.ts';
import { type NodeAction, needsConfirmation, nodeActionWords } from './node-actions.ts';

export async function runNodeAction(app: AppContext, action: NodeAction, name: string): Promise<boolean> {
  const { verb, done } = nodeActionWords[action];
  try {
    await app.call(`nodes.${action}`, { name });
    app.say(`${name} ${done}.`);
    return true;
  } catch (cause) {
    app.complain(`${verb} ${name} failed`, cause);
    return false;
  }
}

/** Asks first where the action ends a process. */
export function requestNodeAction(app: AppContext, action: NodeAction, name: string): void {
  if (needsConfirmation(action)) app.dialogs.open({ kind: 'node', action, name });
  else void runNodeAction(app, action, name);
}
