/** The other replicas of a node, as core/repair knows them: over calls, and only under one and the same layout. */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import type { ReplicaPeers } from '../ports/replica-peer.ts';
import { call } from '../replication/calls.ts';
import type { Leftovers } from '../replication/replica/leftovers.ts';
import type { PeerService } from '../replication/replica/peer-service.ts';
import type { Requests } from '../replication/requests.ts';
import type { Topology } from '../replication/topology.ts';
import { calls } from '../wire/peer/calls.ts';
import { decodeLeftoverQuestion, mustBeVersion } from '../wire/peer/layout-versions.ts';

interface Components {
  readonly network: PeerNetwork;
  readonly requests: Requests;
  readonly service: PeerService;
  readonly leftovers: Pick<Leftovers, 'holdsNothing'>;
  readonly topology: () => Topology;
}

/**
 * Both sides of a comparison go by the same layout: under an older one a replica could still acknowledge what the other, once
 * compared, would be believed to have.
 */
export function peersOf({
  network,
  requests,
  service,
  topology,
}: Omit<Components, 'leftovers'>): ReplicaPeers {
  return {
    isUp: (peer) => network.isUp(peer),
    ask: (peer, question, done) => {
      call(requests, peer, calls.compareReplicas, question, (error, body) => {
        done(error?.code === 'unavailable' ? noAnswer() : error, body);
      });
    },
    onQuestion: (handler) =>
      service.onCall(calls.compareReplicas, (from, payload, reply, layoutVersion) => {
        mustBeVersion(topology().layout.version, layoutVersion);
        handler(from, payload, reply);
      }),
  };
}

/** Whether nothing is left here of partitions that others have gained. */
export function serveLeftoverQuestions({
  service,
  leftovers,
  topology,
}: Pick<Components, 'service' | 'leftovers' | 'topology'>): void {
  service.onCall(calls.holdsNothing, (_, payload, reply, layoutVersion) => {
    mustBeVersion(topology().layout.version, layoutVersion);
    const { keyspace, partitions } = decodeLeftoverQuestion(payload);
    leftovers.holdsNothing(keyspace, partitions).then(
      (answers) => reply(null, Buffer.from(answers.map(Number))),
      (cause) => reply(toCoterieError(cause, 'disk-failed'), null),
    );
  });
}

function noAnswer(): CoterieError {
  return new CoterieError('unavailable', 'The other replica did not answer. Is its computer on?');
}
