/**
 * This computer's part of the cluster inside the desktop app: the host with its nodes as utility processes, and the same
 * ways in that `coterie serve` offers, so that the command line, HTTP and metrics work while the app runs.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { defaultDataFolder } from '../core/cli/paths.ts';
import { serveControl } from '../core/host/control-server.ts';
import { createHost, defaultHotBytesMax, type Host } from '../core/host/create-host.ts';
import { serveUi } from '../core/host/ui-server.ts';
import { systemClock, systemTimers } from '../core/platform/system-clock.ts';
import type { Log } from '../core/ports/log.ts';
import type { Ports } from './start-problem.ts';
import { UtilityLauncher } from './utility-launcher.ts';

const loopback = '127.0.0.1';
const readyWithinMs = 60_000;

export interface Running {
  readonly host: Host;
  /** Ends the ways in, then drains the nodes. */
  stop(): Promise<void>;
}

function portFrom(variable: string, usual: number): number {
  const text = process.env[variable];
  return text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : usual;
}

/** The usual ports unless the environment names others; 0 is any free one. */
export function wantedPorts(): Ports {
  return {
    client: portFrom('COTERIE_CLIENT_PORT', 7379),
    ui: portFrom('COTERIE_UI_PORT', 7370),
    control: portFrom('COTERIE_CONTROL_PORT', 7400),
    peer: portFrom('COTERIE_PEER_PORT', 7410),
  };
}

/** Rejects, with nothing left behind, when a port or the data folder cannot be had. Does not wait for the nodes. */
export async function startCluster(
  components: { log: Log },
  settings: { programFolder: string; ports: Ports },
): Promise<Running> {
  const { log } = components;
  const { programFolder, ports } = settings;
  const folder = defaultDataFolder();
  const host = await createHost(
    {
      launcher: new UtilityLauncher(join(programFolder, 'node.js')),
      clock: systemClock,
      timers: systemTimers,
      log,
    },
    {
      folder,
      nodes: null,
      host: loopback,
      clientPort: ports.client,
      peerPort: ports.peer,
      clusterName: 'My cluster',
      computerName: hostname(),
      readOnly: false,
      hotBytesMax: defaultHotBytesMax,
    },
  );
  const closers: (() => Promise<void>)[] = [() => host.stop()];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const ui = await serveUi(
      { host, clock: systemClock },
      { host: loopback, port: ports.ui, rendererFolder: join(programFolder, 'renderer'), readOnly: false },
    );
    closers.push(() => ui.close());
    const control = await serveControl(
      { host, loginLink: () => ui.loginLink() },
      { folder, host: loopback, port: ports.control },
    );
    closers.push(() => control.close());
  } catch (error) {
    await stop();
    throw error;
  }
  // The page shows each node as it comes; nobody waits for the last one.
  host.start(readyWithinMs).catch((error: Error) => log.warn(error.message));
  return { host, stop };
}
