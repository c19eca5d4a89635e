/** What can be done to a repair in which state, why not otherwise, and doing it. */
import type { RepairJob } from '../../../core/contract/repair-views.ts';
import type { AppContext } from '../app/app-context.ts';

export const repairActions = ['pause', 'resume', 'cancel', 'retry'] as const;
export type RepairAction = (typeof repairActions)[number];

export const repairActionWords: Readonly<Record<RepairAction, { verb: string; done: string }>> = {
  pause: { verb: 'Pause', done: 'is paused' },
  resume: { verb: 'Resume', done: 'goes on' },
  cancel: { verb: 'Cancel', done: 'was cancelled' },
  retry: { verb: 'Retry', done: 'tries its failed segments again' },
};

/** The ones that make sense now. */
export function actionsFor({ state }: Pick<RepairJob, 'state'>): readonly RepairAction[] {
  switch (state) {
    case 'waiting':
    case 'running':
      return ['pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'failed':
      return ['retry'];
    default:
      return [];
  }
}

export async function runRepairAction(
  app: AppContext,
  action: RepairAction,
  job: RepairJob,
): Promise<boolean> {
  const { verb, done } = repairActionWords[action];
  try {
    await app.call(`repairs.${action}`, { id: job.id });
    app.say(`The repair of ${job.keyspace} ${done}.`);
    return true;
  } catch (cause) {
    app.complain(`${verb} the repair of ${job.keyspace} failed`, cause);
    return false;
  }
}
