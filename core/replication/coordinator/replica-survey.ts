/** Asks every replica of a key for its copy: the picture behind CT.REPLICAS and the Data page. Not a quorum read. */
import type { CoterieError } from '../../base/errors.ts';
import { type KeyAddress, partitionOf } from '../../base/token.ts';
import type { ReplicaView } from '../../ports/key-value-store.ts';
import { encodeBasis } from '../../versions/context-codec.ts';
import { decodeRecord, mergeRecords, summarise } from '../../versions/record-codec.ts';
import { compareContexts, emptySet } from '../../versions/version-set.ts';
import { encodeKeyed, frameType, parseStatus, status, typeOf } from '../../wire/peer/frames.ts';
import type { CoordinatorParts } from '../parts.ts';
import type { KeyspaceState, Topology } from '../topology.ts';
import { liveValues } from './live-values.ts';

/** undefined: no answer. null: holds nothing. */
type Copy = Buffer | null | undefined;

export type SurveyParts = Pick<CoordinatorParts, 'selfId' | 'records' | 'requests' | 'clock' | 'seal'>;

export function readReplicas(
  parts: SurveyParts,
  topology: Topology,
  keyspace: KeyspaceState,
  address: KeyAddress,
  done: (error: CoterieError | null, replicas: readonly ReplicaView[] | null) => void,
): void {
  const replicas = keyspace.replicas[partitionOf(address.tokenHigh)];
  const copies: Copy[] = new Array(replicas.length).fill(undefined);
  let waiting = replicas.length;
  const arrived = (nodeId: number, copy: Copy) => {
    copies[replicas.findIndex((replica) => replica.nodeId === nodeId)] = copy;
    if (--waiting === 0) done(null, viewsOf(copies));
  };

  const viewsOf = (all: readonly Copy[]): ReplicaView[] => {
    const held = all.filter((copy): copy is Buffer => copy !== undefined && copy !== null);
    const merged = held.length === 0 ? null : held.reduce((a, b) => mergeRecords(a, b, false));
    const everything = merged === null ? emptySet : decodeRecord(merged);
    const nowMs = parts.clock.nowMs();
    return replicas.map(({ nodeId, dataCenter }, index) => {
      const copy = all[index];
      const set = copy === undefined || copy === null ? emptySet : decodeRecord(copy);
      const siblings = liveValues(set, nowMs);
      return {
        nodeId,
        nodeName: topology.nodes.get(nodeId)!.name,
        dataCenter,
        state: copy === undefined ? 'unreachable' : copy === null ? 'absent' : 'holds',
        siblings,
        tombstone: set.versions.length > 0 && siblings.length === 0,
        context: encodeBasis({ context: set.context, dots: [] }, address, parts.seal),
        relation: compareContexts(set.context, everything.context),
      };
    });
  };

  const others = replicas.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== parts.selfId);
  const nothing = Buffer.alloc(0);
  if (others.length < replicas.length) {
    parts.records.read(address, (error, record) =>
      arrived(parts.selfId, error === null ? record : undefined),
    );
  }
  parts.requests.send(
    others,
    {
      onReply(from, frame) {
        if (typeOf(frame) === frameType.replicaSame) {
          arrived(from, null);
          return;
        }
        const { code, body } = parseStatus(frame);
        if (code === status.ok && body.length > 0) summarise(body);
        arrived(from, code !== status.ok ? undefined : body.length === 0 ? null : body);
      },
      onFailure: (from) => arrived(from, undefined),
      onSlow() {},
    },
    (requestId) => encodeKeyed(frameType.replicaGet, requestId, address.keyspace, address.key, nothing, 0),
  );
}
