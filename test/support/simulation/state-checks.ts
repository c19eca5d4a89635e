/** Laws of a node's state that no client would notice broken, until much later. */
import { partitionCount, partitionStart } from '../../../core/base/token.ts';
import type { StorageNode } from '../../../core/node/storage-node.ts';
import { scanPage } from '../../../core/ports/scan-page.ts';
import type { ScanRequest, ScanResult } from '../../../core/ports/storage-engine.ts';
import { hintKeyspace } from '../../../core/replication/handoff/hint-store.ts';

/**
 * The ledger of hints is what is stored: a hint that is owed and not there is owed for ever, and one that is there and not owed
 * is never delivered. Null when they agree, or when something moved between two looks.
 */
export async function ledgerDifference(node: StorageNode): Promise<string | null> {
  const { hints } = node.parts;
  const ledger = () =>
    JSON.stringify(
      hints
        .ledger()
        .filter(({ owed }) => owed > 0)
        .map(({ peer, owed }) => [peer, owed])
        .sort(),
    );
  const before = ledger();
  const stored = new Map<number, number>();
  for (let partition = 0; partition < partitionCount; partition++) {
    let from: number | null = partitionStart(partition);
    while (from !== null) {
      const request: ScanRequest = { keyspace: hintKeyspace, partition, fromPosition: from, countMax: 1_000 };
      const page: ScanResult | null = await scanPage(node.engine, request).catch(() => null);
      // It cannot be read now: nothing can be said.
      if (page === null) return null;
      for (const { key } of page.records) {
        const target = key.readUIntBE(0, 6);
        stored.set(target, (stored.get(target) ?? 0) + 1);
      }
      from = page.nextPosition;
    }
  }
  if (ledger() !== before) return null;
  const found = JSON.stringify([...stored].sort());
  return found === before ? null : `owes ${before} by its ledger, and keeps ${found}`;
}
