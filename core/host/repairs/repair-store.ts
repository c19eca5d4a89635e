/** Where repairs are kept, as documents by kind and id. Writes follow one another; what fails is logged by the store. */
import type { RepairJob, RepairSchedule } from '../../contract/repair-views.ts';
import type { SavedCoverage } from './coverage.ts';
import type { Removal, SharedJob, SharedSchedule } from './shared-records.ts';

export type RepairKind = 'job' | 'schedule' | 'removal' | 'coverage';

export interface RepairStore {
  save(kind: RepairKind, id: string, document: unknown): void;
  remove(kind: RepairKind, id: string): void;
}

/** What was found there. An older version kept no marks. */
export interface SavedRepairs {
  readonly jobs: readonly (RepairJob & Partial<Pick<SharedJob, 'mark'>>)[];
  readonly schedules: readonly (RepairSchedule & Partial<Pick<SharedSchedule, 'mark'>>)[];
  readonly removals: readonly Removal[];
  readonly coverage: readonly SavedCoverage[];
}
