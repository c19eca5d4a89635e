/** What a node does in the background, in words: the same in the window and on the command line. */
import type { WorkerName } from '../base/background.ts';
import type { WorkerView } from './node-views.ts';

interface Words {
  /** What it does. */
  readonly what: string;
  /** What is counted. */
  readonly done: string;
}

export const workerWords: Readonly<Record<WorkerName, Words>> = {
  handoff: { what: 'Hands over writes that other nodes missed', done: 'handed over' },
  'anti-entropy': { what: 'Compares its copies with the other replicas', done: 'comparisons' },
  scrub: { what: 'Reads all it holds again, to find damage early', done: 'partitions read' },
  tombstones: { what: 'Forgets deletions once every replica has them', done: 'forgotten' },
  expiry: { what: 'Forgets values that have expired', done: 'forgotten' },
  layouts: { what: 'Tells other nodes how far a change of the cluster is', done: 'questions' },
  leftovers: { what: 'Hands over what other nodes replicate now', done: 'handed over' },
};

const shortMs = 1_000;

/** What it does at this moment; `durationOf` puts milliseconds into words. */
export function workNow({ state, restMs, problem }: WorkerView, durationOf: (ms: number) => string): string {
  switch (state) {
    case 'working':
      return 'at work';
    case 'yielding':
      return 'waits: clients come first';
    case 'failing':
      return `failed, and is tried again: ${problem ?? 'the cause is not known'}`;
    case 'resting':
      return restMs === null || restMs < shortMs
        ? 'rests for a moment'
        : `rests, goes on in ${durationOf(restMs)}`;
  }
}
