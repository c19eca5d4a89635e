/** `coterie`: everything that the app can do, from a terminal. Errors are one line that says what to do; what it ends with: exit-codes.ts. */

import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { productVersion } from '../base/version.ts';
import { computerName } from '../contract/computer-views.ts';
import { clusterName, name } from '../contract/names.ts';
import { defaultPorts } from '../host/open-computer.ts';
import { keepFilesPrivate } from '../platform/private-folder.ts';
import { addClusterCommands } from './commands.ts';
import { addCompletionCommand } from './completion.ts';
import { parseNodeCount } from './context.ts';
import { ControlClient } from './control-client.ts';
import { addExamples } from './examples.ts';
import type { Output } from './output.ts';
import { addOrigin, as, parseFactors } from './parsing.ts';
import { defaultDataFolder } from './paths.ts';
import { reportOf } from './report-error.ts';
import { serve } from './serve.ts';

keepFilesPrivate();
const programFolder = dirname(fileURLToPath(import.meta.url));

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 0 (any free one) to 65535.');
  }
  return port;
}

function parseDataCenters(text: string): Record<string, number> {
  const parsed = parseFactors(text);
  if (typeof parsed === 'number') throw new InvalidArgumentError('Name each: office=3,warehouse=2.');
  return parsed;
}

const program = new Command('coterie')
  .description('A replicated key-value store made of the computers people already have.')
  .version(productVersion)
  .option('--data <folder>', 'the data folder', defaultDataFolder())
  .option('--json', 'answer in JSON, for programs', false)
  .configureHelp({ showGlobalOptions: true })
  // Told below, with the exit code of its kind.
  .exitOverride()
  .configureOutput({ outputError: () => {} });

const global = () => program.opts<{ data: string; json: boolean }>();

program
  .command('serve')
  .description('run this computer’s nodes without a window, and the app for the browser')
  .addOption(new Option('--nodes <n>', 'nodes of a new cluster (3)').argParser(parseNodeCount))
  .addOption(
    new Option('--data-centers <name=n,…>', 'a new cluster that plays several data centers on this computer')
      .argParser(parseDataCenters)
      .conflicts('nodes'),
  )
  .option('--name <name>', 'name of a new cluster', as(clusterName), 'My cluster')
  .option('--ui-port <port>', 'the app, HTTP and metrics', parsePort, defaultPorts.ui)
  .option(
    '--client-port <port>',
    'Redis clients: the first node’s, counted up',
    parsePort,
    defaultPorts.client,
  )
  .option('--control-port <port>', 'this command line', parsePort, defaultPorts.control)
  .option('--peer-port <port>', 'between nodes: the first node’s, counted up', parsePort, defaultPorts.peer)
  .option('--computer-port <port>', 'other computers', parsePort, defaultPorts.computer)
  .option('--listen <where>', 'let other computers connect: an address, an interface, or lan for all of them')
  .option('--computer-name <name>', 'what others see of this computer', as(computerName))
  .option('--data-center <name>', 'where this computer is (office)', as(name))
  .option('--no-cluster', 'make no cluster: wait until this computer joins one')
  .option(
    '--allow-origin <origin>',
    'pages of this origin may use keys over HTTP; again for another, * for all, each with a login',
    addOrigin,
  )
  .option('--read-only', 'nothing can be changed from the app or HTTP', false)
  .action((flags) => {
    const { data, json } = global();
    return serve({
      ...flags,
      clusterName: flags.name,
      allowOrigins: flags.allowOrigin,
      waits: flags.cluster === false,
      data,
      json,
      programFolder,
    });
  });

addClusterCommands(program, {
  client: () => new ControlClient(global().data),
  folder: () => resolve(global().data),
  endWith: (exitCode) => {
    process.exitCode = exitCode;
  },
  output: (): Output => ({
    json: global().json,
    terminal: process.stdout.isTTY === true,
    write: (text) => process.stdout.write(text),
  }),
  async readStandardInput() {
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(part as Buffer);
    return Buffer.concat(parts);
  },
});

addCompletionCommand(program, (text) => process.stdout.write(text));
addExamples(program);

// --data and --json are accepted before and after the command's name.
for (const command of allCommands(program)) {
  command.option('--data <folder>', 'the data folder').option('--json', 'answer in JSON');
  command.hook('preAction', (_, action) => {
    const own = action.opts<{ data?: string; json?: boolean }>();
    if (own.data !== undefined) program.setOptionValue('data', own.data);
    if (own.json === true) program.setOptionValue('json', true);
  });
}

function allCommands(parent: Command): Command[] {
  return parent.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : allCommands(command),
  );
}

program.parseAsync().catch((cause: unknown) => {
  // Where the command line could not be read, nobody has looked at its options yet.
  const json = global().json || process.argv.includes('--json');
  const { exitCode, text } = reportOf(cause, { json, hint: 'See: coterie help' });
  if (text !== '') (json ? process.stdout : process.stderr).write(`${text}\n`);
  process.exitCode = exitCode;
});
