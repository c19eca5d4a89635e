/**
 * A writer that keeps books: it writes numbered values with a Redis client at QUORUM, retries a failed write once at
 * another node, and remembers what was acknowledged. What it remembers must be readable for ever after.
 */
import { Redis } from 'ioredis';

export interface Books {
  /** Last acknowledged value of each key. */
  readonly acknowledged: Map<string, number>;
  /** Highest value sent for each key: an unacknowledged write may or may not be there. */
  readonly sent: Map<string, number>;
  /** All acknowledged writes. */
  count: number;
  /** Writes that failed and were cured by one retry at another node. */
  retried: number;
  /** Writes that failed at every node that could be asked. */
  refused: number;
  /** What the last refused writes were told, newest last. */
  readonly causes: string[];
}

export function newBooks(): Books {
  return { acknowledged: new Map(), sent: new Map(), count: 0, retried: 0, refused: 0, causes: [] };
}

/** Repeats nothing: whoever uses it hears of each failure. */
export function connectImpatiently(port: number): Redis {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => 50,
    connectTimeout: 1_000,
    commandTimeout: 5_000,
  });
  client.on('error', () => {});
  return client;
}

/** Writes until `shouldStop`; each of `writerCount` loops has keys of its own. */
export async function writeLoad(
  ports: () => readonly number[],
  books: Books,
  options: { writerCount: number; keysPerWriter: number; shouldStop: () => boolean },
): Promise<void> {
  const clients = ports().map(connectImpatiently);
  await Promise.all(clients.map((client) => new Promise((resolve) => client.once('ready', resolve))));
  const writer = async (number: number): Promise<void> => {
    for (let count = 1; !options.shouldStop(); count++) {
      const key = `w${number}:${count % options.keysPerWriter}`;
      books.sent.set(key, count);
      const first = number % clients.length;
      if (clients.every((client) => client.status !== 'ready')) {
        // Nobody to ask: the whole cluster is down. Let the libraries reconnect.
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      let acknowledged = false;
      const causes: string[] = [];
      for (let attempt = 0; attempt < clients.length && !acknowledged; attempt++) {
        const client = clients[(first + attempt) % clients.length];
        // A client that lost its node is not asked: its library says so at once. That is no answer of the cluster.
        if (client.status !== 'ready') continue;
        try {
          await client.set(key, String(count));
          acknowledged = true;
          if (attempt > 0) books.retried++;
        } catch (error) {
          causes.push(`${attempt}: ${(error as Error).message}`);
          // A library that refuses at once would otherwise keep this process from hearing that its node is back.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      if (acknowledged) {
        books.acknowledged.set(key, count);
        books.count++;
      } else {
        books.refused++;
        books.causes.push(causes.join('; '));
        if (books.causes.length > 20) books.causes.shift();
      }
    }
  };
  await Promise.all(Array.from({ length: options.writerCount }, (_, number) => writer(number)));
  for (const client of clients) client.disconnect();
}

/** Reads every acknowledged key at one node; answers what is missing or older than acknowledged. */
export async function missingAt(port: number, books: Books): Promise<string[]> {
  const client = connectImpatiently(port);
  await new Promise((resolve) => client.once('ready', resolve));
  const missing: string[] = [];
  const keys = [...books.acknowledged.keys()];
  for (let start = 0; start < keys.length; start += 500) {
    const page = keys.slice(start, start + 500);
    const values = await Promise.all(page.map((key) => client.get(key)));
    page.forEach((key, index) => {
      const found = values[index] === null ? 0 : Number(values[index]);
      if (found < books.acknowledged.get(key)! || found > books.sent.get(key)!) {
        missing.push(`${key}: acknowledged ${books.acknowledged.get(key)}, found ${values[index]}`);
      }
    });
  }
  client.disconnect();
  return missing;
}
