import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ownerOfPort, stateOfPort } from '../../../core/platform/port-probe.ts';

const host = '127.0.0.1';
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function listening(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, () => resolve()));
  ends.push(() => new Promise((resolve) => server.close(() => resolve())));
  return (server.address() as { port: number }).port;
}

async function bound(shared = false): Promise<number> {
  const socket = createSocket({ type: 'udp4', reuseAddr: shared });
  await new Promise<void>((resolve) => socket.bind({ port: 0, address: host }, () => resolve()));
  ends.push(() => new Promise((resolve) => socket.close(() => resolve())));
  return socket.address().port;
}

describe('a port', () => {
  it('is taken while somebody listens, and free before and after, also after it was tried', async () => {
    const port = await listening();
    expect(await stateOfPort('tcp', { port, host })).toBe('taken');
    await ends.pop()!();
    for (let turn = 0; turn < 3; turn++) expect(await stateOfPort('tcp', { port, host })).toBe('free');
  });

  it('of datagrams is its own, and may be shared by those who all share it', async () => {
    const port = await bound();
    expect(await stateOfPort('tcp', { port, host })).toBe('free');
    expect(await stateOfPort('udp', { port, host })).toBe('taken');
    const group = await bound(true);
    expect(await stateOfPort('udp', { port: group, host, shared: true })).toBe('free');
  });

  it('is refused at an address that this computer does not have', async () => {
    expect(await stateOfPort('tcp', { port: 0, host: '203.0.113.9' })).toBe('refused');
    expect(await stateOfPort('udp', { port: 0, host: '203.0.113.9' })).toBe('refused');
  });

  it.runIf(process.platform === 'linux')('has an owner with a name and a process, or none', async () => {
    const [tcp, udp] = [await listening(), await bound()];
    expect(await ownerOfPort('tcp', tcp)).toMatchObject({ pid: process.pid });
    expect(await ownerOfPort('udp', udp)).toMatchObject({ pid: process.pid });
    await ends.shift()!();
    expect(await ownerOfPort('tcp', tcp)).toBeNull();
  });
});
