/** Starts membership in a node's process. */
import { toCoterieError } from '../base/errors.ts';
import { newestOf, nodesOf } from '../layout/history.ts';
import { lanSettings, oneComputerSettings } from '../membership/settings.ts';
import { MembershipDriver, type TimedEvent } from '../node/membership-driver.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import { systemRandom } from '../platform/system-random.ts';
import { UdpDatagrams } from '../platform/udp-datagrams.ts';
import type { Disk } from '../ports/disk.ts';
import type { Log } from '../ports/log.ts';
import { packetSealOf } from '../security/packet-seal.ts';
import type { Secrets } from '../security/secrets.ts';
import type { AddressBook } from './address-book.ts';
import type { HostChannel } from './host-channel.ts';
import type { LateLink } from './late-link.ts';
import type { NodeStart } from './messages.ts';

interface Surroundings {
  readonly channel: HostChannel;
  readonly book: AddressBook;
  readonly secrets: Secrets;
  readonly log: Log;
  readonly disk: Disk;
  readonly link: LateLink;
}

/** Membership on the UDP port of the peer listener's number, reporting every change to the host. */
export async function startMembership(
  around: Surroundings,
  message: NodeStart,
  port: number,
): Promise<{ membership: MembershipDriver; stopMembership: () => Promise<void> }> {
  const { channel, book, secrets, log, disk, link } = around;
  const { nodeId, peerHost, credentials } = message;
  const { layout } = newestOf(message);
  const udp = new UdpDatagrams({ host: peerHost, port });
  try {
    await udp.listen();
  } catch (error) {
    // Not worth refusing to start: the others still reach this node over TCP.
    log.warn('Membership has no UDP port.', { cause: toCoterieError(error, 'unavailable').message });
  }
  book.tell(nodeId, (peers) => udp.setPeers(peers));
  const profile = credentials === null ? oneComputerSettings : lanSettings;
  const membership = await MembershipDriver.start(
    {
      clock: systemClock,
      timers: systemTimers,
      disk,
      random: systemRandom,
      log,
      datagrams: udp,
      link,
      layouts: link,
      seal: packetSealOf(secrets, systemRandom),
    },
    { selfId: nodeId, clusterId: layout.clusterId, profile },
    [...nodesOf(message.live.map((one) => one.layout)).keys()],
  );
  let waiting: TimedEvent[] = [];
  membership.onEvent((event) => {
    waiting.push(event);
    if (waiting.length > 1) return;
    systemTimers.atTurnEnd(() => {
      channel.send({ type: 'membership', events: waiting, members: membership.members() });
      waiting = [];
    });
  });
  channel.send({ type: 'membership', events: [], members: membership.members() });
  const stopMembership = () => {
    membership.close();
    return udp.close();
  };
  return { membership, stopMembership };
}
