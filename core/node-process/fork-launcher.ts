/** Node processes by child_process.fork: the headless way. */
import { fork } from 'node:child_process';
import type { FromNode, NodeLauncher, NodeProcess, ToNode } from './messages.ts';

export class ForkLauncher implements NodeLauncher {
  readonly #entry: string;

  /** `entry`: path of the bundled node process (dist/node.js). */
  constructor(entry: string) {
    this.#entry = entry;
  }

  launch(name: string): NodeProcess {
    // Detached: a Ctrl-C in the terminal reaches the host alone, which then drains its nodes in order.
    const child = fork(this.#entry, [name], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, COTERIE_NODE: name },
    });
    let lastWords = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-2_000);
    });
    return {
      pid: child.pid ?? null,
      send(message: ToNode) {
        if (child.connected) child.send(message, () => {});
      },
      onMessage(handler: (message: FromNode) => void) {
        child.on('message', (message) => handler(message as FromNode));
      },
      onExit(handler) {
        let told = false;
        const tell = (cause: string) => {
          if (told) return;
          told = true;
          handler(cause);
        };
        child.once('error', (error) => tell(`The process could not be started: ${error.message}`));
        child.once('close', (code, signal) => {
          const words =
            lastWords.trim() === '' ? '' : ` ${lastWords.trim().split('\n').slice(-3).join(' | ')}`;
          tell(signal === null ? `It ended with code ${code}.${words}` : `It was ended by ${signal}.`);
        });
      },
      kill() {
        child.kill('SIGKILL');
      },
    };
  }
}
