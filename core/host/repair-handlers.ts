/** The part of ClusterApi that repairs: here, or on the computer that runs the repair. */
import { CoterieError } from '../base/errors.ts';
import type { Handlers, HostActions } from './api-handlers.ts';
import { whoOf } from './caller.ts';
import { told } from './repairs/repairs.ts';

type RepairMethod = Extract<keyof Handlers, `repairs.${string}`>;
type Decision = 'pause' | 'resume' | 'cancel' | 'retry';

export function repairHandlers(host: HostActions): Pick<Handlers, RepairMethod> {
  /**
   * The computer that runs it knows best how far it is. Where that one is not reached the decision is made here, and it goes by it
   * when it is back. What another computer passed on is not passed on again: two that take each other for the runner would never end.
   */
  const decide =
    (what: Decision): Handlers[`repairs.${Decision}`] =>
    async (input, caller) => {
      const { id, computer } = host.repairs.whereIs(input.id);
      if (computer !== null && caller.from === undefined && host.lan !== null) {
        try {
          await host.lan.computers.call(computer, `repairs.${what}`, { id }, whoOf(caller));
          return {};
        } catch (cause) {
          const isGone = cause instanceof CoterieError && ['unavailable', 'not-found'].includes(cause.code);
          if (!isGone) throw cause;
        }
      }
      host.repairs[what](id, whoOf(caller));
      return {};
    };

  return {
    'repairs.list': async () => host.repairs.view(),
    'repairs.run': async (request, caller) => told(host.repairs.run(request, whoOf(caller))),
    'repairs.pause': decide('pause'),
    'repairs.resume': decide('resume'),
    'repairs.cancel': decide('cancel'),
    'repairs.retry': decide('retry'),
    'repairs.schedule': async (settings, caller) => told(host.repairs.schedule(settings, whoOf(caller))),
    'repairs.unschedule': async ({ id }, caller) => {
      host.repairs.unschedule(id, whoOf(caller));
      return {};
    },
  };
}
