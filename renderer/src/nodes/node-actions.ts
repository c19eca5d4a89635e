/**
 * What can be done to a node in which state, and why not otherwise. Pure; the host has the last word.
 */
import type { NodeState, NodeView } from '../../../core/contract/node-views.ts';

export const nodeActions = ['start', 'stop', 'restart', 'kill', 'pause', 'resume'] as const;
export type NodeAction = (typeof nodeActions)[number];

export const nodeActionWords: Readonly<Record<NodeAction, { verb: string; done: string }>> = {
  start: { verb: 'Start', done: 'is starting' },
  stop: { verb: 'Stop', done: 'was stopped' },
  restart: { verb: 'Restart', done: 'was restarted' },
  kill: { verb: 'Kill', done: 'was killed and starts again by itself' },
  pause: { verb: 'Pause', done: 'is paused' },
  resume: { verb: 'Resume', done: 'goes on' },
};

/** These end a process: they ask first. */
export function needsConfirmation(action: NodeAction): boolean {
  return action === 'stop' || action === 'kill';
}

export const nodeStateWords: Readonly<Record<NodeState, string>> = {
  starting: 'Starting',
  up: 'Up',
  paused: 'Paused',
  down: 'Down',
  draining: 'Draining',
  stopped: 'Stopped',
  failed: 'Failed',
  unheard: 'Not heard',
  away: 'Away',
};

const runs: readonly NodeState[] = ['starting', 'up', 'unheard', 'paused', 'draining'];

/** Null: it can be done. `refusal`: why nothing can be changed at all now. */
export function whyNot(
  action: NodeAction,
  { state }: Pick<NodeView, 'state'>,
  refusal: string | null,
): string | null {
  if (refusal !== null) return refusal;
  const running = runs.includes(state);
  if (state === 'away') return 'Its computer is not heard of: nothing can be asked of it now.';
  const isState = `It is ${nodeStateWords[state].toLowerCase()}.`;
  switch (action) {
    case 'start':
      return running ? `Its process runs already: ${isState.toLowerCase()}` : null;
    case 'stop':
      if (state === 'stopped') return 'It is stopped already.';
      return state === 'draining' ? 'It is stopping already.' : null;
    case 'restart':
      if (state === 'stopped') return 'It is stopped: start it instead.';
      return state === 'draining' ? 'It is stopping: wait until it has ended.' : null;
    case 'kill':
      return running ? null : `No process runs. ${isState}`;
    case 'pause':
      return state === 'up' ? null : `Only a node that is up can be paused. ${isState}`;
    case 'resume':
      return state === 'paused' ? null : `Only a paused node can be resumed. ${isState}`;
  }
}
