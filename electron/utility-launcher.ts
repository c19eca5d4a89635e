/** Node processes as Electron utility processes: the desktop way. The same program as headless, another launcher. */
import { utilityProcess } from 'electron';
import type { FromNode, NodeLauncher, NodeProcess, ToNode } from '../core/node-process/messages.ts';

export class UtilityLauncher implements NodeLauncher {
  readonly #entry: string;

  /** `entry`: path of the bundled node process (dist/node.js). */
  constructor(entry: string) {
    this.#entry = entry;
  }

  launch(name: string): NodeProcess {
    const child = utilityProcess.fork(this.#entry, [name], { serviceName: `Coterie ${name}`, stdio: 'pipe' });
    let lastWords = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-2_000);
    });
    // An unread pipe would stop the child once it is full.
    child.stdout?.resume();
    return {
      /** Null until the process has been spawned. */
      get pid() {
        return child.pid ?? null;
      },
      send: (message: ToNode) => child.postMessage(message),
      onMessage: (handler: (message: FromNode) => void) => {
        child.on('message', (message: FromNode) => handler(message));
      },
      onExit: (handler) => {
        child.once('exit', (code) => {
          const words =
            lastWords.trim() === '' ? '' : ` ${lastWords.trim().split('\n').slice(-3).join(' | ')}`;
          handler(`It ended with code ${code}.${words}`);
        });
      },
      kill: () => {
        // Electron's own kill() asks politely; a node that hangs would not hear it. No id: not spawned yet, or gone.
        const { pid } = child;
        try {
          if (pid === undefined) child.kill();
          else process.kill(pid, 'SIGKILL');
        } catch {
          // Ended by itself in this moment: its exit is on the way.
        }
      },
    };
  }
}
