/**
 * Completion of commands and options in a shell: a script that the shell reads once, made from the commands themselves. Names of nodes and
 * keyspaces are not completed, because the script asks no host.
 */
import { Argument, type Command } from 'commander';
import { commandsOf } from './examples.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

interface Step {
  /** Words before it: "" or "node stop". */
  readonly words: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
}

function stepsOf(program: Command): Step[] {
  return [['', program] as [string, Command], ...commandsOf(program)].map(([words, command]) => ({
    words,
    commands: command.commands.map((next) => ({ name: next.name(), description: next.description() })),
    options: command.options
      .filter(({ long }) => long !== undefined)
      .map(({ long, description }) => ({ flag: long!, description })),
  }));
}

export function completionScript(program: Command, shell: Shell): string {
  const steps = stepsOf(program);
  return shell === 'bash' ? bash(steps) : shell === 'zsh' ? zsh(steps) : fish(steps);
}

const flagsOf = ({ options }: Step) => options.map(({ flag }) => flag);
const namesOf = ({ commands }: Step) => commands.map(({ name }) => name);

/** The words before the cursor that are commands, without options and what follows them. */
const bashWalk = `  local word path="" next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case " $known " in *" \${next// /_} "*) path="$next" ;; esac
  done`;

function bash(steps: readonly Step[]): string {
  const known = steps.map(({ words }) => words.replaceAll(' ', '_')).join(' ');
  const cases = steps.map(
    (step) => `    "${step.words}") candidates="${[...namesOf(step), ...flagsOf(step)].join(' ')}" ;;`,
  );
  return `# Completion of coterie for bash.
_coterie() {
  local known="${known}" candidates=""
${bashWalk}
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _coterie coterie
`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** zsh takes what is after a colon as the description. */
const described = (name: string, description: string) =>
  quoted(`${name.replaceAll(':', '\\:')}:${description}`);

function zsh(steps: readonly Step[]): string {
  const known = steps.map(({ words }) => words.replaceAll(' ', '_')).join(' ');
  const cases = steps.map((step) => {
    const all = [
      ...step.commands.map(({ name, description }) => described(name, description)),
      ...step.options.map(({ flag, description }) => described(flag, description)),
    ];
    return `    "${step.words}") candidates=(${all.join(' ')}) ;;`;
  });
  return `#compdef coterie
# Completion of coterie for zsh.
_coterie() {
  local known="${known}" word next spot=""
  local -a candidates
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    next="\${spot:+$spot }$word"
    case " $known " in *" \${next// /_} "*) spot="$next" ;; esac
  done
  case "$spot" in
${cases.join('\n')}
  esac
  _describe 'coterie' candidates || _files
}
compdef _coterie coterie
`;
}

function fish(steps: readonly Step[]): string {
  const lines = steps.flatMap((step) => {
    const seen =
      step.words === ''
        ? '__fish_use_subcommand'
        : step.words
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ');
    const names = namesOf(step);
    const isOpen =
      names.length > 0 && step.words !== ''
        ? `${seen}; and not __fish_seen_subcommand_from ${names.join(' ')}`
        : seen;
    return [
      ...step.commands.map(
        ({ name, description }) =>
          `complete -c coterie -f -n ${quoted(isOpen)} -a ${quoted(name)} -d ${quoted(description)}`,
      ),
      ...step.options.map(
        ({ flag, description }) =>
          `complete -c coterie -n ${quoted(seen)} -l ${quoted(flag.slice(2))} -d ${quoted(description)}`,
      ),
    ];
  });
  return `# Completion of coterie for fish.\n${lines.join('\n')}\n`;
}

export function addCompletionCommand(program: Command, write: (text: string) => void): void {
  program
    .command('completion')
    .description('print what a shell reads to complete commands and options')
    .addArgument(new Argument('<shell>', 'which').choices(shells))
    .action((shell: Shell) => write(completionScript(program, shell)));
}
