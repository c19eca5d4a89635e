/** What attacks on real processes need: raw connections by the dozen, the memory of a process, and how others fare meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { Redis } from 'ioredis';

export const mebibyte = 1_048_576;

/** Resident memory of a process, and the most that it was since `forgetPeak`. */
export function memoryOf(pid: number): { bytes: number; peakBytes: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+([0-9]+) kB`, 'm').exec(text)![1]);
  return { bytes: kibibytes('VmRSS') * 1024, peakBytes: kibibytes('VmHWM') * 1024 };
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Connections that do what they are told, and whatever happens to them is no error. */
export class Intruder {
  readonly port: number;
  readonly sockets: Socket[] = [];

  constructor(port: number) {
    this.port = port;
  }

  async connect(count: number): Promise<Socket[]> {
    const made = await Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<Socket>((resolve) => {
            const socket = createConnection({ host: '127.0.0.1', port: this.port, noDelay: true });
            socket.on('error', () => resolve(socket));
            socket.once('connect', () => resolve(socket));
            this.sockets.push(socket);
          }),
      ),
    );
    return made;
  }

  /** Never more than a little waits in this process: the node is to be filled, not the test. */
  async pour(socket: Socket, chunk: Buffer, times: number, untilMs: number): Promise<void> {
    for (let index = 0; index < times && !socket.destroyed && Date.now() < untilMs; index++) {
      if (socket.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          socket.off('drain', done);
          socket.off('close', done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, untilMs - Date.now()));
        socket.once('drain', done);
        socket.once('close', done);
      });
      if (socket.writableLength > 4 * mebibyte) return;
    }
  }

  get openCount(): number {
    return this.sockets.filter((socket) => !socket.destroyed).length;
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.length = 0;
  }
}

/** Another client, which writes a key and reads it, again and again. */
export class Bystander {
  readonly #client: Redis;
  readonly #latencies: number[] = [];
  readonly failures: string[] = [];
  readonly acknowledged = new Map<string, string>();
  #stopped = false;
  #running: Promise<void>;

  constructor(port: number) {
    this.#client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, commandTimeout: 20_000 });
    this.#client.on('error', (error) => this.failures.push(error.message));
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const key = `bystander:${count % 1_000}`;
      const startedMs = performance.now();
      try {
        await this.#client.set(key, String(count));
        this.acknowledged.set(key, String(count));
        if ((await this.#client.get(key)) !== String(count))
          this.failures.push(`${key} is not what was written`);
      } catch (error) {
        this.failures.push((error as Error).message);
      }
      this.#latencies.push(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends, and says how it went: milliseconds for a write and a read. */
  async stop(): Promise<{ count: number; p99Ms: number; maxMs: number }> {
    this.#stopped = true;
    await this.#running;
    this.#client.disconnect();
    const sorted = this.#latencies.sort((a, b) => a - b);
    return {
      count: sorted.length,
      p99Ms: sorted[Math.floor((sorted.length - 1) * 0.99)],
      maxMs: sorted[sorted.length - 1],
    };
  }
}

/** What was acknowledged and is not there any more, or not as `isIt` expects it; with what was found instead. */
export async function lostAt(
  port: number,
  acknowledged: ReadonlyMap<string, string>,
  isIt = (found: string | null, written: string | undefined) => found === written,
): Promise<string[]> {
  const client = new Redis({ host: '127.0.0.1', port });
  const keys = [...acknowledged.keys()];
  const values = keys.length === 0 ? [] : await client.mget(keys);
  client.disconnect();
  return keys.flatMap((key, index) => {
    const [found, written] = [values[index], acknowledged.get(key)];
    return isIt(found, written) ? [] : [`${key}: acknowledged ${written}, found ${found}`];
  });
}
