/** Looks at what the doctor speaks of: the disk, the ports and the clock of this computer, and what its host knows, if one runs. */
import { access, constants, readdir, stat } from 'node:fs/promises';
import { arch, release, type as systemType } from 'node:os';
import { dirname, resolve } from 'node:path';
import { toCoterieError } from '../../base/errors.ts';
import { productVersion } from '../../base/version.ts';
import type { Checkup } from '../../contract/checkup-views.ts';
import type { InterfaceReport } from '../../contract/computer-views.ts';
import { defaultPorts } from '../../host/open-computer.ts';
import { readControlAddress } from '../../host/servers/control-server.ts';
import { syncedWriteMs } from '../../platform/disk-probe.ts';
import { spaceOf } from '../../platform/disk-space.ts';
import { discoveryPort } from '../../platform/lan-sockets.ts';
import { ownerOfPort, stateOfPort } from '../../platform/port-probe.ts';
import type { ControlClient } from '../control-client.ts';
import { clockFindings } from './clock-findings.ts';
import { type DiskFacts, diskFindings } from './disk-findings.ts';
import { type Finding, note, wrong } from './finding.ts';
import { type TriedPort, usedFindings, type WantedPort, wantedFindings } from './port-findings.ts';
import { computerFindings, programFindings } from './program-findings.ts';

export interface Examination {
  readonly findings: readonly Finding[];
  /** Empty: this computer takes no connections from others, or no host runs. */
  readonly interfaces: readonly InterfaceReport[];
}

/** What a host says; `finding`: why it says nothing, though one seems to run. */
interface Told {
  readonly checkup: Checkup | null;
  readonly interfaces: readonly InterfaceReport[];
  readonly finding: Finding | null;
}

const usualNodeCount = 3;
const loopback = '127.0.0.1';
const everywhere = '0.0.0.0';

export async function examine(folder: string, client: ControlClient): Promise<Examination> {
  const { checkup, interfaces, finding } = await askHost(client);
  const program = { version: productVersion, runtime: `Node ${process.versions.node}` };
  const system = `${systemType()} ${release()}, ${arch()}`;
  const isFree = checkup === null && finding === null;
  return {
    interfaces,
    findings: [
      ...programFindings({ ...program, system }, checkup),
      ...(finding === null ? [] : [finding]),
      ...(isFree ? [notRunning(folder)] : []),
      ...diskFindings(await diskFacts(folder)),
      ...clockFindings({
        nowMs: Date.now(),
        newestFileMs: await newestFileMs(folder),
        jump: checkup?.clockJump ?? null,
        others: checkup?.others ?? [],
      }),
      ...(checkup === null ? [] : usedFindings([...checkup.ports, ...controlPort(folder)])),
      ...(isFree ? wantedFindings(await tryPorts(wantedPorts()), process.platform) : []),
      ...(checkup === null ? [] : computerFindings(checkup)),
    ],
  };
}

function notRunning(folder: string): Finding {
  return note('program', `No Coterie runs on ${folder}.`, `Start one with: coterie serve --data ${folder}`);
}

async function askHost(client: ControlClient): Promise<Told> {
  const nothing = { checkup: null, interfaces: [] };
  try {
    const checkup = await client.call('computer.checkup', {});
    return { checkup, interfaces: await client.call('network.doctor', {}), finding: null };
  } catch (cause) {
    const { code, message, details } = toCoterieError(cause, 'internal');
    if (details.absent === true) return { ...nothing, finding: null };
    const next = 'Then look again: coterie doctor';
    return { ...nothing, finding: wrong('program', code, message, next) };
  }
}

async function diskFacts(folder: string): Promise<DiskFacts> {
  const there = await firstThere(folder);
  const exists = there === resolve(folder);
  const space = await spaceOf(there).catch(({ message }: Error) => message);
  const facts = { folder, exists, space };
  try {
    if (!exists) {
      await access(there, constants.W_OK);
      return { ...facts, syncedWriteMs: null, writeCode: null };
    }
    return { ...facts, syncedWriteMs: await syncedWriteMs(folder), writeCode: null };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return { ...facts, syncedWriteMs: message, writeCode: code ?? null };
  }
}

/** The folder, or the nearest above it. */
async function firstThere(folder: string): Promise<string> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere || path === dirname(path)) return path;
  }
}

/** Of what lies in the folder itself; null: nothing does. */
async function newestFileMs(folder: string): Promise<number | null> {
  const names = await readdir(folder).catch(() => []);
  const times = await Promise.all(
    names.map((name) =>
      stat(resolve(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return times.length === 0 ? null : Math.max(...times);
}

function controlPort(folder: string): Checkup['ports'] {
  const address = readControlAddress(folder);
  if (address === null) return [];
  const port = Number(new URL(address.url).port);
  return [{ protocol: 'tcp', port, use: 'the command line', reachedFrom: 'here' }];
}

/** What `coterie serve` takes where nobody says otherwise. */
function wantedPorts(): (WantedPort & { host: string; shared?: boolean })[] {
  const { ui, client, control, peer, computer } = defaultPorts;
  const tcp = { protocol: 'tcp', host: loopback, moves: false } as const;
  const nodes = Array.from({ length: usualNodeCount }, (_, index) => index);
  return [
    { ...tcp, port: ui, use: 'the app, HTTP, metrics', option: '--ui-port' },
    ...nodes.map((index) => ({
      ...{ ...tcp, port: client + index, use: `Redis clients of node-${index + 1}` },
      ...{ option: '--client-port', moves: index > 0 },
    })),
    { ...tcp, port: control, use: 'the command line', option: '--control-port' },
    ...nodes.flatMap((index) =>
      (['tcp', 'udp'] as const).map((protocol) => ({
        ...{ protocol, host: everywhere, port: peer + index, use: `between nodes, node-${index + 1}` },
        ...{ option: '--peer-port', moves: protocol === 'tcp' },
      })),
    ),
    {
      ...{ protocol: 'udp', host: everywhere, port: discoveryPort, shared: true },
      ...{ use: 'finding computers', option: null, moves: false },
    },
    { ...tcp, host: everywhere, port: computer, use: 'between computers', option: '--computer-port' },
  ];
}

function tryPorts(wanted: ReturnType<typeof wantedPorts>): Promise<TriedPort[]> {
  return Promise.all(
    wanted.map(async (one) => {
      const state = await stateOfPort(one.protocol, one);
      const owner = state === 'taken' ? await ownerOfPort(one.protocol, one.port) : null;
      return { ...one, state, owner };
    }),
  );
}
