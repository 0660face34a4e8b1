import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from './support/process.ts';
import { makeFolder } from './support/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs npm in a folder, with no script of any package. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(
    { file: 'npm', args: [...args, '--ignore-scripts'], cwd },
    { limitMs: 90_000 },
  );
  expect(code, stderr).toBe(0);
  return stdout;
}

test('the package installs and works where no install script may run', async () => {
  const folder = makeFolder('package');
  const [packed] = JSON.parse(await npm(root, 'pack', '--json', '--pack-destination', folder)) as [
    { filename: string },
  ];
  await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename));
  const installed = join(folder, 'node_modules/.bin/tunl');

  const version = await run({ file: installed, args: ['--version'] });
  expect(version).toMatchObject({ code: 0, stderr: '' });
  expect(version.stdout).toMatch(/^tunl \d+\.\d+\.\d+\n$/);

  const refused = await run({ file: installed, args: ['connect', '--direct', '127.0.0.1:1'] });
  expect(refused).toMatchObject({ code: 7, stdout: '' });
  expect(refused.stderr).toBe('tunl: cannot connect to 127.0.0.1:1: connection refused\n');

  const use =
    "import { startServe, TunlError } from 'tunl'; console.log(typeof startServe, new TunlError('usage', 'x').code)";
  const library = await run({ file: 'node', args: ['--input-type=module', '--eval', use], cwd: folder });
  expect(library).toMatchObject({ code: 0, stdout: 'function usage\n', stderr: '' });
});
