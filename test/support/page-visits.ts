/** Visits of the built page in Chromium, each in front of a cluster in memory of its own, and axe on what is shown. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import type { Variant } from '../ui/fake-layouts.ts';
import { FakeHost } from './fake-host.ts';

const colorRules = ['color-contrast', 'link-in-text-block'];
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Undefined: there is no Chromium here. */
export const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

export interface Visit {
  readonly page: Page;
  readonly host: FakeHost;
  /** Errors of the page and of its console. */
  readonly problems: string[];
}

type ContextOptions = Parameters<Browser['newContext']>[0];

export class PageVisits {
  #browser: Browser | null = null;
  #axe = '';
  readonly #open: { close(): Promise<void> }[] = [];

  async start(): Promise<void> {
    this.#axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    this.#browser = await chromium.launch({
      executablePath: browserPath,
      args: ['--no-sandbox', '--test-type', '--disable-background-networking'],
    });
  }

  /** Ends what one test has opened. */
  async endVisits(): Promise<void> {
    for (const item of this.#open.splice(0).reverse()) await item.close();
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }

  async openHost(variant: Variant): Promise<FakeHost> {
    const host = await FakeHost.open(variant, inject('pageFolder'));
    this.#open.push(host);
    return host;
  }

  async openContext(options: ContextOptions): Promise<BrowserContext> {
    const context = await this.#browser!.newContext(options);
    this.#open.push(context);
    return context;
  }

  /** `prepare`: what is to be so before the page asks its first question. */
  readonly visit = async (
    variant: Variant,
    hash: string,
    options: ContextOptions = {},
    prepare: (host: FakeHost) => void = () => {},
  ): Promise<Visit> => {
    const host = await this.openHost(variant);
    prepare(host);
    const context = await this.openContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(host.url + hash);
    await this.shown(page);
    return { page, host, problems };
  };

  readonly shown = async (page: Page): Promise<void> => {
    await page.locator('h1').waitFor();
    await page.locator('.skeleton').waitFor({ state: 'detached' });
  };

  /**
   * On a busy machine fonts and first transitions come late. What moves under axe is seen where it no longer is, so it
   * begins once nothing moves any more.
   */
  readonly settle = async (page: Page): Promise<void> => {
    await page.evaluate(`(async () => {
      await document.fonts.ready;
      await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})));
      for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    })()`);
  };

  readonly violations = async (
    page: Page,
    rules: object = { type: 'tag', values: levels },
  ): Promise<string[]> => {
    await this.settle(page);
    // Half a megabyte: sent once to each page.
    if (await page.evaluate('window.axe === undefined')) await page.evaluate(`(() => { ${this.#axe} })()`);
    // Only violations are spelt out, with every node.
    const options = { runOnly: rules, resultTypes: ['violations'], selectors: false };
    const result = await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`);
    return (result as AxeResult).violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
    );
  };

  /** Every rule in light; in dark those that look at colors, which is all that differs. */
  readonly expectNoViolation = async (page: Page, what = ''): Promise<void> => {
    const background = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await background();
    expect(await this.violations(page), `${what} in light`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await background()).not.toBe(light);
    const rules = { type: 'rule', values: colorRules };
    expect(await this.violations(page, rules), `${what} in dark`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  };

  readonly expectNotTooWide = async (page: Page, what: string): Promise<void> => {
    const spare = await page.evaluate('window.innerWidth - document.documentElement.scrollWidth');
    expect(spare, what).toBeGreaterThanOrEqual(0);
  };
}

/** For the tests of one file. */
export function usePageVisits(): PageVisits {
  const visits = new PageVisits();
  beforeAll(() => visits.start());
  afterEach(() => visits.endVisits());
  afterAll(() => visits.close());
  return visits;
}
