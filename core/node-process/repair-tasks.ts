/** The node's side of repair jobs: runs the segments that its host hands it, and tells when a rebuild has ended. */
import type { StorageNode } from '../node/storage-node.ts';
import type { Clock } from '../ports/clock.ts';
import type { FromNode, ToNode } from './messages.ts';

type RepairMessage = Extract<ToNode, { type: 'repair' }>;

export class NodeRepairs {
  readonly #node: StorageNode;
  readonly #send: (message: FromNode) => void;
  readonly #running = new Map<number, { cancel(): void }>();

  constructor(node: StorageNode, send: (message: FromNode) => void) {
    this.#node = node;
    this.#send = send;
  }

  run({ task, keyspace, partitions, replicas, dryRun }: RepairMessage): void {
    const peers = replicas.filter((id) => id !== this.#node.parts.selfId);
    const request = { keyspace, partitions, peers, dryRun };
    const repair = this.#node.repair.repairRange(
      request,
      () => {},
      (error, { figures }) => {
        this.#running.delete(task);
        const { keysDiffering, recordsSent, recordsReceived, valueBytes, treeBytes } = figures;
        const done = { keysDiffering, recordsSent: recordsSent + recordsReceived, valueBytes, treeBytes };
        this.#send({
          type: 'repaired',
          task,
          figures: error === null ? done : null,
          reason: error?.message ?? '',
        });
      },
    );
    this.#running.set(task, repair);
  }

  stop(task: number): void {
    this.#running.get(task)?.cancel();
  }
}

/** Notes the end of a rebuild with its time and bytes, for the activity log; not where a person ended it. */
export function watchRebuild(
  node: StorageNode,
  name: string,
  clock: Clock,
  send: (message: FromNode) => void,
): { look(): void; end(): void } {
  let since = node.parts.eligibility.isWhole ? null : clock.monotonicMs();
  if (since !== null) {
    if (node.parts.eligibility.hasLost) {
      const message = `${name} lost data. It gets it back from the other replicas, and does not answer reads alone until then.`;
      send({ type: 'noted', severity: 'warning', message });
    } else send({ type: 'noted', severity: 'info', message: `${name} is getting its share of the data.` });
  }
  const look = () => {
    if (since === null || !node.parts.eligibility.isWhole) return;
    const seconds = ((clock.monotonicMs() - since) / 1_000).toFixed(1);
    const { recordsReceived, valueBytes } = node.repair.rebuildFigures();
    since = null;
    const records = recordsReceived === 1 ? '1 record' : `${recordsReceived} records`;
    const mebibytes = (valueBytes / 1_048_576).toFixed(1);
    const message = `${name} has all it should hold: ${records}, ${mebibytes} MiB in ${seconds} s.`;
    send({ type: 'noted', severity: 'info', message });
  };
  return {
    look,
    end: () => {
      since = null;
    },
  };
}
