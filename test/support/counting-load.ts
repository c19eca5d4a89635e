/**
 * Clients that count all the while, at whatever nodes there are, each counter at all of them: alone with INCR, and two in one
 * transaction. While nothing fails, a counter shows just as many as were acknowledged.
 */
import { Redis } from 'ioredis';

const counterCount = 40;

export class CountingLoad {
  readonly #ports: () => readonly number[];
  readonly #clients = new Map<number, Redis>();
  readonly #acknowledged = new Map<string, number>();
  /** Of which nobody knows whether they were counted: the node left with the answer. */
  readonly #unknown = new Map<string, number>();
  #running = true;
  #loops: Promise<unknown> = Promise.resolve();
  count = 0;

  constructor(ports: () => readonly number[]) {
    this.#ports = ports;
  }

  begin(clientCount: number): void {
    this.#loops = Promise.all(Array.from({ length: clientCount }, (_, number) => this.#loop(number)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loops;
    for (const client of this.#clients.values()) client.disconnect();
  }

  /** Counters that show too few or too many at one node. */
  async wrongAt(port: number): Promise<string[]> {
    const client = new Redis({ host: '127.0.0.1', port });
    const wrong: string[] = [];
    for (const [key, count] of this.#acknowledged) {
      const found = Number(await client.get(key));
      const most = count + (this.#unknown.get(key) ?? 0);
      if (found < count || found > most) wrong.push(`${key}: ${count} to ${most} expected, found ${found}`);
    }
    client.disconnect();
    return wrong;
  }

  #client(port: number): Redis {
    const known = this.#clients.get(port);
    if (known !== undefined) return known;
    const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, commandTimeout: 8_000 });
    client.on('error', () => {});
    this.#clients.set(port, client);
    return client;
  }

  async #loop(number: number): Promise<void> {
    for (let turn = 0; this.#running; turn++) {
      const ports = this.#ports();
      const client = this.#client(ports[(turn + number) % ports.length]);
      const counter = (turn * 7 + number * 3) % counterCount;
      // A transaction wants its keys in one slot.
      const keys = counter % 2 === 0 ? [`c{${counter}}`] : [`c{${counter}}`, `d{${counter}}`];
      try {
        if (keys.length === 1) await client.incr(keys[0]);
        else {
          const replies = await client.multi().incr(keys[0]).incr(keys[1]).exec();
          for (const [error] of replies ?? []) if (error !== null) throw error;
        }
        this.#add(this.#acknowledged, keys);
        this.count++;
      } catch {
        this.#add(this.#unknown, keys);
        // Its port may be closed, and so it stays until others are looked for.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #add(counts: Map<string, number>, keys: readonly string[]): void {
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}
