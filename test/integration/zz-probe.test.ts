import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, it } from 'vitest';
import { ChangingCluster } from '../support/changing-cluster.ts';
const run = promisify(execFile);
let cluster: ChangingCluster;
afterEach(() => cluster.dispose());
const cli = async (...args: string[]) => {
  try {
    const { stdout, stderr } = await run(process.execPath, ['dist/cli.js', '--data', cluster.folder, ...args]);
    return stdout + stderr;
  } catch (error) {
    const { code, stdout, stderr } = error as any;
    return `exit ${code}\n${stdout}${stderr}`;
  }
};
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
it('probe', async () => {
  cluster = new ChangingCluster();
  await cluster.start('--nodes', '3');
  await cluster.lookForPorts();
  const client = new Redis({ host: '127.0.0.1', port: cluster.ports[0] });
  const value = 'x'.repeat(4_000);
  for (let round = 0; round < 300; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => client.set(`key-${round}-${index}`, value + Math.random())));
  }
  client.disconnect();
  await cluster.api.call('layout.stage', { changes: [{ kind: 'add-nodes', count: 1, weight: 1 }] });
  await cluster.api.call('layout.apply', {});
  for (let look = 0; look < 60; look++) {
    await wait(300);
    const view = await cluster.show();
    console.log(JSON.stringify(view.progress.nodes.map(({ name, partitionsDone, moving }) => ({ name, partitionsDone, moving }))));
    if (look % 6 === 2) console.log(await cli('layout', 'show'));
    if (view.state === 'settled') break;
  }
  console.log('--- stop node-2');
  await cluster.command('node', 'stop', 'node-2');
  await wait(2_500);
  await cluster.api.call('layout.stage', { changes: [{ kind: 'weigh-node', node: 'node-1', weight: 3 }] });
  await cluster.api.call('layout.apply', {});
  await wait(6_000);
  console.log(await cli('layout', 'show'));
  console.log(await cli('layout', 'wait', '--timeout', '2'));
  console.log(await cli('layout', 'wait', '--timeout', '2', '--json'));
  console.log(await cli('--json', 'layout', 'show'));
  await cluster.command('node', 'kill', 'node-1').catch((error) => console.log(String(error)));
  console.log(await cli('status'));
}, 280_000);
