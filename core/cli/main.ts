/** `coterie`: everything that the app can do, from a terminal. Errors are one line that says what to do; exit code 1. */

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { toCoterieError } from '../base/errors.ts';
import { plainJson, plainLine } from '../base/plain-text.ts';
import { productVersion } from '../base/version.ts';
import { computerName } from '../contract/computer-views.ts';
import { clusterName, name } from '../contract/names.ts';
import { defaultPorts } from '../host/open-computer.ts';
import { keepFilesPrivate } from '../platform/private-folder.ts';
import { addClusterCommands } from './commands.ts';
import { parseNodeCount } from './context.ts';
import { ControlClient } from './control-client.ts';
import { parseFactors } from './keyspace-commands.ts';
import type { Output } from './output.ts';
import { defaultDataFolder } from './paths.ts';
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

function parseClusterName(text: string): string {
  const parsed = clusterName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0].message);
}

function parseComputerName(text: string): string {
  return checked(computerName, text);
}

function parseDataCenter(text: string): string {
  return checked(name, text);
}

function checked(schema: typeof name | typeof computerName, text: string): string {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0].message);
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
  .configureHelp({ showGlobalOptions: true });

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
  .option('--name <name>', 'name of a new cluster', parseClusterName, 'My cluster')
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
  .option('--computer-name <name>', 'what others see of this computer', parseComputerName)
  .option('--data-center <name>', 'where this computer is (office)', parseDataCenter)
  .option('--no-cluster', 'make no cluster: wait until this computer joins one')
  .option('--read-only', 'nothing can be changed from the app or HTTP', false)
  .action((flags) => {
    const { data, json } = global();
    return serve({
      ...flags,
      clusterName: flags.name,
      waits: flags.cluster === false,
      data,
      json,
      programFolder,
    });
  });

addClusterCommands(program, {
  client: () => new ControlClient(global().data),
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
  const error = toCoterieError(cause, 'unavailable');
  if (global().json) {
    const json = JSON.stringify({ error: { code: error.code, message: error.message } });
    process.stdout.write(`${plainJson(json)}\n`);
  } else process.stderr.write(`${plainLine(error.message)}\n`);
  process.exitCode = 1;
});
