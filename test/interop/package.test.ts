import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findBlock } from '../support/readme.ts';
import { copyCheckout, runNpm } from './support/checkout.ts';
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

/** Packs what was built and installs it into a folder of its own, which is returned. */
async function installPacked(): Promise<string> {
  const folder = makeFolder('package');
  const [packed] = JSON.parse(await npm(root, 'pack', '--json', '--pack-destination', folder)) as [
    { filename: string },
  ];
  await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename));
  return folder;
}

test('the package installs and works where no install script may run', async () => {
  const folder = await installPacked();
  const installed = join(folder, 'node_modules/.bin/tunl');

  const version = await run({ file: installed, args: ['--version'] });
  expect(version).toMatchObject({ code: 0, stderr: '' });
  expect(version.stdout).toMatch(/^tunl \d+\.\d+\.\d+\n$/);

  const refused = await run({ file: installed, args: ['connect', '--direct', '127.0.0.1:1'] });
  expect(refused).toMatchObject({ code: 7, stdout: '' });
  expect(refused.stderr).toBe('tunl: cannot connect to 127.0.0.1:1: connection refused\n');

  writeFileSync(join(folder, 'proxy.pac'), 'const FindProxyForURL = () => `DIRECT`;');
  const asked = await run({ file: installed, args: ['pac', 'proxy.pac', 'db:22'], cwd: folder });
  expect(asked).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/ {2}1\. direct\n/) });

  const use =
    "import { startServe, TunlError } from 'tunl'; console.log(typeof startServe, new TunlError('usage', 'x').code)";
  const library = await run({ file: 'node', args: ['--input-type=module', '--eval', use], cwd: folder });
  expect(library).toMatchObject({ code: 0, stdout: 'function usage\n', stderr: '' });

  const own = join(folder, 'node_modules/tunl');
  const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { dependencies: object };
  expect(Object.keys(manifest.dependencies)).toEqual(['chalk', 'cli-table3', 'ora', 'yargs']);
  const licenses = readFileSync(join(own, 'dist/licenses.txt'), 'utf8');
  for (const name of [
    '@dagrejs/dagre',
    'chalk',
    'cli-table3',
    'ora',
    'yargs-parser',
    'zod',
    'yaml',
    'lru-cache',
    'bcryptjs',
    'quickjs-wasi',
  ]) {
    expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  }
  expect(licenses).not.toMatch(/^(?:esbuild|vitest|typescript|rollup) \d/m);

  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'use.ts'), consumer);
  const tsc = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const types = await run({
    file: join(root, 'node_modules/.bin/tsc'),
    args: [...tsc, '--typeRoots', join(root, 'node_modules/@types'), 'use.ts'],
    cwd: folder,
  });
  expect(types).toMatchObject({ code: 0, stdout: '' });
});

/** A program in TypeScript that uses the library; its last line must not compile. */
const consumer = `
import { openTunnel, type Tunnel, TunlError } from 'tunl';
const tunnel: Tunnel = await openTunnel('db:5432', { proxies: ['http://proxy'], limits: { connectMs: 1000 } });
tunnel.on('data', (chunk: Buffer) => chunk.length).reset(new TunlError('usage', 'no more'));
// @ts-expect-error
await openTunnel('db:5432', { proxy: 'http://proxy' });
`;

/** Runs a block of the README in a folder for everybody on a machine, and returns where tunl is installed then. */
async function install(block: string, cwd: string, settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const prefix = makeFolder('prefix');
  const env = { npm_config_prefix: prefix, ...settings };
  const { code, stderr } = await runNpm(block, cwd, env, { limitMs: 180_000 });
  expect(code, stderr).toBe(0);
  const version = await run({ file: join(prefix, 'bin/tunl'), args: ['--version'] });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tunl \d/), stderr: '' });
  return join(prefix, 'lib/node_modules/tunl');
}

test('one command installs a fresh clone for everybody on the machine', { timeout: 200_000 }, async () => {
  const clone = join(makeFolder('clone'), 'tunl');
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, clone]);
  expect(existsSync(join(await install(findBlock('install'), clone), 'man/tunl.1'))).toBe(true);
});

test('one file is made of what was built, with every page that the README links', { timeout: 200_000 }, async () => {
  // Without scripts it is not built once more.
  const installed = await install(findBlock('pack'), copyCheckout('dist'), { npm_config_ignore_scripts: 'true' });
  const links = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\((docs\/[^)#]+)/g)];
  const paths = links.map(([, path = '']) => path).filter((path) => !path.startsWith('docs/notes/'));
  expect(paths.length).toBeGreaterThan(15);
  expect(paths.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
});
