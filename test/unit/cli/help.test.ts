/** The help of the command line, and what a shell completes: of every command, and true. */
import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addClusterCommands } from '../../../core/cli/commands.ts';
import { completionScript } from '../../../core/cli/completion.ts';
import type { CommandContext } from '../../../core/cli/context.ts';
import { addExamples, commandsOf, examplesOf } from '../../../core/cli/examples.ts';

function programOf(): Command {
  const program = new Command('coterie').option('--json', 'answer in JSON');
  addClusterCommands(program, {} as CommandContext);
  return program;
}

/** Words as a shell would split them. */
const wordsOf = (line: string) =>
  [...line.replace(/ [<>].*$/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain,
  );

describe('the help', () => {
  it('says of every command what it does', () => {
    const silent = commandsOf(programOf()).filter(([, command]) => command.description() === '');
    expect(silent.map(([words]) => words)).toEqual([]);
  });

  it('has an example of every command that does something, which the command line understands', () => {
    const program = programOf();
    const leaves = commandsOf(program).filter(([, command]) => command.commands.length === 0);
    expect(leaves.filter(([words]) => examplesOf(words).length === 0).map(([words]) => words)).toEqual([]);
    for (const [words, command] of leaves) {
      for (const example of examplesOf(words)) {
        let ran: string[] | null = null;
        command.exitOverride().action(() => {
          ran = wordsOf(example);
        });
        program.exitOverride().parse(wordsOf(example), { from: 'user' });
        expect(ran, example).not.toBeNull();
      }
    }
  });

  it('shows them', () => {
    const program = programOf();
    addExamples(program);
    let help = '';
    const put = commandsOf(program).find(([words]) => words === 'put')![1];
    put.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toContain('$ coterie put order:17 open');
  });
});

describe('completion', () => {
  const inBash = (line: string): string[] => {
    const words = line.split(' ');
    const script = `${completionScript(programOf(), 'bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _coterie; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  };
  const hasBash = spawnSync('bash', ['-c', 'compgen -W a a']).status === 0;

  it.skipIf(!hasBash)(
    `in bash finds commands, what follows them, and their options${hasBash ? '' : ' (skipped: no bash)'}`,
    () => {
      expect(inBash('coterie keys').sort()).toEqual(['keys', 'keyspace']);
      expect(inBash('coterie node st').sort()).toEqual(['start', 'stop']);
      expect(inBash('coterie node remove node-2 --d')).toEqual(['--dead']);
      expect(inBash('coterie put order:17 open --tt')).toEqual(['--ttl']);
      expect(inBash('coterie --json layout ap')).toEqual(['apply']);
    },
  );

  it.each(['zsh', 'fish'] as const)(
    'in %s names every command, with words that quotes do not end',
    (shell) => {
      const script = completionScript(programOf(), shell);
      for (const [, command] of commandsOf(programOf())) expect(script).toContain(command.name());
      expect((script.match(/'/g) ?? []).length % 2).toBe(0);
    },
  );
});
