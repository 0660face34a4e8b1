import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRoute } from '../../../src/cli/options/route.ts';
import { toTunlError } from '../../../src/core/errors.ts';
import { parseTarget } from '../../../src/syntax/target.ts';
import { Ui } from '../../../src/cli/terminal/ui.ts';
import { parseCommandLine } from '../../support/harness/command-line.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { makeTempFolder, writeTempFile } from '../../support/temp.ts';

const target = parseTarget('db:22');

/** Returns the passwords of the hops on the way to a target. */
async function find(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { args } = parseCommandLine(['connect', ...words, 'db:22']);
  const io = makeIo({ env: { PATH: process.env['PATH'] ?? '', ...env } });
  const ui = new Ui(io, { verbosity: 'normal', form: 'json' });
  const { hops } = await readRoute(args, { io, ui }, {}, [{ target }]);
  return hops.flat().map(({ credentials }) => credentials?.password.reveal());
}

async function refuse(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<string[]> {
  const { code, message, facts } = await find(words, env).then(
    () => expect.fail('nothing was refused'),
    (error: unknown) => toTunlError(error),
  );
  expect(code).toBe('usage');
  return [message, ...(facts.hints ?? [])];
}

test('the first line that it prints is the password', async () => {
  expect(await find(['-x', 'http://me@p', '--password-command', String.raw`printf 'a b\nc\n'`])).toEqual(['a b']);
});

test('each hop may have its own, which comes before all other sources', async () => {
  const urls = [
    '-x',
    'http://me@p?password-command=echo%20one',
    '-x',
    'http://you@q',
    '-x',
    'h2://me@r?password-command=echo two',
  ];
  expect(await find(urls, { TUNL_PROXY_PASSWORD: 'other' })).toEqual(['one', 'other', 'two']);
});

test('it comes after the environment', async () => {
  const words = ['-x', 'http://me@p', '--password-command', 'echo never'];
  expect(await find(words, { TUNL_PROXY_PASSWORD: 'pw' })).toEqual(['pw']);
});

test('it runs once in a process, without stdin and without our passwords', async () => {
  const log = join(makeTempFolder(), 'log');
  const command = `echo "$TUNL_PROXY_PASSWORD_9-$(cat)" >> ${log}; echo pw`;
  const url = `http://me@p?password-command=${encodeURIComponent(command)}`;
  expect(await find(['-x', url, '-x', url], { TUNL_PROXY_PASSWORD_9: 'secret' })).toEqual(['pw', 'pw']);
  expect(readFileSync(log, 'utf8')).toBe('-\n');
});

test('in a configuration its variables are those of the shell', async () => {
  const path = writeTempFile(
    'config.yaml',
    "proxies: { p: { url: http://me@p, password-command: 'echo ${NAME}-${#NAME}' } }\n",
  );
  chmodSync(path, 0o600);
  expect(await find(['-x', '@p'], { TUNL_CONFIG: path, NAME: 'four' })).toEqual(['four-4']);
});

test.each([
  [['--password-command', 'exit 3', '-x', 'http://me@p'], 'password-command "exit 3" gave no password: status 3'],
  [
    ['--password-command', 'exec sleep 600', '--handshake-timeout', '20ms', '-x', 'http://me@p'],
    'password-command "exec sleep 600" gave no password: not within 0.02 s (--handshake-timeout)',
  ],
  [
    ['--password-command', 'true', '-x', 'http://me@p'],
    'the answer of password-command for -x "http://***@p" is empty',
  ],
  [['-x', 'http://p?password-command=x'], '-x "http://p" has a password-command and no user'],
  [['-x', 'http://me:pw@p?password-command=x'], '-x "http://***@p" has two passwords'],
  [
    ['--password-command', 'echo pw', '-x', 'http://me@p', '-x', 'http://me@q'],
    '-x "http://***@p" is one of 2 proxies without a password, and --password-command prints one',
  ],
])('%j is refused', async (words, message) => {
  expect((await refuse(words))[0]).toBe(message);
});

test('a variable that names a proxy names no command', async () => {
  const [message] = await refuse([], { https_proxy: 'http://me@p?password-command=echo' });
  expect(message).toBe('https_proxy "http://***@p" has an unknown setting: "password-command"');
});
