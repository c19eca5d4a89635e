/**
 * The page in Chromium in front of a cluster in memory: no axe violation on any page, theme, dialog and empty or failing
 * state; the journeys by keyboard alone; and what happens when the host goes away. Skipped where there is no Chromium.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FakeHost } from '../support/fake-host.ts';
import * as journeys from '../support/ui-journeys.ts';
import type { Variant } from '../ui/fake-layouts.ts';

const root = join(import.meta.dirname, '../..');
const renderer = join(root, 'dist/renderer');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

function newestIn(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

async function buildWhenOld(): Promise<void> {
  const index = join(renderer, 'index.html');
  if (existsSync(index) && statSync(index).mtimeMs > newestIn(join(root, 'renderer'))) return;
  await build({
    configFile: join(root, 'renderer/vite.config.ts'),
    root: join(root, 'renderer'),
    logLevel: 'warn',
  });
}

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

describe.skipIf(browserPath === undefined)(
  browserPath === undefined ? 'the page (skipped: no Chromium found)' : 'the page',
  () => {
    let browser: Browser;
    let axe = '';
    const open: { close(): Promise<void> }[] = [];

    beforeAll(async () => {
      await buildWhenOld();
      axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      browser = await chromium.launch({
        executablePath: browserPath,
        args: ['--no-sandbox', '--test-type', '--disable-background-networking'],
      });
    });
    afterEach(async () => {
      for (const item of open.splice(0).reverse()) await item.close();
    });
    afterAll(async () => {
      await browser?.close();
    });

    async function visit(
      variant: Variant,
      hash: string,
      options: Parameters<Browser['newContext']>[0] = {},
    ): Promise<{ page: Page; host: FakeHost; problems: string[] }> {
      const host = await FakeHost.open(variant, renderer);
      open.push(host);
      const context: BrowserContext = await browser.newContext({
        viewport: { width: 1280, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      });
      open.push(context);
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      await page.goto(host.url + hash);
      await page.locator('h1').waitFor();
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      return { page, host, problems };
    }

    async function violations(page: Page): Promise<string[]> {
      await page.evaluate(axe);
      const result = await page.evaluate(
        `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(levels)} } })`,
      );
      return (result as AxeResult).violations.flatMap(({ id, help, nodes }) =>
        nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
      );
    }

    const states: readonly (readonly [Variant, string])[] = [
      ['three', '#/overview'],
      ['one', '#/overview'],
      ['three-centers', '#/overview'],
      ['failing', '#/overview'],
      ['empty', '#/overview'],
      ['three', '#/ring'],
      ['three-centers', '#/ring/shop-2'],
      ['failing', '#/ring/home-1'],
      ['two-centers', '#/keyspaces'],
      ['three-centers', '#/keyspaces'],
      ['empty', '#/keyspaces'],
      ['three', '#/data'],
      ['three', '#/data/default/order:8801'],
      ['three-centers', '#/data/default/cart:31'],
      ['three', '#/data/default/nothing-here'],
      ['failing', '#/data/default/order:8801'],
      ['empty', '#/data'],
      ['three', '#/nowhere'],
    ];

    for (const colorScheme of ['light', 'dark'] as const) {
      it.each(states)(`${colorScheme}: %s at %s has no axe violation`, async (variant, hash) => {
        const { page, problems } = await visit(variant, hash, { bypassCSP: true, colorScheme });
        if (hash.includes('/default/')) await page.locator('[aria-busy="false"]').waitFor();
        expect(await violations(page)).toEqual([]);
        expect(problems).toEqual([]);
      });

      it(`${colorScheme}: dialogs, tables and the palette have no axe violation`, async () => {
        const { page } = await visit('three-centers', '#/keyspaces', { bypassCSP: true, colorScheme });
        const check = async (what: string) => expect(await violations(page), what).toEqual([]);
        await page.getByRole('button', { name: 'New keyspace' }).click();
        await page.getByRole('spinbutton', { name: 'shop' }).fill('7');
        await check('new keyspace');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Edit default' }).click();
        await check('edit keyspace');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Drop sessions' }).click();
        await check('drop keyspace');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Control+k');
        await page.keyboard.type('office');
        await check('palette');
        await page.keyboard.press('Escape');
        await journeys.openByPalette(page, 'stop office-1');
        await page.getByRole('dialog', { name: 'Stop office-1?' }).waitFor();
        await check('stop node');
        await page.keyboard.press('Escape');
        await journeys.openByPalette(page, 'new key…');
        await page.getByRole('dialog', { name: 'New key' }).waitFor();
        await check('new key');
        await page.keyboard.press('Escape');
        await page.getByRole('link', { name: 'Overview', exact: true }).click();
        await page.getByRole('radiogroup', { name: 'Show as', exact: true }).getByText('Table').click();
        await page.getByRole('radiogroup', { name: 'Show operations as' }).getByText('Table').click();
        await check('tables of the overview');
      });
    }

    it('creates a keyspace, puts a key and finds it by keyboard alone', async () => {
      const { page, problems } = await visit('three', '#/overview');
      await journeys.createKeyspace(page, 'orders');
      await journeys.putKey(page, 'orders', 'order:1', 'two teas');
      await journeys.openByPalette(page, 'overview');
      await journeys.findKey(page, 'orders', 'order:1');
      await page.getByText('two teas').waitFor();
      expect(await page.title()).toContain('order:1');
      await journeys.dropKeyspace(page, 'orders');
      expect(problems).toEqual([]);
    });

    it('shows siblings and resolves them by keyboard alone', async () => {
      const { page } = await visit('three', '#/overview');
      await journeys.findKey(page, 'default', 'cart:31');
      await page.getByText('2 siblings.').waitFor();
      await journeys.keepSibling(page, 2);
      await page.getByText('{"items":["tea","milk","honey"]}').waitFor();
      await journeys.putKey(page, 'default', 'cart:31', 'beside');
      await page.getByText('2 siblings.').waitFor();
      await journeys.mergeSiblings(page, 'all of it');
      await page.getByText('all of it').waitFor();
    });

    it('kills a node after a confirmation that names it, by keyboard alone', async () => {
      const { page, host } = await visit('three', '#/ring');
      await journeys.killNode(page, 'home-2');
      await page.locator('#node-home-2').getByText('Down', { exact: true }).waitFor();
      expect(host.cluster.snapshot().nodes.find((node) => node.name === 'home-2')?.state).toBe('down');
      const kill = page.getByRole('button', { name: 'Kill home-2' });
      expect(await kill.getAttribute('aria-disabled')).toBe('true');
      await page.getByText('No process runs. It is down.').first().waitFor({ state: 'attached' });
    });

    it('says that the host is away, how old the data is, and goes on when it is back', async () => {
      const { page, host } = await visit('three', '#/overview');
      await host.goAway();
      await page.getByText('The host cannot be reached.', { exact: true }).waitFor();
      await page.getByText(/What you see is \d+ s old/).waitFor();
      await page.locator('main.stale').waitFor();
      await host.comeBack();
      await page
        .getByRole('button', { name: 'Try now' })
        .click({ timeout: 3000 })
        .catch(() => {});
      await page.locator('main:not(.stale)').waitFor();
      host.cluster.setState('home-3', 'stopped');
      await page.getByText('home-3 is stopped').first().waitFor();
    });

    it('keeps the chosen theme', async () => {
      const { page } = await visit('one', '#/overview', { colorScheme: 'light' });
      await journeys.openByPalette(page, 'dark theme');
      await page.reload();
      await page.locator('h1').waitFor();
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    });

    it.each([1280, 900, 640])('is not wider than a window of %i px', async (width) => {
      const { page } = await visit('three-centers', '#/overview', { viewport: { width, height: 800 } });
      for (const hash of ['#/overview', '#/ring', '#/keyspaces', '#/data/default/cart:31']) {
        await page.evaluate(`window.location.hash = ${JSON.stringify(hash)}`);
        await page.locator('h1').waitFor();
        const spare = await page.evaluate('window.innerWidth - document.documentElement.scrollWidth');
        expect(spare, hash).toBeGreaterThanOrEqual(0);
      }
    });

    it('paints the shell within a second and answers within 100 ms with 100 nodes', async () => {
      const { page } = await visit('hundred', '#/ring');
      const painted = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity",
      );
      expect(painted).toBeLessThan(1000);
      const tookMs = await page.evaluate(`(async () => {
        const button = document.querySelector('#node-north-1 button');
        const from = performance.now();
        button.click();
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        return performance.now() - from;
      })()`);
      expect(tookMs).toBeLessThan(100);
    });
  },
);
