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
import { Admission } from './access/admission.ts';
import { createNewcomerHost, isToWait, type Outcome } from './computers/newcomer-host.ts';
import { createHost, type Host } from './create-host.ts';
import { defaultHotBytesMax, type HostSettings } from './host-settings.ts';
import { serveControl } from './servers/control-server.ts';
import { serveUi } from './servers/ui-server.ts';

export interface ComputerSettings extends Omit<HostSettings, 'host' | 'computerName' | 'hotBytesMax'> {
  readonly uiPort: number;
  readonly controlPort: number;
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
  /** Whether it is in no cluster yet. */
  readonly waits: boolean;
  loginLink(): string;
  /** Called when it has come into a cluster, with its host anew. The nodes are not started. */
  onMember(handler: (host: Host) => void): void;
  /** Ends the ways in, then drains the nodes; once, however often it is called. */
  stop(): Promise<void>;
}

/** A connection is taken from this computer alone. */
const loopback = '127.0.0.1';

export const defaultPorts = { ui: 7370, client: 7379, control: 7400, peer: 7410, computer: 7430 } as const;

/** An answer that is on its way leaves within that. */
const settleMs = 200;

/** How long the nodes may take to be ready before somebody should be told. */
export const readyWithinMs = 60_000;

/** Rejects, with nothing left behind, when a port or the data folder cannot be had. Does not start the nodes. */
export async function openComputer(components: Components, settings: ComputerSettings): Promise<Computer> {
  const { folder } = settings;
  const admission = new Admission({ clock: systemClock, timers: systemTimers });
  const whole: HostSettings = {
    ...settings,
    host: loopback,
    computerName: settings.computerName ?? plainLine(hostname()).slice(0, 63),
    hotBytesMax: defaultHotBytesMax,
  };
  const memberHost = (changes: Partial<HostSettings>) =>
    createHost(
      { ...components, clock: systemClock, timers: systemTimers, admission },
      { ...whole, ...changes },
    );
  let onMember = (_: Host) => {};
  let current: Opened | null = null;
  let ended = false;

  /** The ways in go with the host that they lead to, and keep their ports. */
  const open = async (
    host: Host,
    waits: boolean,
    ports: { ui: number; control: number },
  ): Promise<Opened> => {
    const ways = await openWays(components, settings, host, ports);
    return { host, waits, ...ways };
  };
  const become = async (outcome: Outcome) => {
    const before = current!;
    await before.close();
    await before.host.stop();
    const host = await memberHost(
      outcome.kind === 'create'
        ? { clusterName: outcome.name, nodes: { office: outcome.nodes } }
        : { nodes: null },
    );
    current = await open(host, false, before.ports);
    if (ended) await stopNow(current);
    else onMember(host);
  };
  let becoming: Promise<void> | null = null;
  const onOutcome = (outcome: Outcome) => {
    // What asked for it gets its answer first.
    systemTimers.after(settleMs, () => {
      becoming ??= become(outcome).catch((cause: Error) => {
        components.log.error('This computer could not take its place in the cluster. Start Coterie again.', {
          cause: cause.message,
        });
      });
    });
  };

  const waits = await isToWait(folder, settings.waits === true, systemClock.nowMs());
  const host = waits
    ? await createNewcomerHost(
        { clock: systemClock, timers: systemTimers, log: components.log, admission, onOutcome },
        whole,
      )
    : await memberHost({});
  try {
    current = await open(host, waits, { ui: settings.uiPort, control: settings.controlPort });
  } catch (error) {
    await host.stop();
    throw error;
  }
  return {
    get host() {
      return current!.host;
    },
    get waits() {
      return current!.waits;
    },
    loginLink: () => current!.loginLink(),
    onMember(handler) {
      onMember = handler;
    },
    async stop() {
      if (ended) return;
      ended = true;
      await becoming;
      await stopNow(current!);
    },
  };
}

interface Components {
  readonly launcher: NodeLauncher;
  readonly log: Log;
}

interface Ways {
  readonly ports: { readonly ui: number; readonly control: number };
  loginLink(): string;
  close(): Promise<void>;
}

interface Opened extends Ways {
  readonly host: Host;
  readonly waits: boolean;
}

async function stopNow({ host, close }: Opened): Promise<void> {
  await close();
  await host.stop();
}

async function openWays(
  { log }: Pick<Components, 'log'>,
  { folder, readOnly, programFolder }: ComputerSettings,
  host: Host,
  ports: Ways['ports'],
): Promise<Ways> {
  const around = { host, clock: systemClock, timers: systemTimers, log };
  const ui = await serveUi(
    { ...around, random: systemRandom },
    { host: loopback, port: ports.ui, rendererFolder: join(programFolder, 'renderer'), readOnly },
  );
  try {
    const control = await serveControl(
      { ...around, loginLink: () => ui.loginLink() },
      { folder, host: loopback, port: ports.control },
    );
    return {
      ports: { ui: Number(new URL(ui.url).port), control: control.port },
      loginLink: () => ui.loginLink(),
      async close() {
        await control.close();
        await ui.close();
      },
    };
  } catch (error) {
    await ui.close();
    throw error;
  }
}
