/**
 * Computers, the inbox and invitations, in Chromium in front of a cluster in memory: no axe violation, the
 * journeys by keyboard alone, and what is shown while nothing is known or something fails.
 */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { browserPath, usePageVisits } from '../support/page-visits.ts';
import * as journeys from '../support/ui-journeys.ts';

const axeOptions = { bypassCSP: true, colorScheme: 'light' } as const;

describe.skipIf(browserPath === undefined)(
  browserPath === undefined ? 'computers (skipped: no Chromium found)' : 'computers',
  () => {
    const visits = usePageVisits();
    const { visit, expectNoViolation, expectNotTooWide } = visits;

    const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
    const inbox = (page: Page) => page.getByRole('region', { name: 'Asking to come in' });

    it('shows who is in, since when one is away, who asks, who is near and what is wrong with the network', async () => {
      const { page, problems } = await visit('lan', '#/computers', axeOptions);
      const members = page.getByRole('region', { name: 'In this cluster' });
      await members.getByText('Away for 5 min').waitFor();
      await members.getByText('8f3a 19c2 7be4 d05f', { exact: false }).waitFor();
      await members.getByText('Reached', { exact: true }).waitFor();
      expect(await inbox(page).getByRole('listitem').count()).toBe(2);
      const near = page.getByRole('region', { name: 'Near by' });
      await near.getByRole('region', { name: 'Waiting for a cluster' }).getByText('Till A').waitFor();
      await near.getByText('of Harbour workshop').waitFor();
      const network = page.getByRole('region', { name: 'Network' });
      await network.getByRole('row', { name: /wlp2s0 wireless .* Failing 214 0/ }).waitFor();
      await network.getByText('Allow Coterie in the firewall', { exact: false }).waitFor();
      await expectNoViolation(page, 'computers');
      expect(problems).toEqual([]);
    });

    it('locks and unlocks the keys of this computer by keyboard, and says why where that cannot be', async () => {
      const { page, host, problems } = await visit('lan', '#/computers', axeOptions);
      const lock = page.getByRole('switch', {
        name: "Lock this computer's keys with the system's key store",
      });
      await page.getByText('Whoever copies the disk cannot use them.', { exact: false }).waitFor();
      await lock.focus();
      await page.keyboard.press('Space');
      await page.getByText('The keys are in plain files now.').waitFor();
      await page.getByText('Whoever has a copy of the disk has the keys.', { exact: false }).waitFor();
      expect(host.cluster.computers.lastInput('computer.lockKeys')).toEqual({ on: false });
      expect(await lock.isChecked()).toBe(false);
      host.cluster.computers.keyLock = { isOn: false, whyNot: 'There is none here.' };
      await page.getByText('There is none here.', { exact: false }).waitFor();
      expect(await lock.isDisabled()).toBe(true);
      await expectNoViolation(page, 'computers whose keys cannot be locked');
      expect(problems).toEqual([]);
    });

    it('counts on every page who asks, and asks while another page is open', async () => {
      const { page, host } = await visit('lan', '#/overview');
      const link = page.getByRole('link', { name: /^Computers/ });
      await page.getByRole('link', { name: /^Computers.*2 need you$/ }).waitFor();
      host.cluster.computers.requests = host.cluster.computers.requests.slice(0, 1);
      await link.getByText('1', { exact: true }).waitFor();
    });

    it('lets a computer in by keyboard alone, into a new data center, and only stages its nodes', async () => {
      const { page, host, problems } = await visit('lan', '#/overview');
      await journeys.openByPalette(page, 'computers page');
      await journeys.press(page, 'button', 'Let in… Workshop');
      await page.getByRole('dialog', { name: 'Let Workshop in?' }).waitFor();
      await journeys.tabTo(page, 'combobox', 'Data center');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('garage');
      await journeys.tabTo(page, 'radio', /^Owner/);
      await page.keyboard.press('ArrowUp');
      await page.getByRole('radio', { name: /^Viewer/, checked: true }).waitFor();
      await journeys.tabTo(page, 'checkbox', /^Only stage its nodes/);
      await page.keyboard.press('Space');
      await journeys.press(page, 'button', 'Let Workshop in');
      await page.getByText(/^Workshop is in\. Its nodes are staged/).waitFor();
      await page.getByRole('heading', { name: 'Ring & nodes' }).waitFor();
      expect(host.cluster.computers.lastInput('computers.approve')).toEqual({
        ...{ id: 'r1', dataCenter: 'garage', apply: false, role: 'viewer' },
      });
      expect(problems).toEqual([]);
    });

    it('keeps a request on screen that goes away while somebody looks at it, and says so', async () => {
      const { page, host } = await visit('lan', '#/computers', axeOptions);
      await button(page, 'Let in… Workshop').click();
      const dialog = page.getByRole('dialog', { name: 'Let Workshop in?' });
      await dialog.getByText('d17e 6b25', { exact: false }).waitFor();
      await expectNoViolation(page, 'let in');
      host.cluster.computers.requests = [];
      await dialog.getByText(/^Workshop no longer asks/).waitFor();
      await dialog.getByText('d17e 6b25', { exact: false }).waitFor();
      expect(await button(page, 'Let Workshop in').getAttribute('aria-disabled')).toBe('true');
      await expectNoViolation(page, 'a request that is gone');
      await page.keyboard.press('Escape');
      await inbox(page)
        .getByText(/^Nobody asks/)
        .waitFor();
    });

    it('refuses one and blocks another by keyboard alone, and leaves the focus where it makes sense', async () => {
      const { page, host } = await visit('lan', '#/computers', axeOptions);
      await journeys.press(page, 'button', 'Refuse Workshop');
      await button(page, 'Refuse Workshop').waitFor({ state: 'detached' });
      await page.locator('h2:focus', { hasText: 'Asking to come in' }).waitFor();
      expect(host.cluster.computers.lastInput('computers.refuse')).toEqual({ id: 'r1', block: false });
      await journeys.press(page, 'button', 'Block Meeting room on the second floor…');
      await expectNoViolation(page, 'block');
      await journeys.press(page, 'button', 'Block Meeting room on the second floor');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(host.cluster.computers.lastInput('computers.refuse')).toEqual({ id: 'r2', block: true });
    });

    it('shows the longest name that there can be in a dialog and on its buttons, and nothing beyond the edge', async () => {
      const { page, host } = await visit('lan', '#/computers');
      const name = 'reception-desk-computer-of-the-second-floor-of-the-old-building'.slice(0, 63);
      host.cluster.computers.requests = host.cluster.computers.requests
        .slice(0, 1)
        .map((request) => ({ ...request, computer: name }));
      await button(page, `Let in… ${name}`).click();
      const dialog = page.getByRole('dialog', { name: `Let ${name} in?` });
      await dialog.waitFor();
      for (const width of [1_180, 420]) {
        await page.setViewportSize({ width, height: 850 });
        const beyond = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
        expect(beyond, `at ${width}`).toBeLessThanOrEqual(0);
      }
    });

    it('removes a computer after it has handed over, or now, once its name was typed', async () => {
      const { page, host } = await visit('lan', '#/computers', axeOptions);
      await journeys.press(page, 'button', 'Remove Gate…');
      const dialog = page.getByRole('dialog', { name: 'Remove Gate?' });
      await dialog.getByText('It hands over nothing until it is back', { exact: false }).waitFor();
      await expectNoViolation(page, 'remove');
      await journeys.tabTo(page, 'radio', /^Hand over first/);
      await page.keyboard.press('ArrowDown');
      await dialog.getByText('Do reads and writes go on without it?').waitFor();
      await dialog.getByText(/^Yes\. Reads and writes|^Not without a gap/).waitFor();
      await expectNoViolation(page, 'remove now');
      const now = button(page, 'Remove Gate now');
      expect(await now.getAttribute('title')).toBe('Type Gate first.');
      await journeys.tabTo(page, 'checkbox', /^Also replace the authority/);
      await page.keyboard.press('Space');
      await journeys.tabTo(page, 'textbox', /^Type/);
      await page.keyboard.type('Gate');
      await page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'detached' });
      expect(host.cluster.computers.lastInput('computers.remove')).toEqual({
        ...{ name: 'Gate', now: true, newAuthority: true },
      });
      // No event tells of it: the page looks anew.
      await button(page, 'Remove Gate…').waitFor({ state: 'detached' });
      await journeys.openByPalette(page, 'remove back room');
      await journeys.press(page, 'button', 'Remove Back room');
      await page.getByText('Back room hands over what it has, and leaves then.').waitFor();
      expect(host.cluster.computers.lastInput('computers.remove')).toEqual({
        name: 'Back room',
        now: false,
        newAuthority: false,
      });
    });

    it('changes what a computer may do by keyboard alone, and never takes the last owner', async () => {
      const { page, host, problems } = await visit('lan', '#/computers', axeOptions, ({ cluster }) => {
        for (const name of ['Back room', 'Gate']) cluster.computers.roles.set(name, 'viewer');
      });
      await journeys.press(page, 'button', 'Role… Front desk');
      const last = page.getByRole('dialog', { name: 'What may Front desk do?' });
      await journeys.tabTo(page, 'radio', /^Owner/);
      await page.keyboard.press('ArrowDown');
      await last.getByText('From here you cannot take it back', { exact: false }).waitFor();
      expect(await button(page, 'Change it').getAttribute('title')).toContain('It is the only owner.');
      await page.keyboard.press('Escape');
      await journeys.openByPalette(page, 'change what gate');
      const dialog = page.getByRole('dialog', { name: 'What may Gate do?' });
      await expectNoViolation(page, 'role');
      await journeys.tabTo(page, 'radio', /^Viewer/);
      await page.keyboard.press('ArrowUp');
      await journeys.press(page, 'button', 'Change it');
      await dialog.waitFor({ state: 'detached' });
      expect(host.cluster.computers.lastInput('computers.setRole')).toEqual({
        name: 'Gate',
        role: 'operator',
      });
      // No event tells of it: the page looks anew.
      await page
        .getByRole('listitem')
        .filter({ hasText: 'Gate' })
        .getByText('Operator', { exact: true })
        .waitFor();
      expect(problems).toEqual([]);
    });

    it.each([
      ['viewer', 'may look, and change nothing', false],
      ['operator', 'may run the cluster, and not change what it is made of', true],
    ] as const)(
      '%s: says once what the computer may do, why a button cannot be used, and what helps when no owner is left',
      async (role, words, runs) => {
        const { page } = await visit('lan', '#/computers', axeOptions, ({ cluster }) => {
          for (const name of ['Front desk', 'Back room']) cluster.computers.roles.set(name, role);
        });
        const banner = page.getByRole('region', { name: 'What this computer may do' });
        await banner.getByText(words, { exact: false }).waitFor();
        // Gate, the only owner, is away.
        await banner.getByText('coterie computer role "Front desk" owner --take').waitFor();
        const why = `This computer ${words}`;
        for (const name of ['Invite a computer…', 'Let in… Workshop', 'Remove Gate…']) {
          expect(await button(page, name).getAttribute('title')).toContain(why);
        }
        await expectNoViolation(page, role);
        await page.getByRole('link', { name: /^Repair/ }).click();
        const repair = await button(page, 'Run a repair…').getAttribute('title');
        expect(repair?.includes(why) ?? false).toBe(!runs);
        await page.getByRole('link', { name: 'Keyspaces', exact: true }).click();
        expect(await button(page, 'New keyspace').getAttribute('title')).toContain(why);
        await banner.waitFor();
      },
    );

    it('makes a code that can be read aloud and copied, counts it down and says when it is over', async () => {
      const { page, host } = await visit('lan', '#/computers', axeOptions);
      host.cluster.computers.invitationMs = 6_000;
      await journeys.press(page, 'button', 'Invite a computer…');
      const dialog = page.getByRole('dialog', { name: 'Invite a computer' });
      expect(await dialog.getByRole('combobox', { name: 'Data center' }).inputValue()).toBe('office');
      await expectNoViolation(page, 'invite');
      await journeys.press(page, 'button', 'Make a code');
      await dialog.getByText('K7QM 4XDR 92HV').waitFor();
      await dialog.getByText(/^Good for another 0:0\d$/).waitFor();
      await journeys.press(page, 'button', 'Copy code');
      await journeys.press(page, 'button', 'Copy link');
      await dialog.getByText('This code is over.', { exact: false }).waitFor();
      host.cluster.computers.invitationMs = 600_000;
      await journeys.press(page, 'button', 'Make another one');
      await journeys.press(page, 'button', 'Make a code');
      await dialog.getByText(/^Good for another (10:00|9:5\d)$/).waitFor();
      await expectNoViolation(page, 'a code');
    });

    it('waits for nothing: while no answer comes, it says so and every other page is open', async () => {
      let release = () => {};
      const { page } = await visit('lan', '#/computers', axeOptions, ({ cluster }) => {
        cluster.computers.gate = new Promise((resolve) => (release = resolve));
      });
      await inbox(page).getByText('Asking the computers of this cluster…').waitFor();
      await page.getByText('Listening…').waitFor();
      await page.getByText('Looking at the network…').waitFor();
      await expectNoViolation(page, 'nothing known yet');
      await page.getByRole('link', { name: 'Keyspaces', exact: true }).click();
      await page.getByRole('heading', { name: 'default', exact: true }).waitFor();
      await page.goBack();
      release();
      await button(page, 'Let in… Workshop').waitFor();
    });

    it('keeps what it knew when an answer fails, and says how old that is', async () => {
      const { page, host } = await visit('lan', '#/computers', axeOptions);
      await button(page, 'Let in… Workshop').waitFor();
      host.cluster.failing = true;
      await inbox(page)
        .getByText(/^Who asks is not known now\..* old\.$/)
        .waitFor();
      await button(page, 'Let in… Workshop').waitFor();
      await page.getByText(/^Who is near is not known now/).waitFor();
      await button(page, 'Look again').click();
      await page.getByText(/^The network could not be looked at/).waitFor();
      await expectNoViolation(page, 'failing');
      host.cluster.failing = false;
      await page
        .getByText(/not known now/)
        .first()
        .waitFor({ state: 'detached' });
      host.cluster.setReadOnly();
      await page.locator('[aria-disabled]', { hasText: 'Let in…' }).first().waitFor();
      expect(await button(page, 'Invite a computer…').getAttribute('title')).toContain('read-only mode');
    });

    it.each(['one', 'failing'] as const)(
      '%s: an empty network and one that fails have no axe violation',
      async (variant) => {
        const { page } = await visit(variant, '#/computers', axeOptions);
        await page.getByText(variant === 'one' ? 'Nobody is heard' : /^Who is near is not known/).waitFor();
        await expectNoViolation(page, variant);
        expect(
          await button(page, `Remove ${variant === 'one' ? 'Laptop' : 'Front desk'}…`).getAttribute('title'),
        ).toBe('It is the only computer of this cluster.');
      },
    );

    it('replaces the keys of the cluster by keyboard, and says before what programs need then', async () => {
      const { page, host, problems } = await visit('lan', '#/computers', axeOptions);
      await page.getByText('as it began').waitFor();
      await journeys.press(page, 'button', 'Replace the keys…');
      await page.getByRole('dialog').waitFor();
      await journeys.tabTo(page, 'checkbox', /^Also the certificate that programs check/);
      await page.keyboard.press('Space');
      await page.getByText('Programs on other computers cannot connect until', { exact: false }).waitFor();
      await expectNoViolation(page, 'replace keys');
      await journeys.press(page, 'button', 'Replace the keys');
      await page.getByText('The keys were replaced.').waitFor();
      expect(host.cluster.computers.lastInput('computers.replaceKeys')).toEqual({ authority: true });

      await journeys.press(page, 'button', 'Replace the keys…');
      await page.getByLabel('Which', { exact: true }).selectOption('Gate');
      await page.getByText('For a computer whose disk was copied.', { exact: false }).waitFor();
      await expectNoViolation(page, 'replace the key of one computer');
      await journeys.press(page, 'button', 'Replace the keys');
      await page.getByText('Gate uses its new key within seconds.').waitFor();
      expect(host.cluster.computers.lastInput('computers.replaceOwnKey')).toEqual({ name: 'Gate' });
      expect(problems).toEqual([]);
    });

    it('goes on as a member with a host that knows no other computers', async () => {
      const { page } = await visit('lan', '#/computers', {}, ({ cluster }) => {
        cluster.computers.isOld = true;
      });
      await page.getByRole('heading', { name: 'Computers', exact: true }).waitFor();
      await inbox(page).getByText('There is no method', { exact: false }).waitFor();
    });

    it.each(['light', 'dark'] as const)('%s: fits a window of 390 px', async (colorScheme) => {
      const options = { colorScheme, viewport: { width: 390, height: 844 } };
      const { page } = await visit('lan', '#/computers', options);
      await button(page, 'Let in… Workshop').waitFor();
      await page.getByRole('row', { name: /wlp2s0/ }).waitFor();
      await expectNotTooWide(page, 'computers');
      for (const name of [
        ...['Let in… Workshop', 'Role… Gate', 'Remove Gate…', 'Invite a computer…', 'Replace the keys…'],
      ]) {
        await button(page, name).click();
        await page.getByRole('dialog').waitFor();
        await expectNotTooWide(page, name);
        await page.keyboard.press('Escape');
      }
    });
  },
);
