/** More siblings than one replica takes, as replicas that were apart leave them, are still answered over RESP. */
import { expect, test } from 'vitest';
import { keyspaceView, MemoryStore } from '../support/memory-store.ts';
import { plain, RawClient, startRespNode } from '../support/resp-target.ts';

const siblingCount = 300;

test('CT.GET answers 300 siblings, newest first, with the context of all', async () => {
  const { server, port } = await startRespNode(
    {},
    new MemoryStore({ keyspaces: [keyspaceView(0, { conflicts: 'siblings' })] }),
  );
  const client = await RawClient.connect(port);
  try {
    for (let index = 0; index < siblingCount; index++) await client.call('CT.PUT', 'key', index);
    const [context, values] = plain(await client.call('CT.GET', 'key')) as [string, string[]];
    expect(values).toHaveLength(siblingCount);
    expect(new Set(values).size).toBe(siblingCount);
    await client.call('CT.PUT', 'key', 'chosen', 'CONTEXT', context);
    expect(plain(await client.call('GET', 'key'))).toBe('chosen');
  } finally {
    client.close();
    await server.close();
  }
});
