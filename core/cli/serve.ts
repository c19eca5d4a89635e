/** `coterie serve`: the headless computer. Prints one line when every node takes clients; drains on SIGTERM and SIGINT. */
import { join, resolve } from 'node:path';
import { CoterieError } from '../base/errors.ts';
import { ForkLauncher } from '../host/fork-launcher.ts';
import { openComputer, readyWithinMs } from '../host/open-computer.ts';
import type { Log } from '../ports/log.ts';

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
  const note = (message: string) => process.stderr.write(`${new Date().toISOString()} ${message}\n`);

  const opening = openComputer(
    { launcher: new ForkLauncher(join(options.programFolder, 'node.js')), log },
    { ...options, folder: resolve(options.data), nodes: nodesWanted(options) },
  );
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    process.exitCode = code;
    await (await opening).stop();
  };
  process.on('SIGTERM', () => void stop(0));
  process.on('SIGINT', () => void stop(0));

  const { host, ui } = await opening;
  try {
    await host.start(readyWithinMs);
    const { cluster, nodes } = host.snapshot();
    const link = ui.loginLink();
    if (options.json) {
      const ready = {
        ready: true,
        cluster: { id: cluster.id, name: cluster.name },
        ui: link,
        nodes: nodes.map(({ name, id, dataCenter, client, state, pid }) => ({
          name,
          id,
          dataCenter,
          client,
          state,
          pid,
        })),
      };
      process.stdout.write(`${JSON.stringify(ready)}\n`);
    } else {
      const clients = nodes.map((node) => `${node.name} ${node.client}`).join(', ');
      process.stdout.write(
        `Coterie is ready: ${clients}\nOpen the app (works once, for ten minutes): ${link}\n`,
      );
    }
  } catch (error) {
    await stop(1);
    throw error instanceof CoterieError ? error : new CoterieError('not-ready', (error as Error).message);
  }
}
