/**
 * A computer's part of the cluster with all its ways in: the host, the app in the browser with HTTP, and the command line.
 * The desktop app and `coterie serve` both open it here, so neither can be reached in a way that the other cannot.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { plainLine } from '../base/plain-text.ts';
import type { NodeLauncher } from '../node-process/messages.ts';
import { NodeDisk } from '../platform/node-disk.ts';
import { systemClock, systemTimers } from '../platform/system-clock.ts';
import { systemRandom } from '../platform/system-random.ts';
import type { Log } from '../ports/log.ts';
import type { KeyStore } from '../ports/secret-box.ts';
import { Admission } from './access/admission.ts';
import type { HostActions } from './api-handlers.ts';
import { keepNetworkChoice, readNetworkChoice } from './computers/network-choice.ts';
import { createNewcomerHost, isToWait } from './computers/newcomer-host.ts';
import { createHost, type Host } from './create-host.ts';
import { defaultHotBytesMax, type HostSettings } from './host-settings.ts';
import { HostSlot } from './host-slot.ts';
import { networkPortFor } from './ports.ts';
import { serveControl } from './servers/control-server.ts';
import { type NetworkServer, serveNetwork } from './servers/network-server.ts';
import { serveUi } from './servers/ui-server.ts';

export interface ComputerSettings
  extends Omit<
    HostSettings,
    'host' | 'listen' | 'clientsOpen' | 'clientInterfaces' | 'computerName' | 'hotBytesMax'
  > {
  /** As HostSettings has it; absent: as a person chose in the app. */
  readonly listen?: string;
  readonly uiPort: number;
  readonly controlPort: number;
  /** Origins of web pages that may use keys over HTTP on this computer; absent: none. */
  readonly allowOrigins?: readonly string[];
  /** Absent: what the system calls this computer. */
  readonly computerName?: string;
  /** A folder without a cluster stays without one until a person makes one here, or it is let into one. */
  readonly waits?: boolean;
  /** Folder of the bundled program (dist). */
  readonly programFolder: string;
}

export interface Computer {
  /** Of the cluster; of a computer that waits for one, what can be asked of it meanwhile. */
  readonly host: Host;
  /** Whether it was in no cluster when it was opened. */
  readonly waits: boolean;
  loginLink(): string;
  /** Called when it has come into a cluster, or was opened anew with other settings. The nodes are not started. */
  onMember(handler: () => void): void;
  /** Ends the ways in, then drains the nodes; once, however often it is called. */
  stop(): Promise<void>;
}

/** A connection is taken from this computer alone. */
const loopback = '127.0.0.1';
const everyAddress = '0.0.0.0';

export const defaultPorts = { ui: 7370, client: 7379, control: 7400, peer: 7410, computer: 7430 } as const;

/** An answer that is on its way leaves within that. */
const settleMs = 200;

/** How long the nodes may take to be ready before somebody should be told. */
export const readyWithinMs = 60_000;

/** Rejects, with nothing left behind, when a port or the data folder cannot be had. Does not start the nodes. */
export async function openComputer(components: Components, settings: ComputerSettings): Promise<Computer> {
  const { folder } = settings;
  const { log } = components;
  const around = { clock: systemClock, timers: systemTimers, log };
  const admission = new Admission(around);
  const waits = await isToWait(folder, settings.waits === true, systemClock.nowMs());
  const disk = new NodeDisk(folder);
  const chosen = await readNetworkChoice(disk);
  let present: HostSettings = {
    ...settings,
    listen: settings.listen ?? chosen.listen ?? (waits ? everyAddress : null),
    clientsOpen: chosen.clientsOpen,
    clientInterfaces: chosen.clientInterfaces,
    host: loopback,
    computerName: settings.computerName ?? plainLine(hostname()).slice(0, 63),
    hotBytesMax: defaultHotBytesMax,
  };
  const memberHost = () => createHost({ ...components, ...around, admission, onNetwork }, present);
  const onNetwork: HostActions['choose'] = async ({ listens = present.listen !== null, ...clients }) => {
    const listen = listens ? (present.listen ?? everyAddress) : null;
    await keepNetworkChoice(disk, { ...present, ...clients, listen });
    becomeSoon({ ...clients, listen });
  };
  let onMember = () => {};
  let becoming = Promise.resolve();
  let ended = false;

  /** The ways in go with the host that they lead to, and keep their ports. */
  const become = async (changes: Partial<HostSettings>) => {
    if (ended) return;
    await ways.close();
    await host.stop();
    present = { ...present, nodes: null, ...changes };
    await keepNetworkChoice(disk, present);
    const next = await memberHost();
    host.replace(next);
    ways = await openWays(log, settings, next, ways.ports);
    onMember();
  };
  const becomeSoon = (changes: Partial<HostSettings>) => {
    // What asked for it gets its answer first.
    systemTimers.after(settleMs, () => {
      becoming = becoming
        .then(() => become(changes))
        .catch(({ message }: Error) => {
          log.error('This computer could not take its new place. Start Coterie again.', { cause: message });
        });
    });
  };

  const host = new HostSlot(
    waits
      ? await createNewcomerHost(
          {
            ...{ ...components, ...around, admission, onJoined: () => becomeSoon({ nodes: null }) },
            // It was there to be found; a cluster of its own takes others once a person says so.
            onCreate: (wish) => becomeSoon({ ...wish, listen: settings.listen ?? null }),
          },
          present,
        )
      : await memberHost(),
  );
  let ways: Ways;
  try {
    // The next start need not be told again: the others count on this computer from now on.
    if (settings.listen !== undefined) await keepNetworkChoice(disk, present);
    ways = await openWays(log, settings, host, { ui: settings.uiPort, control: settings.controlPort });
  } catch (error) {
    await host.stop();
    throw error;
  }
  return {
    ...{ host, waits },
    loginLink: () => ways.loginLink(),
    onMember(handler) {
      onMember = handler;
    },
    async stop() {
      if (ended) return;
      ended = true;
      await becoming;
      await ways.close();
      await host.stop();
    },
  };
}

interface Components {
  readonly launcher: NodeLauncher;
  readonly log: Log;
  readonly keyStore: KeyStore;
}

interface Ways {
  readonly ports: { readonly ui: number; readonly control: number };
  loginLink(): string;
  close(): Promise<void>;
}

async function openWays(
  log: Log,
  { folder, readOnly, programFolder, allowOrigins = [] }: ComputerSettings,
  host: Host,
  ports: Ways['ports'],
): Promise<Ways> {
  const around = { host, clock: systemClock, timers: systemTimers, log };
  const ui = await serveUi(
    { ...around, random: systemRandom },
    {
      ...{ host: loopback, port: ports.ui, readOnly, allowOrigins },
      rendererFolder: join(programFolder, 'renderer'),
    },
  );
  const port = Number(new URL(ui.url).port);
  let network: NetworkServer | null = null;
  try {
    if (host.network !== null) {
      network = await serveNetwork(
        { ...around, random: systemRandom, network: host.network },
        { port: networkPortFor(port), readOnly },
      );
    }
    const control = await serveControl(
      { ...around, loginLink: () => ui.loginLink() },
      { folder, host: loopback, port: ports.control },
    );
    return {
      ports: { ui: port, control: control.port },
      loginLink: () => ui.loginLink(),
      async close() {
        await control.close();
        await network?.close();
        await ui.close();
      },
    };
  } catch (error) {
    await network?.close();
    await ui.close();
    throw error;
  }
}
