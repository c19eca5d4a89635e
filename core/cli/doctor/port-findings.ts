/** From what was seen of ports to what it means. Pure. */
import { listOf } from '../../base/words.ts';
import type { UsedPort } from '../../contract/checkup-views.ts';
import type { PortOwner, PortState } from '../../platform/port-probe.ts';
import { type Finding, fine, note, wrong } from './finding.ts';

/** A port that a start would use. */
export interface WantedPort extends Pick<UsedPort, 'protocol' | 'port' | 'use'> {
  /** Of `coterie serve`, to choose another one; null: there is none. */
  readonly option: string | null;
  /** A start takes the next free one by itself. */
  readonly moves: boolean;
}

export interface TriedPort extends WantedPort {
  readonly state: PortState;
  /** Who has it; null: nobody, or the system does not tell. */
  readonly owner: PortOwner | null;
}

const nameOf = ({ protocol, port }: Pick<UsedPort, 'protocol' | 'port'>) =>
  `${protocol.toUpperCase()} ${port}`;

function whoInWords(owner: PortOwner | null): string {
  return owner === null ? 'another program' : `${owner.name} (process ${owner.pid})`;
}

const seeWho = (port: number, platform: NodeJS.Platform) =>
  platform === 'win32'
    ? `netstat -ano | findstr :${port}`
    : platform === 'darwin'
      ? `sudo lsof -nP -i :${port}`
      : `sudo ss -lntup "sport = :${port}"`;

/** While no host runs: whether the next start gets what it wants. */
export function wantedFindings(tried: readonly TriedPort[], platform: NodeJS.Platform): Finding[] {
  const findings = tried.filter(({ state }) => state !== 'free').map((one) => obstacle(one, platform));
  const free = tried.filter(({ state }) => state === 'free');
  if (free.length === 0) return findings;
  const all =
    free.length === tried.length ? 'All ports of a usual start' : `${free.length} of ${tried.length} ports`;
  return [...findings, fine('ports', `${all} are free: ${inRanges(free)}.`)];
}

function obstacle(tried: TriedPort, platform: NodeJS.Platform): Finding {
  const { port, use, state, owner, option, moves } = tried;
  const name = nameOf(tried);
  if (state === 'refused') {
    const text = `The system does not let this account use ${name} (${use}).`;
    const reserved =
      platform === 'win32' ? ' Windows may have reserved it: netsh int ip show excludedportrange tcp' : '';
    return wrong(
      'ports',
      'forbidden',
      text,
      `${option === null ? 'Allow it.' : `Choose another one: coterie serve ${option} PORT.`}${reserved}`,
    );
  }
  const text = `${name} (${use}) is used by ${whoInWords(owner)}.`;
  const see = owner === null ? ` See by whom: ${seeWho(port, platform)}` : '';
  if (moves) return note('ports', text, `The start takes the next free one.${see}`);
  const choose =
    option === null ? 'End it.' : `End it, or choose another port: coterie serve ${option} PORT.`;
  return wrong('ports', 'busy', text, `${choose}${see}`);
}

/** While a host runs: what it listens on, and what a firewall has to let in. */
export function usedFindings(ports: readonly UsedPort[]): Finding[] {
  const from = (...places: UsedPort['reachedFrom'][]) =>
    ports.filter(({ reachedFrom }) => places.includes(reachedFrom));
  const here = from('here');
  const outside = from('computers', 'network');
  const findings: Finding[] = [];
  if (here.length > 0) {
    findings.push(fine('ports', `For programs of this computer alone: ${inWords(here)}.`));
  }
  if (outside.length > 0) {
    findings.push(
      note(
        'ports',
        `For other computers: ${inWords(outside)}.`,
        `If they do not get through, open these in the firewall of this computer, for the local network: ${inRanges(outside)}.`,
      ),
    );
  }
  return findings;
}

/** What is used alike is named once. */
function inWords(ports: readonly UsedPort[]): string {
  const byUse = new Map<string, string[]>();
  for (const port of ports) byUse.set(port.use, [...(byUse.get(port.use) ?? []), nameOf(port)]);
  return [...byUse].map(([use, names]) => `${names.join(' and ')} (${use})`).join(', ');
}

function inRanges(ports: readonly Pick<UsedPort, 'protocol' | 'port'>[]): string {
  const protocols = (['tcp', 'udp'] as const).flatMap((protocol) => {
    const numbers = ports.filter((one) => one.protocol === protocol).map(({ port }) => port);
    return numbers.length === 0 ? [] : [`${protocol.toUpperCase()} ${rangesOf(numbers).join(', ')}`];
  });
  return listOf(protocols);
}

/** "7410-7412": how firewalls take them. */
function rangesOf(numbers: readonly number[]): string[] {
  const ranges: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}
