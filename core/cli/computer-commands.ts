/** Computers on the command line: who is there, who is near, how one comes in, and how one is taken out. */
import { type Command, InvalidArgumentError } from 'commander';
import { CoterieError } from '../base/errors.ts';
import type {
  ComputerStanding,
  ComputerView,
  FoundComputer,
  JoinRequest,
} from '../contract/computer-views.ts';
import { type ComputerRole, computerRoles, roleNames, roleWords } from '../contract/roles.ts';
import { addClientsCommands } from './clients-commands.ts';
import { type CommandContext, parseNodeCount } from './context.ts';
import { addDoctorCommand } from './doctor/doctor-command.ts';
import { addKeysCommands, inGroups } from './keys-commands.ts';
import { show, table } from './output.ts';

const pollMs = 500;

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('This is a number of seconds, such as 60.');
}

function parseRole(text: string): ComputerRole {
  const role = computerRoles.find((one) => one === text);
  if (role !== undefined) return role;
  throw new InvalidArgumentError('A role is owner, operator or viewer.');
}

function agoInWords(sinceMs: number | null, nowMs: number): string {
  if (sinceMs === null) return 'never heard of';
  const ago = Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
  return ago < 120 ? `${ago} s ago` : `${Math.round(ago / 60)} min ago`;
}

const computerRows = (computers: readonly ComputerView[]) =>
  table(
    ['COMPUTER', 'ROLE', 'DATA CENTER', 'STATE', 'ADDRESS', 'HEARD', 'KEY'],
    computers.map(({ name, role, dataCenter, state, address, heardAtMs, fingerprint }) => [
      ...[name, role, dataCenter, state, address ?? '-'],
      state === 'here' ? '-' : agoInWords(heardAtMs, Date.now()),
      inGroups(fingerprint),
    ]),
  );

const foundRows = (found: readonly FoundComputer[]) =>
  found.length === 0
    ? 'No other computer is heard on this network. See what may be in the way: coterie doctor'
    : table(
        ['COMPUTER', 'ADDRESS', 'CLUSTER'],
        found.map(({ computer, address, cluster, isOurs }) => [
          ...[computer, address],
          cluster === null ? '(waits for one)' : `${cluster.name}${isOurs ? ' (this one)' : ''}`,
        ]),
      );

const requestRows = (requests: readonly JoinRequest[]) =>
  requests.length === 0
    ? 'Nobody asks to come in.'
    : [
        table(
          ['REQUEST', 'COMPUTER', 'ADDRESS', 'DATA CENTER', 'NODES', 'KEY'],
          requests.map((one) => [
            ...[one.id.slice(0, 8), one.computer, one.address, one.dataCenter, String(one.nodes)],
            inGroups(one.fingerprint),
          ]),
        ),
        'Compare the key with what that computer shows, then: coterie approve REQUEST, or coterie refuse REQUEST',
      ].join('\n');

function standingText({ state, computer, detail, fingerprint, cluster }: ComputerStanding): string {
  const key = `Its key: ${inGroups(fingerprint)}`;
  switch (state) {
    case 'member':
      return detail ?? `${computer} is in the cluster ${cluster}.`;
    case 'joined':
      return `${computer} was let in, and takes its place now.`;
    case 'refused':
      return detail ?? 'It was refused.';
    case 'alone':
      return `${computer} is in no cluster. ${key}`;
    default:
      return [`${computer} waits.`, detail ?? '', key].join('\n').replace('\n\n', '\n');
  }
}

