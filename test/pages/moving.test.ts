/** What the page shows of each partition while data moves, and while a node gets back what it lost. */
import { describe, expect, it } from 'vitest';
import { browserPath, usePageVisits } from '../support/page-visits.ts';

describe.skipIf(browserPath === undefined)('partitions that come just now', () => {
  const { visit, settle, expectNoViolation, expectNotTooWide } = usePageVisits();
  const moving = (partition: number, share: number | null, peer: number) => ({
    ...{ keyspace: 0, partition, direction: 'from' as const, keys: 1, peer, share },
    ...{ bytes: share === null ? 0 : 6_200_000, tookMs: 2_000 },
  });

  it('are told with share, rate and time left, and nothing below them moves when they change', async () => {
    const { page, host, problems } = await visit('three', '#/ring', {
      bypassCSP: true,
      colorScheme: 'light',
    });
    const [one, two] = host.cluster.layout.nodes;
    await page.getByRole('button', { name: 'Add nodes…' }).click();
    await page.getByRole('dialog', { name: 'Add nodes' }).getByRole('button', { name: 'Stage' }).click();
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    const region = page.getByRole('region', { name: 'Progress by node' });
    await region.waitFor();
    const name = await region.locator('tbody th').first().innerText();
    const list = region.getByRole('list', { name: `Partitions that ${name} gets now` });
    expect(await list.innerText()).toBe('No partition comes at this moment.');
    const says = (rows: ReturnType<typeof moving>[]) =>
      host.cluster.says(name, { lacking: 40, open: [417, 418], receivedBytes: 31_000_000, moving: rows });
    says([moving(418, null, two.id), moving(417, 0.625, one.id)]);
    const first = list.getByText(
      `Partition 417 of default from ${one.name}: 62 %, 3.1 MB a second, 1 s left`,
    );
    await first.waitFor();
    await list.getByText(`Partition 418 of default from ${two.name}: compared`).waitFor();
    await settle(page);
    await expectNoViolation(page, 'partitions that come');
    const height = async () => (await region.boundingBox())!.height;
    const before = await height();
    says([]);
    await list.getByText('No partition comes').waitFor();
    expect(await height()).toBe(before);
    await page.setViewportSize({ width: 360, height: 800 });
    says([moving(418, null, two.id), moving(417, 0.625, one.id)]);
    await first.waitFor();
    await expectNotTooWide(page, 'partitions that come, on a telephone');
    expect(problems).toEqual([]);
  });

  it('are told, too, where one is given to a node that has it from now on', async () => {
    const { page, host } = await visit('three', '#/ring', { bypassCSP: true, colorScheme: 'light' });
    const [one, two] = host.cluster.layout.nodes;
    const rows = [{ ...moving(9, null, two.id), direction: 'to' as const, keys: 1_200, bytes: 2_000_000 }];
    host.cluster.says(one.name, { lacking: 0, open: [], receivedBytes: 0, moving: rows });
    await page
      .getByText(`${one.name} gives partition 9 of default to ${two.name}: 1,200 keys, 2 MB, 1 MB a second`)
      .waitFor();
    await expectNoViolation(page, 'copies that are given');
  });

  it('are told of a node that gets back what it lost', async () => {
    const { page, host } = await visit('three', '#/ring', { bypassCSP: true, colorScheme: 'light' });
    const [one, two] = host.cluster.layout.nodes;
    const rows = [moving(9, 0.5, two.id)];
    host.cluster.says(one.name, { lacking: 12, open: [9, 10], receivedBytes: 0, moving: rows });
    await page.getByText('Copies are missing, and come back from the other nodes.').waitFor();
    await page.getByText(`Partition 9 of default from ${two.name}: 50 %`).waitFor();
    await expectNoViolation(page, 'copies that come back');
  });
});
