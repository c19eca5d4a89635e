/** What this host knows of its computer, for `coterie doctor`: versions, clocks, and the ports that it listens on. */
import { plainLine } from '../../base/plain-text.ts';
import { productVersion } from '../../base/version.ts';
import type { Checkup, UsedPort } from '../../contract/checkup-views.ts';
import { discoveryPort } from '../../platform/lan-sockets.ts';
import { protocolOldest, protocolVersion } from '../../wire/peer/frames.ts';
import type { HostActions } from '../api-handlers.ts';
import { isLoopback } from '../computers/known-places.ts';
import { networkPortFor } from '../ports.ts';
import type { ClockWatch } from './clock-watch.ts';

const own = {
  version: productVersion,
  runtime: `Node ${process.versions.node}`,
  protocol: { newest: protocolVersion, oldest: protocolOldest },
};

/** Where this computer takes connections from others. */
export function computerPorts(port: number, listen: string | null): UsedPort[] {
  const reachedFrom = listen === null || isLoopback(listen) ? 'here' : 'computers';
  const found = { protocol: 'udp', port: discoveryPort, use: 'finding computers' } as const;
  return [
    { protocol: 'tcp', port, use: 'between computers', reachedFrom },
    ...(reachedFrom === 'here' ? [] : [{ ...found, reachedFrom: 'network' as const }]),
  ];
}

/** Of one that is in no cluster. */
export function checkupAlone(clock: ClockWatch, ports: readonly UsedPort[]): Checkup {
  return { ...own, layoutVersion: null, clockJump: clock.last, ports: [...ports], others: [] };
}

type Around = Pick<
  HostActions,
  'admission' | 'lan' | 'layouts' | 'network' | 'nodes' | 'ownComputers' | 'settings' | 'clock'
>;

export function checkupOf(host: Around): Checkup {
  const { lan, layouts, ownComputers } = host;
  const { present } = layouts;
  const states = new Map(lan?.computers.views().map(({ id, state }) => [id, state]));
  const nothing = { version: null, layoutVersion: null, clockAheadMs: null };
  return {
    ...own,
    layoutVersion: present.version,
    clockJump: host.clock.last,
    ports: [...programPorts(host), ...nodePorts(host)],
    others: present.computers
      .filter(({ id }) => !ownComputers.has(id))
      .map(({ id, name }) => ({
        computer: plainLine(name),
        state: states.get(id) ?? 'away',
        ...(lan?.computers.told(id) ?? nothing),
      })),
  };
}

function programPorts({ admission, lan, network, settings }: Around): UsedPort[] {
  const app = Number(new URL(admission.httpUrl).port);
  const ports: UsedPort[] = [
    { protocol: 'tcp', port: app, use: 'the app, HTTP, metrics', reachedFrom: 'here' },
  ];
  if (network !== null) {
    ports.push({ protocol: 'tcp', port: networkPortFor(app), use: 'HTTP over TLS', reachedFrom: 'network' });
  }
  return lan === null ? ports : [...ports, ...computerPorts(lan.port, settings.listen)];
}

function nodePorts({ nodes, settings }: Around): UsedPort[] {
  const { listen } = settings;
  const reachedFrom = listen === null || isLoopback(listen) ? 'here' : 'computers';
  return [...nodes].flatMap((local): UsedPort[] => {
    const { clientPort, peerPort, networkPort } = local.status();
    const { name } = local.node;
    const ports: UsedPort[] = [];
    if (clientPort) {
      ports.push({ protocol: 'tcp', port: clientPort, use: `Redis clients of ${name}`, reachedFrom: 'here' });
    }
    if (peerPort) {
      const use = `between nodes, ${name}`;
      ports.push({ protocol: 'tcp', port: peerPort, use, reachedFrom });
      ports.push({ protocol: 'udp', port: peerPort, use, reachedFrom });
    }
    if (networkPort) {
      const use = `Redis clients over TLS of ${name}`;
      ports.push({ protocol: 'tcp', port: networkPort, use, reachedFrom: 'network' });
    }
    return ports;
  });
}
