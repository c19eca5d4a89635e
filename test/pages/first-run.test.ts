/**
 * A computer of no cluster, in Chromium: it creates one, starts the demo or joins one, by keyboard alone, and no step has an
 * axe violation.
 */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { browserPath, usePageVisits } from '../support/page-visits.ts';
import * as journeys from '../support/ui-journeys.ts';

const axeOptions = { bypassCSP: true, colorScheme: 'light' } as const;

describe.skipIf(browserPath === undefined)(
  browserPath === undefined ? 'the first run (skipped: no Chromium found)' : 'the first run',
  () => {
    const visits = usePageVisits();
    const { visit, expectNoViolation, expectNotTooWide } = visits;

    const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

    it('creates one by keyboard alone, and opens it', async () => {
      const { page, host, problems } = await visit('newcomer', '', axeOptions);
      await page.getByRole('heading', { name: 'Welcome to Coterie' }).waitFor();
      await expectNoViolation(page, 'first run');
      await journeys.press(page, 'button', /^Create a cluster/);
      await page.locator('h1:focus', { hasText: 'Create a cluster' }).waitFor();
      await expectNoViolation(page, 'create');
      await journeys.tabTo(page, 'textbox', 'Name');
      await page.keyboard.type('Corner shop');
      await journeys.tabTo(page, 'spinbutton', 'Nodes on this computer');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: /^Ring & nodes/ }).waitFor();
      expect(host.cluster.computers.lastInput('join.create')).toEqual({ name: 'Corner shop', nodes: 2 });
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      expect(await page.title()).toContain('Corner shop');
      expect(problems).toEqual([]);
    });

    it('starts a demo, and says what that is', async () => {
      const { page, host } = await visit('newcomer', '#/ring', axeOptions);
      await page.getByRole('button', { name: /^Try a demo/ }).click();
      await page.getByText('All three nodes are on one computer', { exact: false }).waitFor();
      await expectNoViolation(page, 'demo');
      await button(page, 'Start the demo').click();
      await page.getByRole('heading', { name: 'Ring & nodes' }).waitFor();
      expect(host.cluster.computers.lastInput('join.create')).toEqual({ name: 'Demo', nodes: 3 });
    });

    it('joins one that was found: a wrong code, a wait with the fingerprint, a refusal, a cancel, and in', async () => {
      const { page, host, problems } = await visit('newcomer', '', axeOptions);
      const { computers } = host.cluster;
      await journeys.press(page, 'button', /^Join a cluster/);
      await journeys.tabTo(page, 'radio', /^Whichever the code is for/);
      await page.keyboard.press('ArrowUp');
      expect(await page.getByRole('radio', { name: /^North Street/ }).isChecked()).toBe(true);
      await expectNoViolation(page, 'join');
      await journeys.tabTo(page, 'textbox', 'Code or link');
      await page.keyboard.type('wrong');
      await page.keyboard.press('Enter');
      await page
        .getByRole('alert')
        .getByText('No computer near by knows this code', { exact: false })
        .waitFor();
      await journeys.tabTo(page, 'textbox', 'Code or link');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('K7QM-4XDR-92HV');
      await page.keyboard.press('Enter');
      await page.getByText('Waiting until somebody lets Workshop in').waitFor();
      await page.getByText('d17e 6b25', { exact: false }).waitFor();
      expect(computers.lastInput('join.ask')).toEqual({
        ...{ code: 'K7QM-4XDR-92HV', nodes: 1, address: '192.168.1.20:7400' },
      });
      await expectNoViolation(page, 'waiting');
      computers.stand('refused', 'Somebody at Front desk refused it.');
      await page.getByText('Somebody at Front desk refused it.').waitFor();
      await expectNoViolation(page, 'refused');
      await journeys.press(page, 'button', 'Back');
      expect(await page.getByRole('textbox', { name: 'Code or link' }).inputValue()).toBe('K7QM-4XDR-92HV');
      await journeys.press(page, 'button', 'Ask to come in');
      await journeys.press(page, 'button', 'Cancel');
      await journeys.press(page, 'button', 'Ask to come in');
      await page.getByText('Waiting until somebody lets Workshop in').waitFor();
      computers.stand('joined', null);
      await page.getByText('Opening North Street…').waitFor();
      await expectNoViolation(page, 'joined');
      computers.stand('member', null);
      // The cluster's name is the title once there is a snapshot; before, for a moment, it is the page's.
      await page.getByRole('heading', { level: 1, name: 'North Street' }).waitFor();
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      expect(problems).toEqual([]);
    });

    it('offers an address where nothing is heard, and looks at the network', async () => {
      const { page, host } = await visit('newcomer', '', axeOptions, ({ cluster }) => {
        cluster.computers.found = [];
      });
      await page.getByRole('button', { name: /^Join a cluster/ }).click();
      await page.getByText('No cluster is heard on this network yet.', { exact: false }).waitFor();
      await page.getByText('The cluster is not in the list?', { exact: false }).click();
      await page.getByText('Allow Coterie in the firewall', { exact: false }).waitFor();
      await expectNoViolation(page, 'nothing heard');
      await page.getByLabel('Address (optional)').fill('10.0.0.9:7400');
      await page.getByLabel('Code or link').fill('K7QM');
      await button(page, 'Ask to come in').click();
      await page.getByText('Waiting until somebody lets Workshop in').waitFor();
      expect(host.cluster.computers.lastInput('join.ask')).toEqual({
        ...{ code: 'K7QM', nodes: 1, address: '10.0.0.9:7400' },
      });
    });

    it('comes back to the first run when this computer is taken out of its cluster', async () => {
      const { page, host } = await visit('lan', '#/computers');
      await button(page, 'Let in… Workshop').click();
      host.cluster.computers.stand('alone', null);
      await page.getByRole('heading', { name: 'Welcome to Coterie' }).waitFor();
      expect(await page.getByRole('dialog').count()).toBe(0);
    });

    it.each(['light', 'dark'] as const)('%s: fits a window of 390 px', async (colorScheme) => {
      const { page } = await visit('newcomer', '', { colorScheme, viewport: { width: 390, height: 844 } });
      await expectNotTooWide(page, 'first run');
      await page.getByRole('button', { name: /^Join a cluster/ }).click();
      await page.getByText('Harbour workshop').waitFor();
      await expectNotTooWide(page, 'join');
    });
  },
);
