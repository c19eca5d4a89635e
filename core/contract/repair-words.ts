/** What a repair waits for, in words: the same in the window and on the command line. */
import type { RepairWait } from './repair-views.ts';

/** What follows "waits for"; empty when it waits for nothing. `timeOf` puts a moment into the reader's own time. */
export function waitInWords(wait: RepairWait | null, timeOf: (atMs: number) => string): string {
  switch (wait?.for) {
    case undefined:
      return '';
    case 'turn':
      return 'its turn';
    case 'person':
      return 'a person to resume it';
    case 'nodes':
      return 'the nodes to be ready';
    case 'node':
      return `${wait.node} to come back`;
    case 'other-repair':
      return `another repair at ${wait.node} to end`;
    case 'comparison':
      return `the replicas of partitions ${wait.firstPartition} to ${wait.lastPartition} to be compared`;
    case 'quiet-time':
      return `the end of the quiet time, ${timeOf(wait.untilMs)}`;
    case 'rest':
      return 'a short rest between two segments';
    case 'retry':
      return 'a failed segment to be tried again';
  }
}
