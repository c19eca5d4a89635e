/**
 * What a change of the cluster still waits for, in words: nodes that are away first, each with what can be done about it, then those
 * that are at work, at one step in one sentence. Pure.
 */
import { addTo } from '../../base/grouping.ts';
import { listOf } from '../../base/words.ts';
import type { NodeState } from '../../contract/node-views.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import type { ChangeStep, LayoutProgress } from './layout-service.ts';

type StepWords = (names: string, isOne: boolean) => string;

const words: Readonly<Record<ChangeStep, StepWords>> = {
  hear: (names, isOne) => `${names} ${isOne ? 'has' : 'have'} not taken the change yet.`,
  finish: (names, isOne) => `${names} ${isOne ? 'is' : 'are'} finishing writes that began before the change.`,
  fetch: (names, isOne) => (isOne ? `${names} is getting its share.` : `${names} are getting their share.`),
  give: (names, isOne) =>
    isOne ? `${names} is handing over what it has.` : `${names} are handing over what they have.`,
  agree: (names, isOne) =>
    isOne
      ? `${names} has yet to hear that all others have their share.`
      : `${names} have yet to hear that all others have their share.`,
};
const inOrder: readonly ChangeStep[] = ['hear', 'finish', 'give', 'fetch', 'agree'];

/** How a node is that cannot do its part, and what brings it back. */
const away: Readonly<Partial<Record<NodeState, { is: string; back: (name: string) => string }>>> = {
  stopped: {
    is: 'stopped',
    back: (name) => `Start it: coterie node start ${name}, or Start in the list of nodes.`,
  },
  failed: {
    is: 'unable to run',
    back: (name) =>
      `See why in the list of nodes (coterie status), then start it: coterie node start ${name}, or Start there.`,
  },
  paused: {
    is: 'standing still',
    back: (name) => `Let it go on: coterie node resume ${name}, or Resume in the list of nodes.`,
  },
  down: { is: 'down', back: () => 'It starts again by itself.' },
  away: { is: 'away', back: () => 'Turn its computer on, and see that both are on the same network.' },
  unheard: { is: 'without an answer', back: () => 'See that its computer is on and on the same network.' },
};
/** Those beyond are counted. */
const awayMax = 3;

export interface WaitedFor {
  readonly step: ChangeStep;
  readonly name: string;
  /** Null: nothing is known of it. */
  readonly state: NodeState | null;
  /** For how long it is in that state, in milliseconds; null: nobody knows. */
  readonly forMs: number | null;
}

/** `nowMs`: wall time. */
export function waitedFor(
  waitingFor: LayoutProgress['waitingFor'],
  nameOf: (nodeId: number) => string,
  nodes: Iterable<NodeHandle>,
  nowMs: number,
): WaitedFor[] {
  const handles = new Map([...nodes].map((handle) => [handle.node.id, handle]));
  return waitingFor.map(({ nodeId, step }) => {
    const { state = null, sinceMs = 0 } = handles.get(nodeId)?.status() ?? {};
    return { step, name: nameOf(nodeId), state, forMs: sinceMs === 0 ? null : Math.max(0, nowMs - sinceMs) };
  });
}

export function waitingInWords(waitingFor: readonly WaitedFor[]): string[] {
  const isAway = ({ state }: WaitedFor) => state !== null && away[state] !== undefined;
  const gone = waitingFor.filter(isAway);
  const byStep = new Map<ChangeStep, string[]>();
  for (const one of waitingFor) if (!isAway(one)) addTo(byStep, one.step, one.name);
  // Their writes have long ended: nobody goes on before all have taken the change.
  if (waitingFor.some(({ step }) => step === 'hear')) byStep.delete('finish');
  const more = gone.length - awayMax;
  return [
    ...gone.slice(0, awayMax).map(awayInWords),
    ...(more > 0
      ? [`${more} more ${more === 1 ? 'is' : 'are'} away, and waited for as well: coterie status.`]
      : []),
    ...inOrder.flatMap((step) => {
      const names = byStep.get(step);
      return names === undefined ? [] : [words[step](listOf(names), names.length === 1)];
    }),
  ];
}

function awayInWords({ name, state, forMs }: WaitedFor): string {
  const { is, back } = away[state!]!;
  const how = forMs === null ? `is ${is}` : `has been ${is} for ${lengthInWords(forMs)}`;
  return [
    `The change waits for ${name}, which ${how}. ${back(name)}`,
    `If it is gone for good, replace it (coterie node replace ${name} --apply), or give it up for dead`,
    `(coterie node remove ${name} --dead --apply); both are under Change… in the list of nodes.`,
    `Copies that come meanwhile count once ${name} was asked too.`,
  ].join(' ');
}

/** To the minute: it is told anew whenever it changes. */
function lengthInWords(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
