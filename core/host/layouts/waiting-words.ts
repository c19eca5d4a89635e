/** What a change of the cluster still waits for, in words: nodes at one step in one sentence. Pure. */
import { addTo } from '../../base/grouping.ts';
import { listOf } from '../../base/words.ts';
import type { ChangeStep } from './layout-service.ts';

const words: Readonly<Record<ChangeStep, (names: string, isOne: boolean) => string>> = {
  hear: (names, isOne) =>
    isOne
      ? `${names} has not taken the change yet. If it is off, start it; if it is gone for good, remove it as dead.`
      : `${names} have not taken the change yet. Start those that are off; remove as dead those that are gone for good.`,
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

export function waitingInWords(
  waitingFor: readonly { readonly nodeId: number; readonly step: ChangeStep }[],
  nameOf: (nodeId: number) => string,
): string[] {
  const byStep = new Map<ChangeStep, string[]>();
  for (const { nodeId, step } of waitingFor) addTo(byStep, step, nameOf(nodeId));
  return inOrder.flatMap((step) => {
    const names = byStep.get(step);
    return names === undefined ? [] : [words[step](listOf(names), names.length === 1)];
  });
}
