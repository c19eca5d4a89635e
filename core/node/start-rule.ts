/**
 * Under which epoch a node may write after a start, and whether it may speak for what it holds. Pure: what stands in the
 * identity file and what stands among the records is held against each other, because either may be missing, old, damaged or
 * from elsewhere, and neither can tell so by itself.
 *
 * Both carry the store's id, the epoch, and a mark: a number that is raised in both, among the records first, every few
 * seconds in which something was written and once more as the last record of an orderly end. So
 * - records whose mark is below the file's have lost what came after: a folder that was deleted, an old copy, a tail cut off;
 * - a file whose mark is more than one below the records' is an old copy.
 * In either case other replicas may know events of this node that it has forgotten. It then takes a higher epoch, so that no
 * event number is used twice (riak_kv issue 679), and has no vote until it has been compared with the other replicas.
 */
import { CoterieError } from '../base/errors.ts';
import { epochMax } from '../versions/version-set.ts';

/** What stands in both places. */
export interface Vouch {
  readonly nodeId: number;
  /** Names the store that the records belong to; another one after each loss of all records. */
  readonly storeId: string;
  readonly epoch: number;
  readonly mark: number;
}

export interface IdentityFile {
  /** Null: written before records vouched for their identity (format 1). */
  readonly vouch: Vouch | null;
  readonly nodeId: number;
  readonly epoch: number;
  /** This node lost data and has not been compared with all other replicas since. */
  readonly rebuilding: boolean;
}

export interface StartFacts {
  readonly nodeId: number;
  /** Null: there is none, or it cannot be read. */
  readonly file: IdentityFile | null;
  /** Null: there is none among the records, or it cannot be read. */
  readonly record: Vouch | null;
  /** The last run ended in order and the storage found nothing wrong. */
  readonly clean: boolean;
  /** The storage found that something is gone. */
  readonly lostData: boolean;
  /** The node took clients before, as far as its host knows. */
  readonly hasRun: boolean;
  readonly recordCount: number;
}

export interface Start {
  /** Null: draw one. */
  readonly storeId: string | null;
  /** Null: nobody here knows which epochs the cluster remembers; draw one from the lower half. */
  readonly epoch: number | null;
  readonly mark: number;
  readonly rebuilding: boolean;
  /** Why something is missing, for people; null when nothing is. */
  readonly loss: string | null;
}

/** Why the records and the identity do not vouch for each other; null when they do. */
function lossOf({ file, record, lostData, hasRun, recordCount, clean }: StartFacts): string | null {
  if (lostData) return 'A part of the records is damaged or gone.';
  if (file === null && record === null) return hasRun ? 'All data of this node is gone.' : null;
  if (file === null) return 'The identity file is missing or damaged.';
  if (file.vouch === null) return hasRun && recordCount === 0 && !clean ? 'All records are gone.' : null;
  if (record === null) return 'The records are gone; the identity file is still there.';
  if (record.storeId !== file.vouch.storeId || record.nodeId !== file.nodeId) {
    return 'The records come from another store than the identity file.';
  }
  if (record.mark < file.vouch.mark)
    return 'The newest records are gone: these are an older copy, or cut off.';
  if (record.mark > file.vouch.mark + 1) return 'The identity file is an older copy.';
  return null;
}

/** Throws `conflict` for the folder of another node, `too-large` when there is no epoch left. */
export function judgeStart(facts: StartFacts): Start {
  const { nodeId, file, record, clean } = facts;
  if (file !== null && file.nodeId !== nodeId) {
    throw new CoterieError(
      'conflict',
      `This data folder belongs to node ${file.nodeId.toString(16)}, not ${nodeId.toString(16)}. Was a disk copied?`,
    );
  }
  const loss = lossOf(facts);
  const known = [file?.epoch, record?.nodeId === nodeId ? record.epoch : undefined].filter(
    (epoch) => epoch !== undefined,
  );
  const epoch = known.length === 0 ? null : Math.max(...known) + (clean && loss === null ? 0 : 1);
  if (epoch !== null && epoch > epochMax) {
    throw new CoterieError('too-large', 'The node has used up its epochs. Replace the node.');
  }
  return {
    // Records of an unknown or an older state get a new id, so that a copy of the old ones is told from them later.
    storeId: loss === null ? (file?.vouch?.storeId ?? null) : null,
    epoch,
    mark: Math.max(file?.vouch?.mark ?? 0, record?.mark ?? 0),
    rebuilding: loss !== null || (file?.rebuilding ?? false),
    loss,
  };
}
