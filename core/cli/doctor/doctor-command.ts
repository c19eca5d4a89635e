/** `coterie doctor`: how this computer is, thing by thing, with what to do. Works also where no host runs. */
import type { Command } from 'commander';
import type { InterfaceReport } from '../../contract/computer-views.ts';
import type { CommandContext } from '../context.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { show, table } from '../output.ts';
import type { Finding } from './finding.ts';
import { type Examination, examine } from './look.ts';

const marks: Readonly<Record<Finding['state'], string>> = { fine: 'fine ', note: 'note ', wrong: 'WRONG' };

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description(
      'how this computer is: program, disk, clock, ports, other computers, and what keeps them from finding it',
    )
    .action(async () => {
      const examination = await examine(context.folder(), context.client());
      show(context.output(), examination, () => examinationText(examination));
      context.endWith(examinationCode(examination));
    });
}

/** That of the first thing that is wrong. */
export function examinationCode({ findings }: Pick<Examination, 'findings'>): number {
  const code = findings.find(({ state }) => state === 'wrong')?.code ?? null;
  return code === null ? exitCodes.done : exitCodeOf(code);
}

export function examinationText({ findings, interfaces }: Examination): string {
  const lines = findings.flatMap(({ about, state, text, next }) => [
    `${marks[state]}  ${about.padEnd(9)}  ${text}`,
    ...(next === null ? [] : [`${' '.repeat(18)}Next: ${next}`]),
  ]);
  return [...lines, ...(interfaces.length === 0 ? [] : ['', interfacesText(interfaces)])].join('\n');
}

function interfacesText(reports: readonly InterfaceReport[]): string {
  const lines = [
    table(
      ['INTERFACE', 'KIND', 'USED', 'SENT', 'HEARD', 'ADDRESSES'],
      reports.map(({ name, kind, used, sent, received, addresses }) => [
        ...[name, kind, used ? 'yes' : 'no', String(sent), String(received), addresses.join(' ')],
      ]),
    ),
  ];
  for (const { name, lastError, cause, fix } of reports) {
    if (cause !== null) lines.push('', `${name}: ${cause}`);
    if (lastError !== null) lines.push(`  Last error: ${lastError}`);
    if (fix !== null) lines.push(`  ${fix}`);
  }
  return lines.join('\n');
}
