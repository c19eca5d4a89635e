/**
 * This computer's part of the cluster inside the desktop app: the host with its nodes as utility processes, and the same
 * ways in that `coterie serve` offers, so that the command line, HTTP and metrics work while the app runs.
 */
import { join } from 'node:path';
import { defaultDataFolder } from '../core/cli/paths.ts';
import { type Computer, defaultPorts, openComputer, readyWithinMs } from '../core/host/open-computer.ts';
import type { Log } from '../core/ports/log.ts';
import type { KeyStore } from '../core/ports/secret-box.ts';
import type { Ports } from './start-problem.ts';
import { UtilityLauncher } from './utility-launcher.ts';

function portFrom(variable: string, usual: number): number {
  const text = process.env[variable];
  return text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : usual;
}

/** The usual ports unless the environment names others; 0 is any free one. */
export function wantedPorts(): Ports {
  return {
    client: portFrom('COTERIE_CLIENT_PORT', defaultPorts.client),
    ui: portFrom('COTERIE_UI_PORT', defaultPorts.ui),
    control: portFrom('COTERIE_CONTROL_PORT', defaultPorts.control),
    peer: portFrom('COTERIE_PEER_PORT', defaultPorts.peer),
  };
}

/** Rejects, with nothing left behind, when a port or the data folder cannot be had. Does not wait for the nodes. */
export async function startCluster(
  components: { log: Log; keyStore: KeyStore },
  settings: { programFolder: string; ports: Ports; waits: boolean },
): Promise<Computer> {
  const { log, keyStore } = components;
  const { programFolder, ports, waits } = settings;
  const computer = await openComputer(
    { launcher: new UtilityLauncher(join(programFolder, 'node.js')), log, keyStore },
    {
      folder: defaultDataFolder(),
      programFolder,
      waits,
      nodes: null,
      clusterName: 'My cluster',
      readOnly: false,
      clientPort: ports.client,
      peerPort: ports.peer,
      uiPort: ports.ui,
      controlPort: ports.control,
      computerPort: defaultPorts.computer,
    },
  );
  // The page shows each node as it comes; nobody waits for the last one.
  const start = () => computer.host.start(readyWithinMs).catch((error: Error) => log.warn(error.message));
  computer.onMember(start);
  void start();
  return computer;
}
