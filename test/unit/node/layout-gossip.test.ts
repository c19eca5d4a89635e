/** What a node does about what packets of membership say of layouts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { historyOf } from '../../../core/layout/history.ts';
import { LayoutGossip } from '../../../core/node/layout-gossip.ts';
import type { NodeLayouts } from '../../../core/node/node-layouts.ts';
import { silentLog } from '../../../core/ports/log.ts';
import type { PeerNetwork } from '../../../core/ports/peer-network.ts';
import type { PeerService } from '../../../core/replication/replica/peer-service.ts';
import type { Requests } from '../../../core/replication/requests.ts';
import { layoutMarkOf, noLayout } from '../../../core/wire/membership/packet-codec.ts';
import { layoutOf } from '../../support/layouts.ts';

const layout = layoutOf({ here: 3 });
const mine = historyOf([{ layout, digest: 'mine' }]);
let asked: number[];
let failures: (() => void)[];
let unreachable: Set<number>;
let gossip: LayoutGossip;

beforeEach(() => {
  asked = [];
  failures = [];
  unreachable = new Set();
  const requests = {
    send([peer]: number[], { onFailure }: { onFailure(peer: number): void }) {
      asked.push(peer);
      failures.push(() => onFailure(peer));
    },
  };
  gossip = new LayoutGossip({
    layouts: { history: mine, keptHistory: mine } as NodeLayouts,
    network: { isUp: (peer: number) => !unreachable.has(peer), onChange() {} } as unknown as PeerNetwork,
    requests: requests as unknown as Requests,
    service: { onCall() {} } as unknown as PeerService,
    log: silentLog,
  });
});

describe('a node that hears of another layout', () => {
  it('asks who said so, whichever of the two is behind', () => {
    gossip.heard(2, layoutMarkOf(layout.version + 1, 'newer'));
    gossip.heard(3, layoutMarkOf(layout.version, 'theirs'));
    expect(asked).toEqual([2, 3]);
  });

  it('asks once, however many packets say so before there is an answer', () => {
    const newer = layoutMarkOf(layout.version + 1, 'newer');
    for (let packet = 0; packet < 5; packet++) gossip.heard(2, newer);
    expect(asked).toEqual([2]);
    failures[0]();
    gossip.heard(2, newer);
    expect(asked).toEqual([2, 2]);
  });

  it('asks nobody about its own, about none at all, and nobody whom it cannot reach', () => {
    gossip.heard(2, gossip.own());
    gossip.heard(2, noLayout);
    unreachable.add(3);
    gossip.heard(3, layoutMarkOf(9, 'newer'));
    expect(asked).toEqual([]);
  });
});
