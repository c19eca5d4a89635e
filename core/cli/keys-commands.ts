/** Keys on the command line: what the computers hold in common, and the one that each has for itself. */
import type { Command } from 'commander';
import { CoterieError } from '../base/errors.ts';
import { listOf } from '../base/words.ts';
import type { KeyLockView, OwnKeyView, SharedKeysView } from '../contract/computer-views.ts';
import type { CommandContext } from './context.ts';
import { show } from './output.ts';

/** In groups that can be compared by eye. */
export const inGroups = (fingerprint: string | null) =>
  fingerprint === null ? '' : (fingerprint.slice(0, 32).match(/.{4}/g)?.join(' ') ?? '');

function ownKeyText({ waitsFor }: OwnKeyView): string {
  if (waitsFor.length === 0) {
    return 'The new key is used, and the one before let in nowhere, within seconds. See how far it is: coterie keys';
  }
  return `The new key is used once every computer has heard of it: ${listOf(waitsFor)} not yet. Turn on what is off; what is gone for good is taken out: coterie computer remove NAME --now`;
}

const keysText = ({ replacedAtMs, authority, own }: SharedKeysView) =>
  [
    replacedAtMs === null
      ? 'The secret is that with which the cluster began.'
      : `The secret was replaced on ${new Date(replacedAtMs).toLocaleString()}.`,
    `Fingerprint of the authority: ${inGroups(authority)}`,
    ...(own.isUnderWay ? [ownKeyText(own)] : []),
  ].join('\n');

export function addKeysCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);
  const keys = program
    .command('keys')
    .description('what the computers of the cluster hold in common')
    .action(async () => {
      const view = await api().call('computers.keys', {});
      print(view, () => keysText(view));
    });
  const lockText = ({ isOn }: KeyLockView) =>
    isOn
      ? 'The keys of this computer are locked by the key store of its system. coterie serve cannot open them.'
      : 'The keys of this computer are kept in plain files, which only its account can read.';
  for (const on of [true, false]) {
    keys
      .command(on ? 'lock' : 'unlock')
      .description(
        on
          ? 'lock the keys of this computer on its disk by the key store of its system, where the app runs'
          : 'keep the keys of this computer in plain files for its account alone, as coterie serve needs them',
      )
      .action(async () => {
        const lock = await api().call('computer.lockKeys', { on });
        print(lock, () => lockText(lock));
      });
  }
  keys
    .command('replace')
    .description('replace the secret that all computers know; by itself this happens when one is taken out')
    .option('--authority', 'also the certificate that programs on other computers check', false)
    .option('--own', 'the key of this computer alone, and nothing else', false)
    .option('--computer <name>', 'the key of that computer alone, and nothing else')
    .action(async ({ authority, own, computer }: { authority: boolean; own: boolean; computer?: string }) => {
      if ([authority, own, computer !== undefined].filter(Boolean).length > 1) {
        throw new CoterieError('bad-input', 'Give one of --authority, --own and --computer.');
      }
      if (own || computer !== undefined) {
        const state = await api().call('computers.replaceOwnKey', { name: computer });
        print(state, () => ownKeyText(state));
        return;
      }
      const view = await api().call('computers.replaceKeys', { authority });
      print(view, () =>
        authority
          ? 'Replaced. Give programs on other computers the new certificate: it is the "authority" of coterie clients --json'
          : 'Replaced. The other computers take the new secret within seconds.',
      );
    });
}
