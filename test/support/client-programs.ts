/**
 * Programs that keep books: each uses one Redis client as an application does, writes, reads what it wrote, counts and deletes, and
 * remembers what was acknowledged. A failed operation ends none of them; it is written down.
 */

/** The few commands that all libraries have. */
export interface ProgramClient {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
  incr(key: string): Promise<number>;
  del(key: string): Promise<number>;
}

export interface ProgramBooks {
  readonly name: string;
  /** Last acknowledged value of each key; nobody else writes it. */
  readonly values: Map<string, string>;
  /** Increments acknowledged of each counter. One that a library sent twice may have counted twice. */
  readonly counts: Map<string, number>;
  /** Operations that were done. */
  done: number;
  /** What the application was told instead of an answer. */
  readonly failures: string[];
  /** Reads that answered something other than what was acknowledged. */
  readonly wrong: string[];
}

/** Wraps an operation as the page says for libraries that do not repeat by themselves. */
export type Repeating = <T>(operation: () => Promise<T>) => Promise<T>;

const once: Repeating = (operation) => operation();
const writerCount = 4;
const keysPerWriter = 50;

/** Begins at once; `over` resolves when all writers have heard of `shouldStop`. */
export function startProgram(
  { name, client, repeating = once }: { name: string; client: ProgramClient; repeating?: Repeating },
  shouldStop: () => boolean,
): { books: ProgramBooks; over: Promise<unknown> } {
  const books: ProgramBooks = {
    ...{ name, values: new Map(), counts: new Map(), done: 0, failures: [], wrong: [] },
  };
  const ask = async <T>(what: string, operation: () => Promise<T>): Promise<{ answer: T } | null> => {
    try {
      const answer = await repeating(operation);
      books.done++;
      return { answer };
    } catch (error) {
      books.failures.push(`${name} ${what}: ${(error as Error).name} ${(error as Error).message}`);
      // A library that refuses at once would otherwise keep this process from hearing anything.
      await new Promise((resolve) => setImmediate(resolve));
      return null;
    }
  };
  const write = async (writer: number): Promise<void> => {
    const counter = `${name}:${writer}:counter`;
    books.counts.set(counter, 0);
    for (let count = 1; !shouldStop(); count++) {
      const key = `${name}:${writer}:${count % keysPerWriter}`;
      const value = String(count);
      // Whether one that failed was done is not known: nothing is expected of the key until the next that was.
      books.values.delete(key);
      if ((await ask('SET', () => client.set(key, value))) === null) continue;
      books.values.set(key, value);
      const read = await ask('GET', () => client.get(key));
      if (read !== null && read.answer !== value) books.wrong.push(`${key}: ${value} became ${read.answer}`);
      if ((await ask('INCR', () => client.incr(counter))) !== null) {
        books.counts.set(counter, books.counts.get(counter)! + 1);
      }
      if (count % 10 !== 0) continue;
      books.values.delete(key);
      await ask('DEL', () => client.del(key));
    }
  };
  return { books, over: Promise.all(Array.from({ length: writerCount }, (_, writer) => write(writer))) };
}

/** What a client reads that is not what was acknowledged. */
export async function lostOf(books: ProgramBooks, client: ProgramClient): Promise<string[]> {
  const lost: string[] = [];
  for (const [key, value] of books.values) {
    const found = await client.get(key);
    if (found !== value) lost.push(`${key}: ${value} became ${found}`);
  }
  for (const [key, acknowledged] of books.counts) {
    const found = Number(await client.get(key));
    if (!(found >= acknowledged)) lost.push(`${key}: ${acknowledged} times, found ${found}`);
  }
  return lost;
}
