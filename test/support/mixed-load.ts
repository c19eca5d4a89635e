/**
 * Clients that write and read all the while, at whatever nodes there are: half of the operations are writes of numbered values, half
 * are reads, which have to show at least what was acknowledged before they began. A refused operation is tried once more, at another node.
 */
import { Redis } from 'ioredis';

export interface MixedLoadOptions {
  readonly keyCount: number;
  /** Of its keys, where several loads are at work. */
  readonly prefix?: string;
  /** Between two operations of a client. */
  readonly restMs?: number;
  /** Before an operation is tried at another node, as clients pause there (CLIENTS.md); without it, at once. */
  readonly retryAfterMs?: number;
}

export class MixedLoad {
  readonly #ports: () => readonly number[];
  readonly #clients = new Map<number, Redis>();
  readonly #acknowledged = new Map<string, number>();
  readonly #options: MixedLoadOptions;
  #running = true;
  #loops: Promise<unknown> = Promise.resolve();
  readonly latenciesMs: number[] = [];
  count = 0;
  retried = 0;
  /** Operations that failed twice, each with both reasons. */
  readonly failed: string[] = [];
  /** Reads that showed less than had been acknowledged. */
  readonly stale: string[] = [];

  constructor(ports: () => readonly number[], options: MixedLoadOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  begin(clientCount: number, valueBytes = 0): void {
    const pad = 'x'.repeat(valueBytes);
    this.#loops = Promise.all(
      Array.from({ length: clientCount }, (_, number) => this.#loop(number, clientCount, pad)),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loops;
    for (const client of this.#clients.values()) client.disconnect();
  }

  /** What is missing at one node of all that was acknowledged. */
  async missingAt(port: number): Promise<string[]> {
    const client = new Redis({ host: '127.0.0.1', port });
    const missing: string[] = [];
    for (const [key, count] of this.#acknowledged) {
      const found = Number.parseInt((await client.get(key)) ?? '0', 10);
      if (found < count) missing.push(`${key}: acknowledged ${count}, found ${found}`);
    }
    client.disconnect();
    return missing;
  }

  #client(port: number): Redis {
    let client = this.#clients.get(port);
    if (client === undefined) {
      client = new Redis({
        host: '127.0.0.1',
        port,
        maxRetriesPerRequest: 0,
        retryStrategy: () => 50,
        commandTimeout: 8_000,
      });
      client.on('error', () => {});
      this.#clients.set(port, client);
    }
    return client;
  }

  async #loop(number: number, clientCount: number, pad: string): Promise<void> {
    const { keyCount, prefix = '', restMs = 0 } = this.#options;
    for (let turn = 1; this.#running; turn++) {
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      // Each loop has keys of its own: what was acknowledged last is what a read has to show.
      const key = `${prefix}k${((turn >> 1) * clientCount + number) % keyCount}:${number}`;
      const known = this.#acknowledged.get(key) ?? 0;
      const isWrite = turn % 2 === 0;
      const startedMs = performance.now();
      const found = await this.#twice(turn, (client) =>
        isWrite ? client.set(key, `${turn}${pad}`) : client.get(key),
      );
      if (found === undefined) continue;
      this.latenciesMs.push(performance.now() - startedMs);
      this.count++;
      if (isWrite) this.#acknowledged.set(key, turn);
      else if (Number.parseInt(found ?? '0', 10) < known)
        this.stale.push(`${key}: acknowledged ${known}, read ${found?.slice(0, 10)}`);
    }
  }

  /** Undefined: it failed at two nodes. */
  async #twice(
    turn: number,
    ask: (client: Redis) => Promise<string | null>,
  ): Promise<string | null | undefined> {
    const { retryAfterMs = 0 } = this.#options;
    const causes: string[] = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      const ports = this.#ports();
      const port = ports[(turn + attempt) % ports.length];
      try {
        const answer = await ask(this.#client(port));
        if (attempt > 0) this.retried++;
        return answer;
      } catch (error) {
        causes.push(`${port}: ${(error as Error).message}`);
        if (retryAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      }
    }
    this.failed.push(causes.join('; '));
    return undefined;
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
