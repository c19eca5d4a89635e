/** One page of a scan, awaited. Rejects with the reason when the partition cannot be walked. */
import { CoterieError } from '../base/errors.ts';
import type { ScanRequest, ScanResult, StorageEngine } from './storage-engine.ts';

export function scanPage(source: Pick<StorageEngine, 'scan'>, request: ScanRequest): Promise<ScanResult> {
  return new Promise((resolve, reject) => {
    source.scan(request, (error, result) => {
      if (result !== null) resolve(result);
      else reject(error ?? new CoterieError('disk-failed', 'A partition could not be walked.'));
    });
  });
}
