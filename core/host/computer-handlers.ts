/** The part of ClusterApi that concerns computers: who is in, who is near, who asks to come in. */
import { CoterieError } from '../base/errors.ts';
import type { Handlers } from './api-handlers.ts';

type ComputerMethod = Extract<
  keyof Handlers,
  `computer.${string}` | `computers.${string}` | `network.${string}` | `join.${string}`
>;

export function computerHandlers(): Pick<Handlers, ComputerMethod> {
  const missing = async (): Promise<never> => {
    throw new CoterieError('unsupported', 'This computer takes no connections from other computers yet.');
  };
  return {
    'computer.standing': missing,
    'computers.invite': missing,
    'computers.requests': missing,
    'computers.approve': missing,
    'computers.refuse': missing,
    'computers.remove': missing,
    'network.found': missing,
    'network.doctor': missing,
    'join.ask': missing,
    'join.cancel': missing,
    'join.create': missing,
  };
}
