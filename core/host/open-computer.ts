/**
 * A computer's part of the cluster with all its ways in: the host, the app in the browser with HTTP, and the command line.
 * The desktop app and `coterie serve` both open it here, so neither can be reached in a way that the other cannot.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { plainLine } from '../base/plain-text.ts';
import type { NodeLauncher } from '../node-process/messages.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import { systemRandom } from '../platform/system-random.ts';
import type { Log } from '../ports/log.ts';
import { createHost, type Host } from './create-host.ts';
import { defaultHotBytesMax, type HostSettings } from './host-settings.ts';
import { serveControl } from './servers/control-server.ts';
import { serveUi, type UiServer } from './servers/ui-server.ts';

export interface ComputerSettings extends Omit<HostSettings, 'host' | 'computerName' | 'hotBytesMax'> {
  readonly uiPort: number;
  readonly controlPort: number;
  /** Folder of the bundled program (dist). */
  readonly programFolder: string;
}

export interface Computer {
  readonly host: Host;
  readonly ui: UiServer;
  /** Ends the ways in, then drains the nodes; once, however often it is called. */
  stop(): Promise<void>;
}

/** A connection is taken from this computer alone. */
const loopback = '127.0.0.1';

export const defaultPorts = { ui: 7370, client: 7379, control: 7400, peer: 7410 } as const;

/** How long the nodes may take to be ready before somebody should be told. */
export const readyWithinMs = 60_000;

/** Rejects, with nothing left behind, when a port or the data folder cannot be had. Does not start the nodes. */
export async function openComputer(
  components: { launcher: NodeLauncher; log: Log },
  settings: ComputerSettings,
): Promise<Computer> {
  const { folder, readOnly, programFolder, uiPort, controlPort } = settings;
  const host = await createHost(
    { ...components, clock: systemClock, timers: systemTimers },
    {
      ...settings,
      host: loopback,
      computerName: plainLine(hostname()).slice(0, 63),
      hotBytesMax: defaultHotBytesMax,
    },
  );
  const closers: (() => Promise<void>)[] = [() => host.stop()];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const ui = await serveUi(
      { host, clock: systemClock, timers: systemTimers, random: systemRandom, log: components.log },
      { host: loopback, port: uiPort, rendererFolder: join(programFolder, 'renderer'), readOnly },
    );
    closers.push(() => ui.close());
    const control = await serveControl(
      {
        host,
        loginLink: () => ui.loginLink(),
        clock: systemClock,
        timers: systemTimers,
        log: components.log,
      },
      { folder, host: loopback, port: controlPort },
    );
    closers.push(() => control.close());
    return { host, ui, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
