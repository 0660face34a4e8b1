import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import * as module from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTunl } from '../../support/harness/tunl-process.ts';
import { makeTempFolder } from '../../support/temp.ts';

const isKept = 'enableCompileCache' in module;

/** The folders and files below a folder, with the time at which each was written. */
function listTree(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return names.map((name) => `${name} ${statSync(join(folder, name), { bigint: true }).mtimeNs}`);
}

/** Runs a command that loads what every tunnel needs and ends by itself; whatever the cache does, it says the same. */
async function refuse(env: Readonly<Record<string, string>>): Promise<void> {
  const { code, stdout, stderr } = await runTunl(['connect', '--direct', '127.0.0.1:1'], env);
  expect({ code, stdout, stderr }).toEqual({
    code: 7,
    stdout: '',
    stderr: 'tunl: cannot connect to 127.0.0.1:1: connection refused\n',
  });
}

test.runIf(isKept)('compiled code is kept for its user alone, and the next start reads it', async () => {
  const HOME = makeTempFolder();
  await refuse({ HOME });
  const folder = join(HOME, '.cache/tunl');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const kept = listTree(folder);
  expect(kept.length).toBeGreaterThan(1);
  await refuse({ HOME });
  // Node writes a file again unless it could use it.
  expect(listTree(folder)).toEqual(kept);
});

test.runIf(isKept)('a command that listens leaves what the next start can read', async () => {
  const HOME = makeTempFolder();
  const listen = () => runTunl(['forward', '0:127.0.0.1:1', '--direct', '--', 'true'], { HOME });
  expect(await listen()).toMatchObject({ code: 0 });
  const kept = listTree(HOME);
  expect(await listen()).toMatchObject({ code: 0 });
  expect(listTree(HOME)).toEqual(kept);
});

test.runIf(isKept)('XDG_CACHE_HOME is where the caches of a user are', async () => {
  const [HOME, caches] = [makeTempFolder(), makeTempFolder()];
  await refuse({ HOME, XDG_CACHE_HOME: caches });
  expect(readdirSync(caches)).toEqual(['tunl']);
  expect(readdirSync(HOME)).toEqual([]);
});

test.each([
  ['without a home', (_HOME: string) => ({})],
  ['with a home that is no path', (_HOME: string) => ({ HOME: 'here' })],
  ['with a home that is not there', (HOME: string) => ({ HOME: join(HOME, 'gone') })],
  ['with Node told to keep nothing', (HOME: string) => ({ HOME, NODE_DISABLE_COMPILE_CACHE: '1' })],
  ['with a home that is a file', (HOME: string) => ({ HOME: fileIn(HOME) })],
])('no code is kept %s', async (_case, makeEnv) => {
  const HOME = makeTempFolder();
  const env = makeEnv(HOME);
  const before = listTree(HOME);
  await refuse(env);
  expect(listTree(HOME)).toEqual(before);
});

function fileIn(folder: string): string {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  return path;
}

test.each([0o777, 0o770])('code is never read from a folder with mode %o', async (mode) => {
  const HOME = makeTempFolder();
  const folder = join(HOME, '.cache/tunl');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
  await refuse({ HOME });
  expect(readdirSync(folder)).toEqual([]);
});

test.runIf(isKept)('NODE_COMPILE_CACHE names another folder', async () => {
  const [HOME, other] = [makeTempFolder(), makeTempFolder()];
  await refuse({ HOME, NODE_COMPILE_CACHE: other });
  expect(readdirSync(HOME)).toEqual([]);
  expect(listTree(other).length).toBeGreaterThan(1);
});

test.runIf(isKept && process.getuid?.() === 0)('nothing is made in the home of another user', async () => {
  const HOME = makeTempFolder();
  chownSync(HOME, 1, 1);
  await refuse({ HOME });
  expect(readdirSync(HOME)).toEqual([]);
});
