/**
 * `coterie serve`: the headless computer. Prints one line when every node that can start takes clients; drains on SIGTERM
 * and SIGINT, whatever it is doing then.
 */
import { join, resolve } from 'node:path';
import { CoterieError } from '../base/errors.ts';
import { plainJson, plainLine, plainLines } from '../base/plain-text.ts';
import type { Snapshot } from '../contract/views.ts';
import { isLoopback } from '../host/computers/known-places.ts';
import { openComputer, readyWithinMs } from '../host/open-computer.ts';
import { ForkLauncher } from '../node-process/fork-launcher.ts';
import { addressesIn, presentInterfaces } from '../platform/interfaces.ts';
import type { Log } from '../ports/log.ts';

/** Locking here what the app could then open, and this could not, would help nobody. */
const keyStore = { box: null, whyNone: 'Only the Coterie app can use it, not coterie serve.' } as const;

/** After the end in order. */
const exitWithinMs = 2_000;

export interface ServeOptions {
  readonly data: string;
  readonly nodes?: number;
  readonly dataCenters?: Record<string, number>;
  readonly uiPort: number;
  readonly clientPort: number;
  readonly controlPort: number;
  readonly peerPort: number;
  readonly computerPort: number;
  /** An address, the name of an interface, or `lan` for all of them; absent: no other computer can connect. */
  readonly listen?: string;
  readonly computerName?: string;
  /** Where this computer goes. */
  readonly dataCenter?: string;
  /** Wait for a cluster, if there is none in the folder. */
  readonly waits: boolean;
  readonly clusterName: string;
  readonly readOnly: boolean;
  readonly allowOrigins?: readonly string[];
  readonly json: boolean;
  /** Folder of the bundled program (dist). */
  readonly programFolder: string;
}

function nodesWanted(options: ServeOptions): Record<string, number> | null {
  if (options.dataCenters !== undefined) return options.dataCenters;
  const dataCenter = options.dataCenter ?? 'office';
  if (options.nodes !== undefined) return { [dataCenter]: options.nodes };
  return options.dataCenter === undefined ? null : { [dataCenter]: 3 };
}

export async function serve(options: ServeOptions): Promise<void> {
  const log: Log = {
    info: (message) => note(message),
    warn: (message, facts) => note(`${message}${facts === undefined ? '' : ` ${JSON.stringify(facts)}`}`),
    error: (message, facts) => note(`${message}${facts === undefined ? '' : ` ${JSON.stringify(facts)}`}`),
  };
  // Standard output carries the ready line alone, so that programs can read it.
  const note = (message: string) =>
    process.stderr.write(`${new Date().toISOString()} ${plainLine(message)}\n`);

  const opening = openComputer(
    { launcher: new ForkLauncher(join(options.programFolder, 'node.js')), log, keyStore },
    {
      ...options,
      folder: resolve(options.data),
      nodes: nodesWanted(options),
      listen: options.listen === undefined ? undefined : listenAddress(options.listen),
    },
  );
  let stopped: Promise<void> | null = null;
  const stop = (code: number): Promise<void> => {
    stopped ??= (async () => {
      process.exitCode = code;
      const computer = await opening.catch(() => null);
      await computer?.stop();
      // Nothing should be left that keeps the process; whatever is must not.
      setTimeout(() => process.exit(), exitWithinMs).unref();
    })();
    return stopped;
  };
  const onSignal = () => {
    stop(0).catch((error: Error) => {
      note(`Coterie did not stop in order: ${error.message}`);
      process.exit(1);
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Started by a program that has gone (npm start).
  process.on('disconnect', onSignal);

  const computer = await opening;
  if (stopped !== null) return;
  const start = async () => {
    try {
      await computer.host.start(readyWithinMs);
    } catch (error) {
      if (stopped !== null) return;
      await stop(1);
      throw error;
    }
  };
  // It came into a cluster, or was opened anew.
  computer.onMember(() => {
    start().then(
      () => note('This computer has taken its place in the cluster.'),
      (error: Error) => note(error.message),
    );
  });
  if (computer.waits) {
    process.stdout.write(waitingLine(computer.loginLink(), options.json));
    return;
  }
  await start();
  if (stopped !== null) return;
  const { cluster, nodes } = computer.host.snapshot();
  for (const { name, state, problem } of nodes) {
    if (state === 'failed') note(`${name} cannot start: ${problem}`);
    else if (state !== 'up') note(`${name} is not ready: ${problem ?? `it is ${state}`}`);
  }
  process.stdout.write(readyLine({ cluster, nodes, link: computer.loginLink() }, options.json));
}

/** Throws `bad-input` for what is no address of this computer. */
function listenAddress(wanted: string): string {
  if (wanted === 'lan') return '0.0.0.0';
  const interfaces = presentInterfaces();
  const named = interfaces[wanted]?.find(({ family }) => family === 'IPv4')?.address;
  if (named !== undefined) return named;
  const own = addressesIn(interfaces).map(({ address }) => address);
  if (own.includes(wanted) || wanted === '0.0.0.0' || isLoopback(wanted)) return wanted;
  throw new CoterieError(
    'bad-input',
    `"${plainLine(wanted)}" is neither an address nor a network interface of this computer. It has: ${Object.keys(interfaces).join(', ')}. For all of them: --listen lan`,
  );
}

function waitingLine(link: string, json: boolean): string {
  if (json) return `${plainJson(JSON.stringify({ ready: true, cluster: null, ui: link, nodes: [] }))}\n`;
  return plainLines(
    `Coterie waits for a cluster. Join one with: coterie join CODE\nOpen the app (works once, for ten minutes): ${link}\n`,
  );
}

function readyLine(
  { cluster, nodes, link }: Pick<Snapshot, 'cluster' | 'nodes'> & { link: string },
  json: boolean,
): string {
  if (json) {
    const ready = {
      ready: true,
      cluster: { id: cluster.id, name: cluster.name },
      ui: link,
      nodes: nodes.map(({ name, id, dataCenter, client, state, pid, problem }) => ({
        name,
        id,
        dataCenter,
        client,
        state,
        pid,
        problem,
      })),
    };
    return `${plainJson(JSON.stringify(ready))}\n`;
  }
  const running = nodes.filter(({ state }) => state === 'up');
  const some = running.length < nodes.length ? ` with ${running.length} of ${nodes.length} nodes` : '';
  const clients = running.map((node) => `${node.name} ${node.client}`).join(', ');
  return plainLines(
    `Coterie is ready${some}: ${clients}\nOpen the app (works once, for ten minutes): ${link}\n`,
  );
}
