/** Where repairs are kept, as documents by kind and id. Writes follow one another; what fails is logged by the store. */
export interface RepairStore {
  save(kind: 'job' | 'schedule' | 'coverage', id: string, document: unknown): void;
  remove(kind: 'job' | 'schedule' | 'coverage', id: string): void;
}
