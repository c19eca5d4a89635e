/**
 * What people do in the page, by keyboard alone, as functions of a Playwright page that is open on a cluster. They name
 * things as people see them and know nothing of what is behind, so that they run against any host.
 */
import type { Page } from 'playwright-core';

/** Presses Tab until the element with this role and name has the focus, inside the dialog if one is open; fails when it is never reached. */
export async function tabTo(
  page: Page,
  role: Parameters<Page['getByRole']>[0],
  name: string | RegExp,
): Promise<void> {
  const dialog = page.locator('dialog[open]');
  const scope = (await dialog.count()) > 0 ? dialog.last() : page;
  const wanted = scope.getByRole(role, { name }).first();
  await wanted.waitFor();
  for (let press = 0; press < 250; press++) {
    if ((await wanted.and(page.locator(':focus')).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never reached the ${role} "${name}".`);
}

export async function press(
  page: Page,
  role: Parameters<Page['getByRole']>[0],
  name: string | RegExp,
): Promise<void> {
  await tabTo(page, role, name);
  await page.keyboard.press('Enter');
}

/** Opens a page by the command palette. */
export async function openByPalette(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /find a key/i }).waitFor();
  await page.keyboard.type(words);
  await page.keyboard.press('Enter');
}

export async function createKeyspace(page: Page, name: string): Promise<void> {
  await openByPalette(page, 'new keyspace');
  await page.getByRole('dialog', { name: 'New keyspace' }).waitFor();
  await tabTo(page, 'textbox', 'Name');
  await page.keyboard.type(name);
  await press(page, 'button', 'Create keyspace');
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

export async function putKey(page: Page, keyspace: string, key: string, value: string): Promise<void> {
  await openByPalette(page, 'new key…');
  const dialog = page.getByRole('dialog', { name: 'New key' });
  await dialog.waitFor();
  await tabTo(page, 'combobox', 'Keyspace');
  // Letters choose in a select; the whole name is unambiguous.
  await page.keyboard.type(keyspace);
  await tabTo(page, 'textbox', 'Key');
  await page.keyboard.type(key);
  await tabTo(page, 'textbox', 'Value');
  await page.keyboard.type(value);
  await press(page, 'button', 'Write key');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: key, exact: true }).waitFor();
}

export async function findKey(page: Page, keyspace: string, key: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /find a key/i }).waitFor();
  await page.keyboard.type(key);
  const options = page.getByRole('option');
  const names = await options.allTextContents();
  const index = names.findIndex(
    (name) => name.includes(`Find key ${key}`) && name.includes(`in ${keyspace}`),
  );
  if (index < 0) throw new Error(`The palette offers no way to ${key} in ${keyspace}: ${names.join(' | ')}`);
  for (let step = 0; step < index; step++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: key, exact: true }).waitFor();
}

/** The key open in the page has siblings; keeps one of them. */
export async function keepSibling(page: Page, number: number): Promise<void> {
  await press(page, 'button', `Keep this one: sibling ${number}`);
  await page.getByRole('article', { name: 'Value', exact: true }).waitFor();
}

export async function mergeSiblings(page: Page, value: string): Promise<void> {
  await press(page, 'button', 'Write a merged value');
  const area = page.getByRole('textbox', { name: 'Merged value' });
  await area.waitFor();
  await tabTo(page, 'textbox', 'Merged value');
  await page.keyboard.press('Control+a');
  await page.keyboard.type(value);
  await press(page, 'button', 'Save merged value');
  await page.getByRole('article', { name: 'Value', exact: true }).waitFor();
}

export async function killNode(page: Page, name: string): Promise<void> {
  await openByPalette(page, `kill ${name}`);
  const dialog = page.getByRole('dialog', { name: `Kill ${name}?` });
  await dialog.waitFor();
  await press(page, 'button', `Kill ${name}`);
  await dialog.waitFor({ state: 'detached' });
}

/** From one node of the ring's legend to the next, and from there to a change of it: another weight. */
export async function stageFromRing(page: Page, from: string, next: string): Promise<void> {
  await openByPalette(page, 'ring');
  await tabTo(page, 'link', new RegExp(`^${from}`));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  const button = page.getByRole('button', { name: `Change ${next}…`, exact: true });
  await button.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Change ${next}` });
  await dialog.waitFor();
  await tabTo(page, 'radio', /^Remove it/);
  await page.keyboard.press('ArrowDown');
  await tabTo(page, 'spinbutton', 'Weight');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Staged', exact: true }).waitFor();
}

export async function dropKeyspace(page: Page, name: string): Promise<void> {
  await openByPalette(page, 'keyspaces page');
  await press(page, 'button', `Drop ${name}`);
  const dialog = page.getByRole('dialog', { name: `Drop ${name}?` });
  await dialog.waitFor();
  await tabTo(page, 'textbox', /^Type/);
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name, exact: true }).waitFor({ state: 'detached' });
}