export function addComputerCommands(program: Command, context: CommandContext): void {
  const api = () => context.client();
  const print = (value: unknown, text: () => string) => show(context.output(), value, text);
  program
    .command('computers')
    .description('the computers of the cluster, and when each was heard of last')
    .action(async () => {
      const { computers } = await api().call('cluster.snapshot', {});
      print(computers, () => computerRows(computers));
    });

  program
    .command('discover')
    .description('computers that are heard on this network')
    .action(async () => {
      const found = await api().call('network.found', {});
      print(found, () => foundRows(found));
    });

  addDoctorCommand(program, context);

  program
    .command('invite')
    .description('make a join code: for one computer, for ten minutes or less')
    .option('--data-center <name>', 'where it goes (where this computer is)')
    .option('--valid <seconds>', 'good for so long, 600 at most', seconds, 600)
    .action(async ({ dataCenter, valid }: { dataCenter?: string; valid: number }) => {
      const invitation = await api().call('computers.invite', { dataCenter, validSeconds: valid });
      print(invitation, () =>
        [
          `Join code: ${invitation.code}`,
          `Link: ${invitation.link}`,
          `For ${invitation.dataCenter}, good until ${new Date(invitation.expiresAtMs).toLocaleTimeString()}. On the other computer: coterie join CODE`,
        ].join('\n'),
      );
    });

  program
    .command('join <code>')
    .description('ask to come into a cluster, with a code or a link from one of its computers')
    .option('--address <host:port>', 'of a computer of the cluster (those that are heard)')
    .option('--nodes <n>', 'nodes on this computer', parseNodeCount, 1)
    .option('--timeout <seconds>', 'wait so long to be let in', seconds, 600)
    .action(
      async (
        code: string,
        { address, nodes, timeout }: { address?: string; nodes: number; timeout: number },
      ) => {
        let standing = await api().call('join.ask', { code, address, nodes });
        const untilMs = performance.now() + timeout * 1_000;
        while (standing.state !== 'member' && standing.state !== 'refused' && performance.now() < untilMs) {
          await new Promise((resolve) => setTimeout(resolve, pollMs));
          standing = await api()
            .call('computer.standing', {})
            // While it takes its place nobody answers for a moment.
            .catch(() => standing);
        }
        if (standing.state === 'refused') {
          throw new CoterieError('unauthorized', standing.detail ?? 'It was refused.');
        }
        print(standing, () => standingText(standing));
      },
    );

  program
    .command('requests')
    .description('computers that ask to come in')
    .action(async () => {
      const requests = await api().call('computers.requests', {});
      print(requests, () => requestRows(requests));
    });

  program
    .command('approve <request>')
    .description('let a computer in; its nodes join at once')
    .option('--data-center <name>', 'where it goes (what the invitation says)')
    .option('--role <role>', 'what it may do: owner, operator or viewer', parseRole, 'owner')
    .option('--stage', 'stage its nodes only: they join with the next coterie layout apply', false)
    .action(async (id: string, choice: { dataCenter?: string; role: ComputerRole; stage: boolean }) => {
      const { dataCenter, role, stage } = choice;
      const { version } = await api().call('computers.approve', { id, dataCenter, role, apply: !stage });
      print({ version }, () =>
        version === null
          ? 'It was let in. Its nodes are staged: coterie layout apply'
          : `It was let in, with layout ${version}.`,
      );
    });

  program
    .command('refuse <request>')
    .description('do not let a computer in')
    .option('--block', 'and never show a request of it again', false)
    .action(async (id: string, { block }: { block: boolean }) => {
      await api().call('computers.refuse', { id, block });
      print({}, () => 'It was refused.');
    });

  addClientsCommands(program, context);

  addKeysCommands(program, context);

  const computer = program.command('computer').description('one computer of the cluster');
  computer
    .command('remove <name>')
    .description('take a computer out, after its nodes have handed over what they have')
    .option('--now', 'shut it out at once: what only it held is lost', false)
    .option(
      '--new-authority',
      'also replace the authority once it is out: programs need the new certificate',
      false,
    )
    .action(async (name: string, { now, newAuthority }: { now: boolean; newAuthority: boolean }) => {
      const { version } = await api().call('computers.remove', { name, now, newAuthority });
      print({ version }, () =>
        [
          now
            ? `${name} was shut out, with layout ${version}.`
            : `${name} is taken out, with layout ${version}. See how far it is: coterie layout show`,
          ...(newAuthority
            ? [
                'Once it is out there is a new authority. Give programs on other computers its certificate then: it is the "authority" of coterie clients --json',
              ]
            : []),
        ].join('\n'),
      );
    });
  computer
    .command('role')
    .argument('<name>', 'of the computer')
    .argument('<role>', 'owner, operator or viewer', parseRole)
    .description('what a computer may do: owner everything, operator run the cluster, viewer look')
    .option('--take', 'at this computer, for itself: when no owner has been heard of for an hour', false)
    .action(async (name: string, role: ComputerRole, { take }: { take: boolean }) => {
      if (take && role !== 'owner') {
        throw new CoterieError(
          'bad-input',
          'What a computer takes is the role of an owner: --take with owner.',
        );
      }
      const { version } = take
        ? await api().call('computers.takeOwnership', { name })
        : await api().call('computers.setRole', { name, role });
      print({ name, role, version }, () => `${name} is ${roleNames[role]} now: it ${roleWords[role]}.`);
    });
  computer
    .command('standing')
    .description('what this computer is: in a cluster, alone, or waiting')
    .action(async () => {
      const standing = await api().call('computer.standing', {});
      print(standing, () => standingText(standing));
    });
}
