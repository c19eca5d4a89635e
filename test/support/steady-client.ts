/**
 * Another client, in a process of its own, so that it waits for the node alone and not for whoever attacks: it writes a key and
 * reads it, again and again. Ends with its input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { waitUntil } from './cluster.ts';

const program = `
  const socket = require('node:net').connect({ host: '127.0.0.1', port: Number(process.argv[1]), noDelay: true });
  let over = false;
  process.stdin.resume().on('end', () => { over = true; });
  const written = {};
  const times = { set: [], get: [] };
  const failures = [];
  let text = '';
  let answered = null;
  socket.on('data', (chunk) => {
    text += chunk;
    const end = text.indexOf('\\r\\n');
    if (end < 0) return;
    let length = end + 2;
    if (text[0] === '$' && text[1] !== '-') length += Number(text.slice(1, end)) + 2;
    if (text.length < length) return;
    const reply = text.slice(0, length);
    text = '';
    answered(reply);
  });
  const lost = (why) => {
    if (over) return;
    failures.push(why);
    over = true;
    answered?.('');
  };
  socket.on('error', (error) => lost(error.message));
  socket.on('close', () => lost('the connection was closed'));
  const ask = async (kind, words) => {
    const startedMs = performance.now();
    const reply = await new Promise((resolve) => {
      answered = resolve;
      socket.write('*' + words.length + '\\r\\n' + words.map((word) => '$' + word.length + '\\r\\n' + word + '\\r\\n').join(''));
    });
    times[kind].push(performance.now() - startedMs);
    return reply;
  };
  (async () => {
    for (let count = 0; !over; count++) {
      const key = 'steady:' + (count % 500);
      const value = process.argv[2] + count;
      const set = await ask('set', ['SET', key, value]);
      if (set === '+OK\\r\\n') written[key] = value;
      else if (socket.readyState === 'open') failures.push('SET: ' + set);
      const got = await ask('get', ['GET', key]);
      if (socket.readyState === 'open' && got !== '$' + value.length + '\\r\\n' + value + '\\r\\n') failures.push('GET: ' + got);
      if (count % 25 === 0) console.log(JSON.stringify({ count }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    console.log(JSON.stringify({ times, failures, written }));
    socket.destroy();
  })();
`;

export interface Steady {
  /** Milliseconds, in order. */
  readonly times: { readonly set: number[]; readonly get: number[] };
  readonly failures: readonly string[];
  readonly written: ReadonlyMap<string, string>;
}

export class SteadyClient {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  /** The beginning of a line. */
  #out = '';
  /** The last whole line. */
  #said = '';
  /** Writes and reads answered so far, by and large. */
  count = 0;

  constructor(port: number, name: string) {
    this.#child = spawn(process.execPath, ['-e', program, String(port), name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#gone = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString();
      const lines = this.#out.split('\n');
      this.#out = lines.pop()!;
      const last = lines.at(-1);
      if (last === undefined) return;
      this.#said = last;
      const { count } = JSON.parse(last) as { count?: number };
      this.count = count ?? this.count;
    });
  }

  /** Until it was answered so many times more. */
  async served(times: number): Promise<void> {
    const aim = this.count + times;
    await waitUntil(
      `another client is answered ${times} times`,
      () => this.count >= aim || this.#child.exitCode !== null,
      60_000,
    );
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async stop(): Promise<Steady> {
    this.#child.stdin!.end();
    const force = setTimeout(() => this.kill(), 30_000);
    await this.#gone;
    clearTimeout(force);
    const { times, failures, written } = JSON.parse(this.#said);
    for (const each of Object.values(times as Steady['times'])) each.sort((a: number, b: number) => a - b);
    return { times, failures, written: new Map(Object.entries(written)) };
  }
}
