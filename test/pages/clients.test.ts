/**
 * How programs reach the data, in Chromium in front of a cluster in memory: no axe violation, the journeys by keyboard alone,
 * what is shown while nothing is known or something fails, and what the snippets say.
 */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { browserPath, usePageVisits } from '../support/page-visits.ts';
import * as journeys from '../support/ui-journeys.ts';
import { fakeAuthority } from '../ui/fake-clients.ts';

const axeOptions = { bypassCSP: true, colorScheme: 'light' } as const;
const languages = ['Node.js', 'Python', 'Go', 'Java', 'C#'] as const;

describe.skipIf(browserPath === undefined)(
  browserPath === undefined ? 'clients (skipped: no Chromium found)' : 'clients',
  () => {
    const visits = usePageVisits();
    const { visit, expectNoViolation, expectNotTooWide } = visits;

    const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
    const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
    const snippet = (page: Page, language: string) =>
      page.getByRole('group', { name: `${language} snippet`, exact: true });
    const choose = (page: Page, group: string, option: string) =>
      page.getByRole('radiogroup', { name: group }).getByText(option, { exact: true }).click();

    it('shows where programs of this computer and of others connect, with which users and certificate', async () => {
      const { page, problems } = await visit('lan', '#/clients', axeOptions);
      const addresses = region(page, 'Addresses');
      await addresses
        .getByRole('row', { name: /office-1 Front desk 127\.0\.0\.1:7379 .*192\.168\.1\.20:7379/ })
        .waitFor();
      await addresses
        .getByRole('row', {
          name: /office-3 Back room On another computer/,
        })
        .getByText('192.168.1.21:7381')
        .waitFor();
      await addresses.getByRole('row', { name: /warehouse-1 Gate .* Closed there, or not up/ }).waitFor();
      await addresses.getByText('http://127.0.0.1:7370/kv/').waitFor();
      const credentials = region(page, 'Credentials');
      expect(await region(page, 'Users').getByRole('listitem').allTextContents()).toEqual([
        'shop',
        'reports',
      ]);
      await credentials.getByText(/^Every program must log in/).waitFor();
      await credentials.getByText('Show it').click();
      expect(await page.getByRole('group', { name: 'Certificate as PEM' }).textContent()).toBe(fakeAuthority);
      await expectNoViolation(page, 'clients');
      expect(problems).toEqual([]);
    });

    it('hands out the certificate as a file and by the clipboard', async () => {
      const { page } = await visit('lan', '#/clients', {
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      const waiting = page.waitForEvent('download');
      await journeys.press(page, 'button', 'Download coterie-ca.pem');
      const download = await waiting;
      expect(download.suggestedFilename()).toBe('coterie-ca.pem');
      expect(await readFile(await download.path(), 'utf8')).toBe(fakeAuthority);
      await journeys.press(page, 'button', 'Copy certificate');
      await page.getByText('Copied certificate').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(fakeAuthority);
      await journeys.press(page, 'button', 'Copy address 192.168.1.20:7379');
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('192.168.1.20:7379');
    });

    it('is opened by keyboard alone, once there is a user and a login is required, and closed after a question', async () => {
      const { page, host, problems } = await visit('three', '#/overview', axeOptions);
      await journeys.openByPalette(page, 'clients page');
      const open = button(page, 'Open to other computers');
      await open.waitFor();
      expect(await open.getAttribute('aria-disabled')).toBe('true');
      expect(await open.getAttribute('title')).toContain('There is no user yet');
      await journeys.press(page, 'button', 'Users…');
      await page.getByRole('dialog', { name: 'Users' }).waitFor();
      host.cluster.access.give(['shop'], false);
      await page.keyboard.press('Escape');
      await page
        .getByText(/^No login is required yet/)
        .first()
        .waitFor();
      await expectNoViolation(page, 'closed');
      host.cluster.access.give(['shop']);
      await region(page, 'Credentials')
        .getByText(/^Every program must log in/)
        .waitFor();
      await journeys.press(page, 'button', 'Open to other computers');
      await page.getByText(/^Programs on other computers may connect now/).waitFor();
      await region(page, 'Addresses').getByText('192.168.1.20:7379').waitFor();
      await expectNoViolation(page, 'open');
      await journeys.press(page, 'button', 'Close…');
      const dialog = page.getByRole('dialog', { name: 'Close Front desk to other computers?' });
      await dialog.waitFor();
      await expectNoViolation(page, 'close');
      await page.locator(':focus', { hasText: 'Keep it open' }).waitFor();
      expect(host.cluster.clients.opened).toEqual([true]);
      await journeys.press(page, 'button', 'Close it');
      await dialog.waitFor({ state: 'detached' });
      await open.waitFor();
      expect(host.cluster.clients.opened).toEqual([true, false]);
      expect(problems).toEqual([]);
    });

    it('opens the interfaces that a person chose, by keyboard, and says which are gone', async () => {
      const { page, host } = await visit('three', '#/clients', axeOptions, ({ cluster }) => {
        cluster.access.give(['shop']);
      });
      const box = (name: RegExp) => page.getByRole('checkbox', { name });
      await box(/^wlan0 wireless, 192\.168\.1\.50$/).waitFor();
      await page.getByText(/^All of them: one that this computer gets later/).waitFor();
      await journeys.tabTo(page, 'checkbox', 'wlan0 wireless, 192.168.1.50');
      await page.keyboard.press('Space');
      await page.getByText(/^These alone\./).waitFor();
      await journeys.press(page, 'button', 'Open to other computers');
      await button(page, 'Close…').waitFor();
      expect(host.cluster.clients.interfaces).toEqual(['eth0']);
      expect([await box(/^eth0/).isChecked(), await box(/^wlan0/).isChecked()]).toEqual([true, false]);
      await region(page, 'Addresses').getByText('https://192.168.1.20:7470/kv/').waitFor();
      expect(await button(page, 'Use these interfaces').count()).toBe(0);
      host.cluster.clients.interfaces = ['eth0', 'usb3'];
      await box(/^usb3 Not there now/).waitFor();
      await expectNoViolation(page, 'interfaces');
      await box(/^eth0/).uncheck();
      await box(/^usb3/).uncheck();
      expect(await button(page, 'Use these interfaces').getAttribute('title')).toContain('or close it');
      await box(/^wlan0/).check();
      await box(/^eth0/).check();
      await box(/^usb3/).check();
      await journeys.press(page, 'button', 'Use these interfaces');
      // The words follow the boxes at once; the button goes when the host has answered.
      await button(page, 'Use these interfaces').waitFor({ state: 'detached' });
      await page.getByText(/^All of them/).waitFor();
      expect(host.cluster.clients.interfaces).toBeNull();
    });

    it('makes a token by keyboard alone, shows it once, and revokes it after a question', async () => {
      const { page, problems } = await visit('lan', '#/clients', axeOptions);
      const tokens = region(page, 'Tokens for programs');
      await tokens.getByText('There is no token.').waitFor();
      await journeys.press(page, 'button', 'New token…');
      const dialog = page.getByRole('dialog', { name: 'Token for a program' });
      await dialog.waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.type('till');
      await expectNoViolation(page, 'new token');
      await journeys.press(page, 'button', 'Make the token');
      const token = await dialog.getByText(/^coterie_[0-9a-f]{12}_.{32}$/).textContent();
      await expectNoViolation(page, 'token');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await tokens.getByRole('row', { name: /^till .* shop .* Not since the start/ }).waitFor();
      expect(await page.content()).not.toContain(token);
      await expectNoViolation(page, 'tokens');
      await journeys.press(page, 'button', 'Revoke till…');
      await page.locator(':focus', { hasText: 'Keep it' }).waitFor();
      await journeys.press(page, 'button', 'Revoke it');
      await tokens.getByText('There is no token.').waitFor();
      expect(problems).toEqual([]);
    });

    it('says why it cannot be opened where no other computer may connect, and leads there', async () => {
      const { page } = await visit('one', '#/clients', axeOptions, ({ cluster }) => {
        cluster.computers.isListening = false;
      });
      const panel = region(page, 'Programs on other computers');
      await panel
        .getByText(/^Other computers cannot connect to this one/)
        .first()
        .waitFor();
      await page.getByText(/^There is none yet\. It is made/).waitFor();
      await page.getByText('There is no user yet.', { exact: true }).waitFor();
      await page.getByText(/^No login is required: every program/).waitFor();
      await choose(page, 'The program runs on', 'Another computer');
      await page.getByText(/^No node takes programs from other computers/).waitFor();
      await expectNoViolation(page, 'alone');
      await journeys.press(page, 'link', 'Go to Computers');
      await page.getByRole('heading', { name: 'Computers', exact: true }).waitFor();
    });

    it('has a snippet for each language and place, with addresses and without a password', async () => {
      const { page, host } = await visit('lan', '#/clients', axeOptions);
      const { password } = (await host.cluster.dispatch('access.addUser', { name: 'till' })) as {
        password: string;
      };
      await region(page, 'Users').getByText('till').waitFor();
      for (const [place, addresses, others] of [
        ['This computer', ['127.0.0.1:7379', '127.0.0.1:7380'], ['192.168', 'coterie-ca.pem']],
        ['Another computer', ['192.168.1.20:7379', '192.168.1.20:7380', '192.168.1.21:7381'], ['127.0.0.1']],
      ] as const) {
        await choose(page, 'The program runs on', place);
        for (const language of languages) {
          await choose(page, 'Language', language);
          const text = (await snippet(page, language).textContent()) ?? '';
          const what = `${language}, ${place}`;
          for (const address of addresses) {
            const [host, port] = address.split(':');
            expect(text, what).toMatch(new RegExp(`${host.replaceAll('.', '\\.')}\\D{1,12}${port}\\b`));
          }
          for (const other of others) expect(text, what).not.toContain(other);
          expect(text, what).toContain('shop');
          expect(text, what).toContain('COTERIE_PASSWORD');
          if (place === 'Another computer') expect(text, what).toContain('coterie-ca.pem');
          // Nothing that looks like one: they have four groups of five.
          expect(await page.content(), what).not.toMatch(/\b[a-z2-9]{5}(-[a-z2-9]{5}){3}\b/);
          expect(await page.content(), what).not.toContain(password);
        }
      }
      await expectNoViolation(page, 'snippets');
    });

    it('leaves out the login where none is required, and is chosen by keyboard', async () => {
      const { page } = await visit('three', '#/clients');
      await journeys.tabTo(page, 'radio', 'Node.js');
      await page.keyboard.press('ArrowRight');
      const text = (await snippet(page, 'Python').textContent()) ?? '';
      expect(text).toContain('"127.0.0.1", 7381');
      expect(text).not.toMatch(/password|username|ssl/i);
      await journeys.tabTo(page, 'radio', 'This computer');
      await page.keyboard.press('ArrowRight');
      await page.getByText(/^No node takes programs from other computers/).waitFor();
    });

    it('says while no answer comes, keeps what it knew when one fails, and changes nothing in read-only mode', async () => {
      let release = () => {};
      const { page, host } = await visit('lan', '#/clients', axeOptions, ({ cluster }) => {
        cluster.clients.gate = new Promise((resolve) => (release = resolve));
      });
      await page.getByText('Asking the host how programs reach the data…').waitFor();
      await expectNoViolation(page, 'loading');
      release();
      await button(page, 'Close…').waitFor();
      host.cluster.failing = true;
      await page.getByText(/^How programs reach the data is not known now\..* old\.$/).waitFor();
      await region(page, 'Addresses').getByText('192.168.1.20:7379').waitFor();
      await expectNoViolation(page, 'old');
      host.cluster.failing = false;
      await page.getByText(/not known now/).waitFor({ state: 'detached' });
      host.cluster.setReadOnly();
      await page.locator('[aria-disabled]', { hasText: 'Close…' }).waitFor();
      expect(await button(page, 'Close…').getAttribute('title')).toContain('read-only mode');
      await button(page, 'Copy snippet').waitFor();
    });

    it('failing: has no axe violation and says why nothing is known', async () => {
      const { page } = await visit('failing', '#/clients', axeOptions);
      await page.getByText(/^How programs reach the data is not known now/).waitFor();
      await expectNoViolation(page, 'failing');
    });

    it('shows a refusal to open where the host gives it', async () => {
      const { page, host } = await visit('three', '#/clients', axeOptions, ({ cluster }) => {
        cluster.access.give(['shop']);
      });
      await button(page, 'Open to other computers').waitFor();
      host.cluster.access.give([], false);
      await button(page, 'Open to other computers').click();
      await region(page, 'Programs on other computers')
        .getByRole('alert')
        .getByText('There is no user yet', { exact: false })
        .waitFor();
      expect(host.cluster.clients.opened).toEqual([]);
    });

    it.each(['light', 'dark'] as const)('%s: fits a window of 390 px', async (colorScheme) => {
      const { page } = await visit('lan', '#/clients', {
        colorScheme,
        viewport: { width: 390, height: 844 },
      });
      await choose(page, 'The program runs on', 'Another computer');
      for (const language of languages) {
        await choose(page, 'Language', language);
        await snippet(page, language).waitFor();
        await expectNotTooWide(page, language);
      }
      await page.getByText('Show it').click();
      await expectNotTooWide(page, 'certificate');
      await button(page, 'New token…').click();
      await button(page, 'Make the token').click();
      await page.getByText(/^coterie_/).waitFor();
      await expectNotTooWide(page, 'token');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: /^Revoke/ }).waitFor();
      await expectNotTooWide(page, 'tokens');
      await button(page, 'Close…').click();
      await page.getByRole('dialog').waitFor();
      await expectNotTooWide(page, 'close');
    });
  },
);
