import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);
const config = require('../../../build/electron-builder.cjs');
const builder = createRequire(require.resolve('app-builder-lib/package.json'));

interface Validator {
  validateConfiguration(config: unknown, logger: { isEnabled: boolean; add(): void }): Promise<void>;
}

const { validateConfiguration } = builder('./out/util/config/config.js') as Validator;
const quiet = { isEnabled: false, add() {} };

it('the packaging configuration is one that the builder accepts', async () => {
  await validateConfiguration(config, quiet);
});

it('the check would notice a misspelt setting', async () => {
  await expect(validateConfiguration({ ...config, apId: 'x' }, quiet)).rejects.toThrow(/apId/);
});

it('every file that the configuration names is there', () => {
  const named = [config.linux.icon, config.win.icon, config.mac.icon, config.nsis.include, 'LICENSE'];
  expect(named.filter((path: string) => !existsSync(join(root, path)))).toEqual([]);
});

it('the packaged program cannot be turned into a plain Node, a debugger or a loader of other code', () => {
  expect(config.electronFuses).toMatchObject({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
  });
});

it('the installer opens no port: everything listens on this computer alone', () => {
  const script = readFileSync(join(root, config.nsis.include), 'utf8');
  expect(script).not.toMatch(/add rule|action=allow/);
  expect(script).toMatch(/delete rule name="Coterie"/);
});
