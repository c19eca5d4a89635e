/** From the versions of programs and layouts, here and on the other computers, to what they mean. Pure. */
import { listOf } from '../../base/words.ts';
import type { Checkup, OtherVersion } from '../../contract/checkup-views.ts';
import { type Finding, fine, note, wrong } from './finding.ts';

export interface ProgramFacts {
  /** Of the command that runs. */
  readonly version: string;
  readonly runtime: string;
  readonly system: string;
}

const sameVersion = 'Bring Coterie to the same version on all computers.';

/** `host`: null while none runs. */
export function programFindings({ version, runtime, system }: ProgramFacts, host: Checkup | null): Finding[] {
  const own = fine('program', `Coterie ${version} with ${runtime} on ${system}.`);
  if (host === null) return [own];
  const { newest, oldest } = host.protocol;
  const speaks = newest === oldest ? `${newest}` : `${oldest} to ${newest}`;
  const at = host.layoutVersion === null ? 'in no cluster' : `with layout ${host.layoutVersion}`;
  const running = `The host is ${at}; between nodes it speaks protocol ${speaks}.`;
  if (host.version === version && host.runtime === runtime) return [own, fine('program', running)];
  const text = `The host that runs is Coterie ${host.version} with ${host.runtime}, another one than this command.`;
  return [
    own,
    fine('program', running),
    note('program', text, 'Start it anew: it then runs as this version.'),
  ];
}

/** What the other computers run, as they told last. */
export function computerFindings(host: Checkup): Finding[] {
  const { others, version, layoutVersion } = host;
  if (others.length === 0) return [];
  const findings: Finding[] = [];
  const differing = others.filter((other) => other.version !== null && other.version !== version);
  for (const { computer, version: theirs } of differing) {
    const text = `${computer} runs Coterie ${theirs}, and this computer ${version}.`;
    findings.push(wrong('computers', 'unsupported', text, sameVersion));
  }
  const away = others.filter(({ state }) => state !== 'reached');
  if (away.length > 0) {
    const next =
      'See that they are on, on this network and not kept out by a firewall. One of another version may be there and not be understood.';
    const text = `Not heard of: ${listOf(away.map(({ computer }) => computer))}.`;
    findings.push(wrong('computers', 'unavailable', text, next));
  }
  for (const other of others) {
    if (other.state === 'reached' && isBehind(other, layoutVersion)) {
      const text = `${other.computer} has layout ${other.layoutVersion}, and this computer ${layoutVersion}.`;
      findings.push(
        note('computers', text, 'They tell each other within seconds. If it stays so: coterie layout show'),
      );
    }
  }
  if (findings.length > 0) return findings;
  const words = others.length === 1 ? 'The other computer is' : `All ${others.length} other computers are`;
  return [fine('computers', `${words} heard of, with Coterie ${version} and layout ${layoutVersion}.`)];
}

const isBehind = (other: OtherVersion, layoutVersion: number | null) =>
  other.layoutVersion !== null && other.layoutVersion !== layoutVersion;
