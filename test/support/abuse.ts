/** What tests of abuse share: a host's process as seen from outside, raw connections, and how other clients fare meanwhile. */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { readControlAddress } from '../../core/host/servers/control-server.ts';
import type { RealCluster } from './cluster.ts';
import { mebibyte, memoryOf } from './intruder.ts';

export function hostPid(cluster: RealCluster): number {
  return readControlAddress(cluster.folder)!.pid;
}

/** Resident memory now, in MiB. */
export function residentMiB(pid: number): number {
  return memoryOf(pid).bytes / mebibyte;
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** A connection whose errors concern nobody. */
export function rawConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Everything that comes until the other side closes, as latin1 text; what is there after `withinMs` in any case. */
export function answerOf(socket: Socket, withinMs = 10_000): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const end = () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    const timer = setTimeout(end, withinMs);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('close', end);
  });
}

/** In a process of its own: this one is busy attacking. Stops at the end of its input. */
const probe = `
  const [url, method] = process.argv.slice(1);
  let over = false;
  process.stdin.resume().on('end', () => { over = true; });
  const times = [];
  let failed = 0;
  (async () => {
    while (!over) {
      const startedMs = performance.now();
      const at = method === 'PUT' ? url + times.length : url;
      const answer = await fetch(at, { method, body: method === 'PUT' ? 'x' : undefined }).catch(() => null);
      await answer?.arrayBuffer().catch(() => {});
      if (!answer?.ok) failed++;
      times.push(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log(JSON.stringify({ times: times.sort((a, b) => a - b), failed }));
    process.exit();
  })();
`;

export interface Fared {
  /** How long each request took, in milliseconds, in order. */
  readonly times: readonly number[];
  readonly failed: number;
}

/** How another client fares while `attack` runs: it asks for `url` again and again; PUT goes to a new key each time. */
export async function faredDuring(
  attack: Promise<unknown>,
  url: string,
  method: 'GET' | 'PUT' = 'GET',
): Promise<Fared> {
  const child = spawn(process.execPath, ['-e', probe, url, method], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const gone = new Promise((resolve) => child.once('close', resolve));
  try {
    await attack;
  } finally {
    child.stdin.end();
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(timer);
  return JSON.parse(out) as Fared;
}

const spinMs = 100;

/**
 * A bound on what others wait, for the machine as it is now: where other programs want its processors, everybody waits longer,
 * and would without an attack. Elapsed by processor time of a short computation tells how much; squared, as a request
 * passes several processes.
 */
export function allowedMs(boundMs: number): number {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let used = 0;
  while (used < spinMs) used = process.cpuUsage(before).user / 1_000;
  const strain = Math.max(1, (performance.now() - startedMs) / used);
  return boundMs * strain ** 2;
}

export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** The highest that `measure` says until `attack` is over. */
export async function peakDuring(attack: Promise<unknown>, measure: () => number): Promise<number> {
  let peak = measure();
  const timer = setInterval(() => {
    peak = Math.max(peak, measure());
  }, 20);
  try {
    await attack;
  } finally {
    clearInterval(timer);
  }
  return Math.max(peak, measure());
}
