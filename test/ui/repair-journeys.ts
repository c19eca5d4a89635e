/** What people do with repairs and activity, by keyboard alone, as functions of a Playwright page. */
import type { Locator, Page } from 'playwright-core';
import { openByPalette, press, tabTo } from '../support/ui-journeys.ts';

export interface RepairChoice {
  readonly keyspace: string;
  readonly range?: readonly [number, number];
  readonly dryRun?: boolean;
}

export function repairOf(page: Page, keyspace: string, dryRun = false): Locator {
  return page
    .getByRole('listitem', {
      name: `${dryRun ? 'Count of differences in' : 'Repair of'} ${keyspace}`,
      exact: true,
    })
    .first();
}

async function replaceText(page: Page, role: 'spinbutton', name: string, text: string): Promise<void> {
  await tabTo(page, role, name);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** Fills the dialog and sends it. */
export async function askForRepair(page: Page, { keyspace, range, dryRun }: RepairChoice): Promise<void> {
  await openByPalette(page, 'run a repair');
  await page.getByRole('dialog', { name: 'Run a repair' }).waitFor();
  await tabTo(page, 'combobox', 'Keyspace');
  await page.keyboard.type(keyspace);
  if (range !== undefined) {
    await tabTo(page, 'radio', 'Whole ring');
    await page.keyboard.press('ArrowDown');
    await replaceText(page, 'spinbutton', 'First partition', String(range[0]));
    await replaceText(page, 'spinbutton', 'Last partition', String(range[1]));
  }
  if (dryRun === true) {
    await tabTo(page, 'switch', /^Only count differences/);
    await page.keyboard.press('Space');
  }
  await press(page, 'button', dryRun === true ? 'Count differences' : 'Run repair');
}

export async function runRepair(page: Page, choice: RepairChoice): Promise<void> {
  await askForRepair(page, choice);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await repairOf(page, choice.keyspace, choice.dryRun).waitFor();
}

export async function cancelRepair(page: Page, keyspace: string): Promise<void> {
  await press(page, 'button', `Cancel the repair of ${keyspace}`);
  const dialog = page.getByRole('dialog', { name: `Cancel the repair of ${keyspace}?` });
  await dialog.waitFor();
  await press(page, 'button', 'Cancel the repair');
  await dialog.waitFor({ state: 'detached' });
}

export async function scheduleRepair(page: Page, keyspace: string, everyDays: number): Promise<void> {
  await openByPalette(page, 'schedule repairs');
  const dialog = page.getByRole('dialog', { name: 'Schedule repairs' });
  await dialog.waitFor();
  await tabTo(page, 'combobox', 'Keyspace');
  await page.keyboard.type(keyspace);
  await replaceText(page, 'spinbutton', 'Days between runs', String(everyDays));
  await press(page, 'button', 'Add a quiet time');
  await press(page, 'button', 'Save schedule');
  await dialog.waitFor({ state: 'detached' });
}
