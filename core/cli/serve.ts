/**
 * `coterie serve`: the headless computer. Prints one line when every node that can start takes clients; drains on SIGTERM
 * and SIGINT, whatever it is doing then.
 */
import { join, resolve } from 'node:path';
import { plainJson, plainLine, plainLines } from '../base/plain-text.ts';
import type { Snapshot } from '../contract/views.ts';
import { openComputer, readyWithinMs } from '../host/open-computer.ts';
import { ForkLauncher } from '../node-process/fork-launcher.ts';
import type { Log } from '../ports/log.ts';

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
  readonly clusterName: string;
  readonly readOnly: boolean;
  readonly json: boolean;
  /** Folder of the bundled program (dist). */
  readonly programFolder: string;
}

function nodesWanted(options: ServeOptions): Record<string, number> | null {
  if (options.dataCenters !== undefined) return options.dataCenters;
  return options.nodes === undefined ? null : { office: options.nodes };
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
    { launcher: new ForkLauncher(join(options.programFolder, 'node.js')), log },
    { ...options, folder: resolve(options.data), nodes: nodesWanted(options) },
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

  const { host, ui } = await opening;
  if (stopped !== null) return;
  try {
    await host.start(readyWithinMs);
  } catch (error) {
    if (stopped !== null) return;
    await stop(1);
    throw error;
  }
  if (stopped !== null) return;
  const { cluster, nodes } = host.snapshot();
  for (const { name, state, problem } of nodes) {
    if (state === 'failed') note(`${name} cannot start: ${problem}`);
    else if (state !== 'up') note(`${name} is not ready: ${problem ?? `it is ${state}`}`);
  }
  process.stdout.write(readyLine({ cluster, nodes, link: ui.loginLink() }, options.json));
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
