/**
 * The node's durable identity: its id and its epoch. The epoch is raised, durably and before any write, whenever the
 * node's own history may be incomplete: new disk, wiped data, an unclean stop, a segment set aside. Writing on under
 * the old actor would reuse dots that other replicas have already seen, and the new values would be taken for old ones
 * (riak_kv issue 679).
 */
import { CoterieError } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import { epochMax } from '../versions/version-set.ts';

const identityFile = 'identity.json';

interface Identity {
  readonly format: 1;
  readonly nodeId: number;
  readonly epoch: number;
  /** This node lost data and has not been compared with all other replicas since. */
  readonly rebuilding?: boolean;
}

export interface Start {
  readonly epoch: number;
  readonly rebuilding: boolean;
}

/** What the storage and the host know of this start. */
export interface StartFacts {
  /** The last run ended in order and nothing was lost. */
  readonly clean: boolean;
  /** Some of the data is gone: a damaged segment, an empty disk where there should be data. */
  readonly lostData: boolean;
  /** The node has run before, as far as its host knows: without an identity file its disk was wiped. */
  readonly hasRun: boolean;
}

async function readIdentity(disk: Disk): Promise<Identity | null> {
  try {
    return JSON.parse((await disk.readFile(identityFile)).toString());
  } catch (error) {
    if (error instanceof CoterieError && error.code === 'not-found') return null;
    throw error instanceof CoterieError
      ? error
      : new CoterieError(
          'corrupt',
          'The node’s identity file is damaged. Move the node’s data folder aside.',
        );
  }
}

/** Where a node without an identity file starts: anywhere in the lower half, which leaves room to count up. */
const firstEpochs = 2 ** 19;

/**
 * The epoch to write under, and whether this node must be rebuilt from its peers first. Without an identity file nobody
 * here knows which epochs the cluster remembers of a wiped disk, so a random one is drawn: it repeats one of the k used
 * before with a chance of k in 524,288.
 */
export async function nextEpoch(
  components: { disk: Disk; random: Random },
  nodeId: number,
  facts: StartFacts,
): Promise<Start> {
  const { disk, random } = components;
  const identity = await readIdentity(disk);
  if (identity !== null && identity.nodeId !== nodeId) {
    throw new CoterieError(
      'conflict',
      `This data folder belongs to node ${identity.nodeId.toString(16)}, not ${nodeId.toString(16)}. Was a disk copied?`,
    );
  }
  const epoch =
    identity === null ? Math.floor(random.next() * firstEpochs) : identity.epoch + (facts.clean ? 0 : 1);
  if (epoch > epochMax)
    throw new CoterieError('too-large', 'The node has used up its epochs. Replace the node.');
  const rebuilding = facts.lostData || (identity === null ? facts.hasRun : identity.rebuilding === true);
  if (identity === null || identity.epoch !== epoch || (identity.rebuilding === true) !== rebuilding) {
    await writeIdentity(disk, { format: 1, nodeId, epoch, rebuilding });
  }
  return { epoch, rebuilding };
}

/** The node is whole again. */
export function noteWhole(disk: Disk, nodeId: number, epoch: number): Promise<void> {
  return writeIdentity(disk, { format: 1, nodeId, epoch, rebuilding: false });
}

function writeIdentity(disk: Disk, identity: Identity): Promise<void> {
  return disk.replaceFile(identityFile, Buffer.from(JSON.stringify(identity)));
}
