/**
 * Nodes of this computer that went on without their host: found by their folders, called, and taken over with all they hold. One
 * that cannot be taken over as it is (another version, other settings, no answer) is ended in order, and starts anew.
 */

import { productVersion } from '../../base/version.ts';
import { ownerNameOf, readEndpoint } from '../../node-process/endpoint.ts';
import type { FromNode, NodeProcess, ToNode } from '../../node-process/messages.ts';
import { runningOwner } from '../../platform/folder-lock.ts';
import { callNode, type HostLine } from '../../platform/host-line.ts';
import type { PeerTransport } from '../../platform/peer-transport.ts';
import type { Log } from '../../ports/log.ts';
import type { MutualProof } from '../../ports/mutual-proof.ts';
import { type NodePorts, reachableAt } from '../ports.ts';

const answerWithinMs = 2_000;
const endWithinMs = 12_000;
/** A node whose line has closed without its process having ended by then is ended. */
const brokenLineMs = 1_000;
const lookEveryMs = 50;

/** How nodes are called. */
interface Callers {
  readonly proof: MutualProof;
  readonly transport?: PeerTransport;
  readonly log: Log;
}

export interface RunningNode {
  readonly process: NodeProcess;
  readonly ports: NodePorts;
}

export interface NodeToFind {
  readonly nodeId: number;
  readonly name: string;
  readonly folder: string;
}

export interface WantedSettings {
  readonly clusterId: string;
  readonly host: string;
  readonly peerHost: string;
  readonly clientsOpen: boolean;
  readonly hotBytesMax: number;
}

/** The nodes that run already and are managed from here on, by number. Resolves when no other has its folder any more. */
export async function takeOverRunning(
  components: Callers,
  nodes: readonly NodeToFind[],
  settings: WantedSettings,
): Promise<ReadonlyMap<number, RunningNode>> {
  const taken = new Map<number, RunningNode>();
  await Promise.all(
    nodes.map(async (node) => {
      const running = await takeOver(components, node, settings);
      if (running !== null) taken.set(node.nodeId, running);
    }),
  );
  return taken;
}

async function takeOver(
  { proof, transport, log }: Callers,
  { nodeId, name, folder }: NodeToFind,
  { clusterId, host, peerHost, clientsOpen, hotBytesMax }: WantedSettings,
): Promise<RunningNode | null> {
  const owner = runningOwner(folder);
  // Whoever else has the folder is not ours to end: the node waits for it, and then says who it is.
  if (owner?.what !== ownerNameOf(name)) return null;
  const endpoint = readEndpoint(folder);
  try {
    if (endpoint?.pid !== owner.pid) throw new Error('it says nowhere how to call it');
    const line = await callNode(
      { proof, transport },
      { host: reachableAt(peerHost), port: endpoint.peerPort, nodeId, clusterId },
      answerWithinMs,
    );
    const met = await firstMessages(line);
    const [runs, { clientPort, peerPort }] = met.facts;
    const isAsWanted =
      runs.host === host &&
      runs.peerHost === peerHost &&
      runs.isOpen === clientsOpen &&
      runs.hotBytesMax === hotBytesMax;
    if (runs.version !== productVersion || !isAsWanted) {
      line.close();
      throw new Error('it runs with another version or other settings');
    }
    log.info(`${name} went on without its host, and is managed again.`, { process: owner.pid });
    return {
      process: adoptedProcess(folder, owner.pid, line, met.messages),
      ports: { clientPort, peerPort },
    };
  } catch (cause) {
    const { message } = cause as Error;
    log.warn(`${name} runs without its host and cannot be taken over: it is ended and started anew.`, {
      process: owner.pid,
      cause: message,
    });
    await end(folder, owner.pid);
    return null;
  }
}

type Said<Type extends FromNode['type']> = Extract<FromNode, { type: Type }>;

/** What a node says of itself first: with what it runs, and where. All of it is handed on as well. */
function firstMessages(
  line: HostLine,
): Promise<{ facts: [Said<'running'>, Said<'listening'>]; messages: Mailbox }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not answer')), answerWithinMs);
    const messages = new Mailbox();
    let running: Said<'running'> | null = null;
    line.onClose(() => reject(new Error('it hung up')));
    line.onMessage((said) => {
      const message = said as FromNode;
      messages.take(message);
      if (message.type === 'running') running = message;
      if (message.type !== 'listening' || running === null) return;
      clearTimeout(timer);
      resolve({ facts: [running, message], messages });
    });
  });
}

/** Keeps what comes until somebody reads it. */
class Mailbox {
  #kept: FromNode[] = [];
  #reader: ((message: FromNode) => void) | null = null;

  take(message: FromNode): void {
    if (this.#reader === null) this.#kept.push(message);
    else this.#reader(message);
  }

  read(reader: (message: FromNode) => void): void {
    this.#reader = reader;
    for (const message of this.#kept.splice(0)) reader(message);
  }
}

function adoptedProcess(folder: string, pid: number, line: HostLine, messages: Mailbox): NodeProcess {
  return {
    pid,
    send: (message: ToNode) => line.send(message),
    onMessage: (handler) => messages.read(handler),
    onExit(handler) {
      line.onClose(() => {
        // Should only the line have broken, the node cannot be managed any more.
        const ended = until(() => runningOwner(folder)?.pid !== pid, brokenLineMs);
        void ended
          .then((has) => (has ? undefined : end(folder, pid)))
          .then(() => handler('Its process ended.'));
      });
    },
    kill: () => signal(pid, 'SIGKILL'),
  };
}

async function end(folder: string, pid: number): Promise<void> {
  signal(pid, 'SIGTERM');
  const stillOwns = () => runningOwner(folder)?.pid === pid;
  if (await until(() => !stillOwns(), endWithinMs)) return;
  signal(pid, 'SIGKILL');
  await until(() => !stillOwns(), endWithinMs);
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

/** False when it did not come about in time. */
async function until(condition: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return true;
}
