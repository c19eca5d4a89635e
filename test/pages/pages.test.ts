/**
 * The page in Chromium in front of a cluster in memory: no axe violation on any page, theme, dialog and empty or failing
 * state; the journeys by keyboard alone; and what happens when the host goes away. Skipped where there is no Chromium.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { allowedMs } from '../support/abuse.ts';
import { browserPath, usePageVisits } from '../support/page-visits.ts';
import * as journeys from '../support/ui-journeys.ts';
import type { Variant } from '../ui/fake-layouts.ts';
import * as repairing from '../ui/repair-journeys.ts';

describe.skipIf(browserPath === undefined)(
  browserPath === undefined ? 'the page (skipped: no Chromium found)' : 'the page',
  () => {
    const visits = usePageVisits();
    const { visit, shown, settle, violations, expectNoViolation, expectNotTooWide } = visits;

    /** One load for each cluster, at a link as deep as there is; from there its pages are reached as a person reaches them. */
    const states: readonly (readonly [Variant, readonly string[]])[] = [
      [
        'three',
        [
          '#/data/default/order:8801',
          '#/overview',
          '#/ring',
          '#/data',
          '#/data/default/nothing-here',
          '#/repair',
          '#/nowhere',
        ],
      ],
      ['one', ['#/overview', '#/repair']],
      [
        'three-centers',
        [
          '#/ring/shop-2',
          '#/overview',
          '#/ring/shop-1',
          '#/keyspaces',
          '#/data/default/cart:31',
          '#/repair',
          '#/activity',
        ],
      ],
      ['two-centers', ['#/repair/sessions', '#/keyspaces']],
      ['failing', ['#/data/default/order:8801', '#/ring/home-1', '#/overview', '#/repair']],
      ['empty', ['#/overview', '#/keyspaces', '#/data', '#/repair', '#/activity']],
      ['losses', ['#/ring/home-3', '#/overview']],
    ];

    it.each(states)(
      'no page of %s has an axe violation, in light and in dark: %s',
      async (variant, hashes) => {
        const { page, host, problems } = await visit(variant, hashes[0], {
          bypassCSP: true,
          colorScheme: 'light',
        });
        for (const hash of hashes) {
          await page.goto(host.url + hash);
          await settle(page);
          await shown(page);
          if (hash.includes('/default/')) await page.locator('[aria-busy="false"]').waitFor();
          await expectNoViolation(page, hash);
        }
        expect(problems).toEqual([]);
      },
    );

    it('dialogs, tables and the palette have no axe violation, in light and in dark', async () => {
      const { page } = await visit('three-centers', '#/keyspaces', { bypassCSP: true, colorScheme: 'light' });
      const check = (what: string) => expectNoViolation(page, what);
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
      await page.getByRole('button', { name: 'Users', exact: true }).click();
      await page.getByRole('textbox', { name: 'New user' }).fill('shop');
      await page.getByRole('button', { name: 'Add user' }).click();
      await page.getByRole('button', { name: 'Rights of shop' }).click();
      await page.getByRole('form', { name: 'Rights of shop' }).getByLabel('All keyspaces').uncheck();
      await check('users');
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Overview', exact: true }).click();
      await page.getByRole('radiogroup', { name: 'Show as', exact: true }).getByText('Table').click();
      await page.getByRole('radiogroup', { name: 'Show operations as' }).getByText('Table').click();
      await check('tables of the overview');
    });

    it.each([
      ['three', 'home-1', 'home'],
      ['three-centers', 'office-1', 'warehouse'],
    ] as const)(
      '%s: a change of the cluster, its dialogs and whether something can be switched off have no axe violation, in light and in dark',
      async (variant, node, dataCenter) => {
        const { page } = await visit(variant, '#/ring', { bypassCSP: true, colorScheme: 'light' });
        const check = (what: string) => expectNoViolation(page, what);
        const showAs = (what: string) =>
          page.getByRole('radiogroup', { name: 'Show as', exact: true }).getByText(what).click();
        await page.getByRole('button', { name: 'Add nodes…' }).click();
        const adding = page.getByRole('dialog', { name: 'Add nodes' });
        await adding.waitFor();
        await check('add nodes');
        await adding.getByRole('button', { name: 'Stage' }).click();
        await adding.waitFor({ state: 'hidden' });
        await page.getByRole('heading', { name: 'Staged: what would move' }).waitFor();
        await page.getByLabel('What to switch off').selectOption({ label: dataCenter });
        const verdict = page
          .getByText('Reads and writes of every keyspace')
          .or(page.getByText('Not without a gap'));
        await verdict.first().waitFor();
        await check('a staged plan');
        await showAs('Table');
        await check('a staged plan as a table');
        await showAs('Ring');
        await page.getByRole('button', { name: `Can I switch ${dataCenter} off?` }).click();
        await page.getByRole('dialog').getByRole('status').getByText(dataCenter).first().waitFor();
        await check('can I switch it off');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: `Change ${node}…`, exact: true }).click();
        const changing = page.getByRole('dialog', { name: `Change ${node}` });
        for (const choice of ['Change its weight', 'Move it to another data center']) {
          await changing.getByText(choice).click();
          await check(`change a node: ${choice}`);
        }
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Apply', exact: true }).click();
        await page.getByRole('heading', { name: 'Under way: what moves' }).waitFor();
        await check('a change under way');
      },
    );

    it('a node that is dragged to another data center is staged to move there, and one dropped at home is not', async () => {
      const { page, problems } = await visit('three-centers', '#/ring');
      const legend = page.locator('.legend');
      const node = legend.locator('li', { hasText: 'office-1' }).first();
      const center = (name: string) => legend.getByRole('region', { name, exact: true });
      await node.dragTo(center('office').locator('h3'));
      expect(await page.getByRole('heading', { name: 'Staged: what would move' }).count()).toBe(0);
      await node.dragTo(center('warehouse').locator('h3'));
      await page.getByRole('heading', { name: 'Staged: what would move' }).waitFor();
      await page.getByText('Move office-1 to warehouse', { exact: false }).first().waitFor();
      expect(problems).toEqual([]);
    });

    it('repairs, activity and their dialogs have no axe violation, in light and in dark', async () => {
      const { page, host } = await visit('three-centers', '#/repair', {
        bypassCSP: true,
        colorScheme: 'light',
      });
      const check = (what: string) => expectNoViolation(page, what);
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      await button('Run a repair…').click();
      await page.getByText('A range of partitions').click();
      await page.getByRole('checkbox', { name: 'shop' }).uncheck();
      await page.getByRole('spinbutton', { name: 'Last partition' }).fill('5000');
      await check('run a repair');
      await page.keyboard.press('Escape');
      await button('New schedule').click();
      await button('Add a quiet time').click();
      await check('schedule');
      await page.keyboard.press('Escape');
      await button('Cancel the repair of default').click();
      await check('cancel');
      await page.keyboard.press('Escape');
      await page.getByRole('radiogroup', { name: 'Show default as' }).getByText('Table').click();
      await page.getByText('64 segments as a table').first().click();
      await page.locator('button.fold').first().click();
      await check('tables and history');
      await button('Pause the repair of default').click();
      await page.getByText('Paused', { exact: true }).waitFor();
      host.cluster.setReadOnly();
      await page.locator('[aria-disabled]', { hasText: 'Resume' }).waitFor();
      await check('paused and read-only');
      await page.getByRole('link', { name: 'Activity', exact: true }).click();
      await page.getByRole('group', { name: 'Kinds' }).getByText('Membership').click();
      await check('filtered activity');
      await page.getByRole('searchbox').fill('no such thing');
      await page.getByText('Nothing matches').waitFor();
      await check('nothing matches');
    });

    it.each(['light', 'dark'] as const)(
      '%s: tells of a loss, and lets a person accept it by keyboard, but neither while data is coming nor in read-only mode',
      async (colorScheme) => {
        const { page, host, problems } = await visit('losses', '#/overview', {
          bypassCSP: true,
          colorScheme,
        });
        await page
          .getByRole('heading', { name: 'Writes may be lost in 1,024 partitions of default' })
          .waitFor();
        await page.getByRole('heading', { name: 'home-3 waits for home-1' }).waitFor();
        await page.getByRole('link', { name: /^See home-2.*1,024 partitions of default$/ }).click();
        await page
          .locator('#node-home-2')
          .getByText('and 683 partitions of sessions', { exact: false })
          .waitFor();
        await journeys.openByPalette(page, 'accept the loss at home-3');
        const dialog = page.getByRole('dialog', { name: 'Accept the loss at home-3?' });
        await dialog.getByRole('row', { name: 'default 1,024' }).waitFor();
        await dialog.getByText('home-3 no longer waits for home-1.', { exact: false }).waitFor();
        await dialog.getByText('Start home-1', { exact: false }).waitFor();
        await dialog.getByText('This cannot be undone.', { exact: false }).waitFor();
        expect(await violations(page)).toEqual([]);
        await journeys.press(page, 'button', 'Accept the loss at home-3');
        await dialog.waitFor({ state: 'detached' });
        await page
          .locator('#node-home-3')
          .getByRole('button', { name: /^Accept the loss/ })
          .waitFor({ state: 'detached' });
        const second = page
          .locator('#node-home-2')
          .getByRole('button', { name: 'Accept the loss at home-2…' });
        host.cluster.setReadOnly();
        await page.locator('#node-home-2 [aria-disabled]', { hasText: 'Accept the loss…' }).waitFor();
        expect(await second.getAttribute('title')).toContain('read-only');
        await page.getByRole('link', { name: 'Activity', exact: true }).click();
        await page
          .getByText('Accepted: writes may be lost in 1,024 partitions of default', { exact: false })
          .waitFor();
        expect(problems).toEqual([]);
      },
    );

    it('accepts no loss while a node that is up still brings data', async () => {
      const { page, host } = await visit('losses', '#/ring/home-3');
      host.cluster.setState('home-1', 'up');
      const button = page.locator('#node-home-3').getByRole('button', { name: 'Accept the loss at home-3…' });
      await page.locator('#node-home-3 [aria-disabled]', { hasText: 'Accept the loss…' }).waitFor();
      expect(await button.getAttribute('title')).toContain('still getting data from home-1');
    });

    it('stages nodes and shows what they do before anything is applied, says why a plan is blocked, and discards it', async () => {
      const { page, problems } = await visit('three', '#/ring');
      await page.getByRole('button', { name: 'Add nodes…' }).click();
      const adding = page.getByRole('dialog', { name: 'Add nodes' });
      await adding.getByLabel('How many').fill('2');
      await adding.getByRole('button', { name: 'Stage' }).click();
      await adding.waitFor({ state: 'detached' });
      const plan = page.getByRole('region', { name: 'Change the cluster' });
      await plan.getByText(/partitions move/).waitFor();
      expect(await plan.getByRole('row').count()).toBe(6);
      await plan.getByRole('button', { name: 'Discard' }).click();
      await plan.getByText(/partitions move/).waitFor({ state: 'detached' });
      const [first] = await page.getByRole('button', { name: /^Change .*: remove/ }).all();
      await first.click();
      const changing = page.getByRole('dialog', { name: /^Change / });
      await changing.getByRole('button', { name: 'Stage' }).click();
      await plan.getByText(/asks for 3 copies .* only 2 nodes/).waitFor();
      const apply = plan.getByRole('button', { name: 'Apply' });
      expect(await apply.getAttribute('aria-disabled')).toBe('true');
      expect(problems).toEqual([]);
    });

    it('stages a change of a node from the ring by keyboard alone, and shows on the ring what moves', async () => {
      const { page, problems } = await visit('three', '#/overview');
      await journeys.stageFromRing(page, 'home-1', 'home-2');
      await page.getByText('Give home-2 the weight 2').waitFor();
      // Of the keyspace with two copies: of the other one every node has everything, whatever its weight.
      await page.getByRole('img', { name: /home-2 gets copies of/ }).waitFor();
      expect(problems).toEqual([]);
    });

    it('agrees with the whole cluster on how hard data moves and whether nodes join by themselves', async () => {
      const { page, problems } = await visit('three', '#/ring');
      const pace = page.getByRole('group', { name: 'How data moves while clients are served' });
      await pace.getByRole('radio', { name: /^normal/i, checked: true }).waitFor();
      await pace.getByRole('radio', { name: /^gentle/i }).focus();
      await page.keyboard.press('Space');
      await pace.getByRole('radio', { name: /^gentle/i, checked: true }).waitFor();
      const joining = page.getByRole('switch', { name: /^New nodes join by themselves/ });
      await joining.focus();
      await page.keyboard.press('Space');
      await page.reload();
      // Kept where every page sees it.
      await pace.getByRole('radio', { name: /^gentle/i, checked: true }).waitFor();
      expect(await joining.isChecked()).toBe(true);
      expect(problems).toEqual([]);
    });

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

    it('asks the host what a draft of a keyspace would promise, and greys what it said of an older draft', async () => {
      const { page, host, problems } = await visit('three-centers', '#/keyspaces');
      await page.getByRole('button', { name: 'New keyspace' }).click();
      const dialog = page.getByRole('dialog', { name: 'New keyspace' });
      const meaning = dialog.getByRole('complementary', { name: 'What this means' });
      const level = (name: string, value: string) =>
        dialog.getByRole('combobox', { name }).selectOption(value);
      await dialog.getByRole('switch', { name: /Sloppy/ }).uncheck();
      await meaning.getByText('Reads always see the latest write').waitFor();
      await level('Read level', 'LOCAL_QUORUM');
      await level('Write level', 'LOCAL_QUORUM');
      await meaning.getByText('Reads see the latest write only within one data center').waitFor();
      let letGo = () => {};
      host.cluster.previewGate = new Promise((resolve) => {
        letGo = resolve;
      });
      await level('Write level', 'EACH_QUORUM');
      await meaning.locator('[aria-busy=true]').waitFor();
      expect(await meaning.innerText()).toContain('only within one data center');
      letGo();
      await meaning.locator('[aria-busy=false]').waitFor();
      expect(await meaning.innerText()).toContain('Reads always see the latest write');
      host.cluster.failing = true;
      await level('Write level', 'ONE');
      await meaning.getByText(/^Only 1 of 2 needed replicas answered/).waitFor();
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

    it('adds a user, shows its password once, and requires a login', async () => {
      const { page, problems } = await visit('three', '#/overview');
      await journeys.openByPalette(page, 'users…');
      const dialog = page.getByRole('dialog', { name: 'Users' });
      await dialog.getByText('may do everything without a login', { exact: false }).waitFor();
      expect(await dialog.getByRole('button', { name: 'Require a login' }).count()).toBe(0);
      await dialog.getByRole('textbox', { name: 'New user' }).fill('a b');
      await page.keyboard.press('Enter');
      await dialog.getByRole('alert').getByText('Use letters, digits', { exact: false }).waitFor();
      await dialog.getByRole('textbox', { name: 'New user' }).fill('shop');
      await page.keyboard.press('Enter');
      const password = await dialog.getByRole('status').locator('code').innerText();
      expect(password).toMatch(/^[a-z0-9]{5}(-[a-z0-9]{5}){3}$/);
      await dialog.getByRole('button', { name: 'Require a login' }).click();
      await dialog.getByText('Programs must log in', { exact: false }).waitFor();
      await dialog.getByRole('button', { name: 'Remove shop' }).click();
      await dialog.getByRole('alert').getByText('is the last user', { exact: false }).waitFor();
      await page.keyboard.press('Escape');
      await journeys.openByPalette(page, 'users…');
      await dialog.getByRole('button', { name: 'New password for shop' }).waitFor();
      expect(await dialog.getByText(password).count()).toBe(0);
      expect(problems).toEqual([]);
    });

    it('says what a user may do and where, by keyboard too, and changes it', async () => {
      const { page, problems } = await visit('three', '#/overview');
      await journeys.openByPalette(page, 'users…');
      const dialog = page.getByRole('dialog', { name: 'Users' });
      const anew = dialog.getByRole('form', { name: 'New user' });
      const level = anew.getByLabel('What it may do');
      expect(await level.inputValue()).toBe('write');
      expect(await level.locator('option').allTextContents()).toEqual([
        ...['may read', 'may read and write', 'may administer'],
      ]);
      await anew.getByRole('textbox', { name: 'New user' }).fill('till');
      await level.selectOption({ label: 'may read' });
      const everything = anew.getByRole('checkbox', { name: 'All keyspaces' });
      await everything.focus();
      await page.keyboard.press('Space');
      await anew.getByText('Choose one, or it can use none.').waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      await anew.getByRole('button', { name: 'Add user' }).click();
      const row = dialog.getByRole('listitem').filter({ hasText: 'till' });
      await row.getByText('may read: default', { exact: true }).waitFor();
      // What was chosen for one is not what the next one gets.
      expect(await level.inputValue()).toBe('write');
      expect(await everything.isChecked()).toBe(true);

      await row.getByRole('button', { name: 'Rights of till' }).click();
      const form = row.getByRole('form', { name: 'Rights of till' });
      await form.getByLabel('What it may do').selectOption({ label: 'may administer' });
      await form.getByText('It may empty keyspaces', { exact: false }).waitFor();
      await form.getByRole('checkbox', { name: 'All keyspaces' }).check();
      await form.getByRole('button', { name: 'Save rights' }).click();
      await row.getByText('may administer: all keyspaces', { exact: true }).waitFor();
      expect(await form.count()).toBe(0);
      expect(problems).toEqual([]);
    });

    it('shows keys and values that are pages or programs as text, and runs none of it', async () => {
      const { page, problems } = await visit('three', '#/overview');
      const run = 'window.owned = true';
      const key = `<img src=x onerror="${run}">"'><svg onload="${run}">`;
      const value = `<script>${run}</script><a href="javascript:${run}">{@html}</a>`;
      await journeys.putKey(page, 'default', key, value);
      await page.getByText(value, { exact: false }).first().waitFor();
      await page.getByRole('link', { name: 'Activity', exact: false }).first().click();
      await page.locator('h1').waitFor();
      await journeys.findKey(page, 'default', key);
      await page.getByText(key, { exact: false }).first().waitFor();
      expect(await page.evaluate('window.owned')).toBeUndefined();
      expect(await page.locator('main img, main script, main a[href^="javascript"]').count()).toBe(0);
      expect(problems).toEqual([]);
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

    it('runs, pauses, resumes and cancels a repair by keyboard alone', async () => {
      const { page, problems } = await visit('three', '#/overview');
      await repairing.runRepair(page, { keyspace: 'default' });
      const item = repairing.repairOf(page, 'default');
      await item.getByText('Running', { exact: true }).waitFor();
      await item.getByText(/^Waits for the replicas of partitions/).waitFor();
      await journeys.press(page, 'button', 'Pause the repair of default');
      await item.getByText('Paused', { exact: true }).waitFor();
      await item.getByText('Waits for a person to resume it').waitFor();
      const before = await item.getByRole('progressbar').getAttribute('aria-valuenow');
      await page.waitForTimeout(500);
      expect(await item.getByRole('progressbar').getAttribute('aria-valuenow')).toBe(before);
      await journeys.press(page, 'button', 'Resume the repair of default');
      await item.getByText('Running', { exact: true }).waitFor();
      await repairing.cancelRepair(page, 'default');
      await page.getByRole('region', { name: 'History' }).getByText('Cancelled', { exact: true }).waitFor();
      expect(problems).toEqual([]);
    });

    it('counts differences in a range and changes nothing; a repair of it is seen in the strip', async () => {
      const { page } = await visit('three', '#/repair');
      const coverage = page.getByRole('region', { name: 'default', exact: true });
      // A cluster made a moment ago owes no repair yet.
      await coverage.getByText('Not compared yet.').first().waitFor();
      expect(await coverage.getByText('Never repaired.').count()).toBe(0);
      await repairing.runRepair(page, { keyspace: 'default', range: [0, 127], dryRun: true });
      const history = page.getByRole('region', { name: 'History' });
      await history.getByText('3 keys differ ', { exact: false }).waitFor();
      await history.getByText('only counts differences').waitFor();
      await coverage.getByText('Not compared yet.').first().waitFor();
      await repairing.runRepair(page, { keyspace: 'default', range: [0, 127] });
      await coverage.getByText(/^8 of 64 ranges were compared/).waitFor();
    });

    it('schedules and unschedules repairs by keyboard alone', async () => {
      const { page, host } = await visit('three', '#/overview');
      await repairing.scheduleRepair(page, 'sessions', 14);
      const schedules = page.getByRole('region', { name: 'Schedules' });
      await schedules.getByText(/^Every 14 days at 02:00/).waitFor();
      await schedules.getByText(/Quiet from 08:00 to 18:00/).waitFor();
      const zone = await page.evaluate('new Intl.DateTimeFormat().resolvedOptions().timeZone');
      expect(host.cluster.snapshot().repairs.schedules[0].timeZone).toBe(zone);
      await journeys.press(page, 'button', 'Remove the schedule of sessions');
      await schedules.getByText('Nothing is scheduled').waitFor();
    });

    it('tells which segments failed and why, tries them again, and says what a stalled repair waits for', async () => {
      const { page } = await visit('three-centers', '#/repair');
      await page.getByText('shop-2 did not answer within 30 s.').first().waitFor();
      await page.getByText(/^No progress for 4 min: it waits for shop-2 to come back\.$/).waitFor();
      await journeys.press(page, 'button', 'Retry the repair of sessions');
      const history = page.getByRole('region', { name: 'History' });
      await history.getByText(/34 keys differed/).waitFor();
      await page.getByRole('region', { name: 'Failed', exact: true }).waitFor({ state: 'detached' });
    });

    it('shows an error of the host at the form, and why nothing can be done in read-only mode', async () => {
      const { page, host } = await visit('failing', '#/repair');
      await repairing.askForRepair(page, { keyspace: 'default' });
      await page
        .getByRole('alert')
        .getByText(/^Only 1 of 2 needed replicas answered/)
        .waitFor();
      await page.keyboard.press('Escape');
      host.cluster.setReadOnly();
      const run = page.getByRole('button', { name: 'Run a repair…' });
      await page.locator('[aria-disabled]', { hasText: 'Run a repair…' }).waitFor();
      expect(await run.getAttribute('title')).toContain('read-only mode');
    });

    it('filters the activity, shows older entries and exports what is shown', async () => {
      const { page } = await visit('three-centers', '#/activity');
      const entries = page.locator('section.day li');
      const all = await entries.count();
      await page.getByRole('group', { name: 'Kinds' }).getByText('Membership').click();
      await page.getByText('shop-1 suspects shop-2: no answer for 412 ms.').waitFor();
      expect(await entries.count()).toBe(3);
      await page.getByRole('radiogroup', { name: 'Severity' }).getByText('Errors').last().click();
      expect(await entries.count()).toBe(1);
      await page.getByRole('radiogroup', { name: 'Severity' }).getByText('All').click();
      await page.getByRole('group', { name: 'Kinds' }).getByText('Membership').click();
      await page.getByRole('button', { name: 'Show older' }).click();
      await page.getByText('Something that happened earlier, number 180.').waitFor();
      await page.getByRole('button', { name: 'Show older' }).click();
      await page.getByText('This is all that is kept.').waitFor();
      expect(await entries.count()).toBe(all + 260);
      await page.getByRole('searchbox').fill('number 26');
      expect(await entries.count()).toBe(2);
      const downloading = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export what is shown' }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toMatch(/^coterie-activity-.*\.ndjson$/);
      const lines = (await readFile((await download.path())!, 'utf8')).trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).message)).toEqual([
        'Something that happened earlier, number 260.',
        'Something that happened earlier, number 26.',
      ]);
    });

    it('leads from each fact of the overview to its cause', async () => {
      const { page } = await visit('three-centers', '#/overview');
      const facts = page.getByRole('list', { name: 'Facts' });
      const follow = async (label: string, words: string, hash: string) => {
        const fact = facts.getByRole('link', { name: new RegExp(`^${label}`) });
        expect(await fact.innerText()).toContain(words);
        await fact.click();
        await page.waitForFunction(`window.location.hash === ${JSON.stringify(hash)}`);
        await page.goBack();
        await facts.waitFor();
      };
      await follow('Under-replicated', 'ranges', '#/keyspaces');
      await follow('Hints owed', 'to shop-2', '#/ring/shop-2');
      await follow('Oldest repair', 'never', '#/repair/default');
      await page.getByText(/^Suspected by shop-1 for \d+ s$/).waitFor();
      await page.getByText('Dead: shop-1 and office-1 had no answer', { exact: true }).waitFor();
      await facts.getByRole('link', { name: /^Hints owed/ }).click();
      await page.getByText('1,522 hints are kept for it by shop-1 and shop-3', { exact: false }).waitFor();
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

    it.each([
      ['dark', null, 'rgb(14, 16, 20)', 'rgb(232, 235, 240)'],
      ['light', null, 'rgb(246, 245, 241)', 'rgb(26, 30, 38)'],
      ['light', 'dark', 'rgb(14, 16, 20)', 'rgb(232, 235, 240)'],
      ['dark', 'light', 'rgb(246, 245, 241)', 'rgb(26, 30, 38)'],
      ['dark', 'nonsense', 'rgb(14, 16, 20)', 'rgb(232, 235, 240)'],
    ] as const)(
      'paints a %s system with the choice %s in its colours before the program runs',
      async (colorScheme, choice, paper, ink) => {
        const host = await visits.openHost('one');
        const context = await visits.openContext({ colorScheme, viewport: { width: 800, height: 500 } });
        const page = await context.newPage();
        // The program never comes: what is seen is the first paint.
        await page.route('**/assets/*.js', (route) => route.abort());
        await page.goto(host.url);
        if (choice !== null) {
          await page.evaluate(`localStorage.setItem('coterie.theme', ${JSON.stringify(choice)})`);
          await page.reload();
        }
        const seen = await page.evaluate(`(() => {
          const { backgroundColor, color } = getComputedStyle(document.documentElement);
          return { backgroundColor, color };
        })()`);
        expect(seen).toEqual({ backgroundColor: paper, color: ink });
      },
    );

    it.each(['light', 'dark'] as const)(
      '%s: moves nothing, from the first paint on, for who wants no motion',
      async (colorScheme) => {
        const host = await visits.openHost('three');
        const context = await visits.openContext({ colorScheme, reducedMotion: 'reduce' });
        const page = await context.newPage();
        await page.addInitScript(`
        window.moved = [];
        for (const name of ['transitionrun', 'animationstart']) {
          document.addEventListener(name, (event) => window.moved.push(name + ' ' + (event.propertyName ?? event.animationName) + ' of ' + event.target.nodeName), true);
        }
      `);
        await page.goto(`${host.url}#/overview`);
        await page.locator('h1').waitFor();
        await page.locator('.skeleton').waitFor({ state: 'detached' });
        await journeys.openByPalette(page, colorScheme === 'dark' ? 'light theme' : 'dark theme');
        await page.getByRole('button', { name: /theme/i }).first().hover();
        await page.evaluate(
          'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
        );
        expect(await page.evaluate('window.moved')).toEqual([]);
      },
    );

    it('keeps the chosen theme', async () => {
      const { page } = await visit('one', '#/overview', { colorScheme: 'light' });
      await journeys.openByPalette(page, 'dark theme');
      await page.reload();
      await page.locator('h1').waitFor();
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    });

    it.each([1280, 900, 640])('is not wider than a window of %i px', async (width) => {
      const { page } = await visit('three-centers', '#/overview', { viewport: { width, height: 800 } });
      for (const hash of [
        '#/overview',
        '#/ring',
        '#/computers',
        '#/keyspaces',
        '#/data/default/cart:31',
        '#/repair',
        '#/activity',
      ]) {
        await page.evaluate(`window.location.hash = ${JSON.stringify(hash)}`);
        await page.locator('h1').waitFor();
        await expectNotTooWide(page, hash);
      }
    });

    it('paints the shell within a second and answers within 100 ms with 100 nodes', async () => {
      // Other tests share the machine, and others may: what one visit out of three shows, the page can do.
      const times: { painted: number; answered: number }[] = [];
      const isQuick = () =>
        times.some(({ painted, answered }) => painted < allowedMs(1_000) && answered < allowedMs(100));
      while (times.length < 3 && !isQuick()) {
        const { page } = await visit('hundred', '#/ring');
        const painted = await page.evaluate(
          "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity",
        );
        const answered = await page.evaluate(`(async () => {
          const button = document.querySelector('#node-north-1 button');
          const from = performance.now();
          button.click();
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
          return performance.now() - from;
        })()`);
        times.push({ painted: Number(painted), answered: Number(answered) });
      }
      expect(isQuick(), JSON.stringify(times)).toBe(true);
    });
  },
);
