/** What people copy from the help of a command. By the command's words; each is one that the command line understands. */
import type { Command } from 'commander';

const examples: Readonly<Record<string, readonly string[]>> = {
  serve: ['serve', 'serve --nodes 1 --listen lan', 'serve --data-centers office=3,warehouse=3'],
  status: ['status'],
  watch: ['watch', 'watch --every 10'],
  nodes: ['nodes --json'],
  'node start': ['node start node-2'],
  'node stop': ['node stop node-2'],
  'node restart': ['node restart node-2'],
  'node kill': ['node kill node-2'],
  'node pause': ['node pause node-2'],
  'node resume': ['node resume node-2'],
  'node add': ['node add --count 2', 'node add --computer "Front desk" --weight 2 --apply'],
  'node remove': ['node remove node-2', 'node remove node-2 --dead --apply'],
  'node replace': ['node replace node-2 --apply'],
  'node weight': ['node weight node-2 2'],
  'node move': ['node move node-2 warehouse'],
  'node accept-loss': ['node accept-loss node-2', 'node accept-loss node-2 --yes'],
  'node work': ['node work', 'node work node-2'],
  computers: ['computers'],
  discover: ['discover'],
  doctor: ['doctor', 'doctor --json'],
  invite: ['invite', 'invite --data-center warehouse', 'invite --valid 60'],
  join: ['join K7QM-4XDR-92HV', 'join K7QM-4XDR-92HV --address 192.168.1.20:7430 --nodes 2'],
  requests: ['requests'],
  approve: ['approve 3f9a', 'approve 3f9a --data-center warehouse'],
  refuse: ['refuse 3f9a', 'refuse 3f9a --block'],
  clients: ['clients'],
  'clients open': ['clients open', 'clients open --interface eth0'],
  'clients close': ['clients close'],
  keys: ['keys'],
  'keys lock': ['keys lock'],
  'keys unlock': ['keys unlock'],
  'keys replace': ['keys replace', 'keys replace --authority', 'keys replace --own'],
  'computer remove': ['computer remove "Front desk"', 'computer remove "Front desk" --now --new-authority'],
  'computer standing': ['computer standing'],
  'computer role': ['computer role "Front desk" viewer'],
  'data-center add': ['data-center add warehouse --count 3'],
  'data-center remove': ['data-center remove warehouse'],
  'data-center rename': ['data-center rename warehouse depot'],
  'layout show': ['layout show'],
  'layout stage': [`layout stage '[{"kind":"weigh-node","node":"node-2","weight":2}]'`],
  'layout preview': ['layout preview'],
  'layout unstage': ['layout unstage'],
  'layout apply': ['layout apply'],
  'layout revert': ['layout revert'],
  'layout join-by-itself': ['layout join-by-itself on'],
  'layout intensity': ['layout intensity gentle'],
  'layout history': ['layout history'],
  'layout wait': ['layout wait --timeout 600'],
  'keyspace list': ['keyspace list'],
  'keyspace create': [
    'keyspace create shop',
    'keyspace create shop --factor office=2,warehouse=1 --database 1',
  ],
  'keyspace alter': ['keyspace alter shop --read ONE --ttl 3600'],
  'keyspace drop': ['keyspace drop shop --yes'],
  replicas: ['replicas default order:17'],
  get: ['get order:17', 'get order:17 --keyspace shop --consistency ONE'],
  put: ['put order:17 open', 'put picture --ttl 60 < photo.jpg'],
  delete: ['delete order:17'],
  'user list': ['user list'],
  'user add': ['user add shop'],
  'user change': ['user change shop --access read'],
  'user password': ['user password shop'],
  'user remove': ['user remove shop'],
  'user require': ['user require on'],
  'token list': ['token list'],
  'token create': ['token create --user shop --name backup --days 90'],
  'token revoke': ['token revoke 7c1f'],
  'repair run': ['repair run default', 'repair run default --dry-run --partitions 0-99'],
  'repair list': ['repair list'],
  'repair show': ['repair show 3f9a'],
  'repair pause': ['repair pause 3f9a'],
  'repair resume': ['repair resume 3f9a'],
  'repair cancel': ['repair cancel 3f9a'],
  'repair retry': ['repair retry 3f9a'],
  'repair schedule': ['repair schedule default --every 7 --at 02:00'],
  'repair unschedule': ['repair unschedule 3f9a'],
  without: ['without node-2', 'without warehouse --kind data-center'],
  ring: ['ring'],
  login: ['login'],
  sessions: ['sessions'],
  logout: ['logout 2', 'logout --all'],
  completion: ['completion bash > ~/.local/share/bash-completion/completions/coterie'],
};

/** A command that does something itself, by its words: "node stop". */
export function commandsOf(parent: Command, words: readonly string[] = []): [string, Command][] {
  return parent.commands.flatMap((command) => {
    const own = [...words, command.name()];
    return [[own.join(' '), command] as [string, Command], ...commandsOf(command, own)];
  });
}

export function examplesOf(words: string): readonly string[] {
  return examples[words] ?? [];
}

export function addExamples(program: Command): void {
  for (const [words, command] of commandsOf(program)) {
    const lines = examplesOf(words).map((line) => `  $ coterie ${line}`);
    if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
}
