/** The replica's side of a write of several keys (coordinator/together-operation.ts): it takes all of the records as one, or none. */
import { addressOf, partitionOf } from '../../base/token.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HybridClock } from '../../versions/hybrid-clock.ts';
import { summarise } from '../../versions/record-codec.ts';
import { calls } from '../../wire/peer/calls.ts';
import { status } from '../../wire/peer/frames.ts';
import { parsePutTogether } from '../../wire/peer/put-together.ts';
import { statusOf } from '../../wire/peer/replica-status.ts';
import type { Counters } from '../parts.ts';
import { isFromBefore, type Topology } from '../topology.ts';
import { joined } from './changes.ts';
import type { LocalRecords } from './local-records.ts';
import type { PeerService } from './peer-service.ts';

interface Parts {
  readonly records: LocalRecords;
  readonly clock: Clock;
  readonly hybridClock: HybridClock;
  readonly counters: Counters;
  readonly topology: () => Topology;
}

export function serveTogether(service: PeerService, parts: Parts): void {
  service.onCall(calls.putTogether, (_, payload, reply, layoutVersion) => {
    const { keyspace, records } = parsePutTogether(payload);
    const answer = (code: number) => reply(null, Buffer.from([code]));
    const topology = parts.topology();
    const state = topology.keyspaces.get(keyspace);
    if (state === undefined) {
      answer(status.unknownKeyspace);
      return;
    }
    const addresses = records.map(({ key }) => addressOf(keyspace, key));
    const isMine = addresses.every(({ tokenHigh }) => state.takes(partitionOf(tokenHigh)));
    if (isFromBefore(topology, layoutVersion) || !isMine) {
      answer(status.noReplica);
      return;
    }
    for (const { record } of records) {
      // Throws for one that is malformed, before any is taken.
      parts.hybridClock.observe(summarise(record).newestTimestamp, parts.clock.nowMs());
    }
    parts.counters.replicaPuts += records.length;
    const { conflicts, durability } = state.settings;
    const newestOnly = conflicts === 'last-write-wins';
    parts.records.changeTogether(addresses, durability, {
      transform: (current) => records.map(({ record }, index) => joined(current[index], record, newestOnly)),
      onApplied() {},
      onDurable: () => answer(status.ok),
      onRefused: (error) => answer(statusOf(error)),
      onFailed: (error) => answer(statusOf(error)),
    });
  });
}
