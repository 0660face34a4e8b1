import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { writeTempFile } from '../../support/temp.ts';

const text = `
proxies:
  work: http://work:1
  edge: http://edge:2
forwards:
  db: ':db:5432'
  cache: { spec: [':cache:6379', ':cache:6380'], proxy: ['@work', '@edge'] }
  here: { spec: ':unix:/run/db.sock', proxy: direct }
match:
  '*.corp:22': '@work'
  10.0.0.0/8: direct
  '*:443': [ '@work', { url: http://last:3 } ]
defaults: { proxy: http://usual:4 }
`;

function writeConfig(content = text): string {
  const path = writeTempFile('config.yaml', content);
  chmodSync(path, 0o600);
  return path;
}

/** Runs a command with `--print` or `-v`, and returns its status and its two outputs. */
async function ask(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const path = env['TUNL_CONFIG'] ?? writeConfig();
  const io = makeIo({ env: { TUNL_CONFIG: path, ...env } });
  const status = await run(words, io);
  return { status, out: io.out(), said: path === '' ? io.said() : io.said().replaceAll(path, 'config.yaml') };
}

/** Lists the proxies to each target that `--print` shows. */
async function listWays(words: readonly string[], env?: Readonly<Record<string, string>>) {
  const { status, out, said } = await ask([...words, '--print'], env);
  expect([said, status]).toEqual(['', 0]);
  const stages = out.split(/^ {2}(?=[\w-]+:$)/m).slice(1);
  return stages.map((stage) =>
    `${/ to: (.*)/.exec(stage)?.[1]} ${[...stage.matchAll(/http:[^\s,]+/g)].join(' ')}`.trim(),
  );
}

const environment = { https_proxy: 'http://env:9', NO_PROXY: 'plain.example' };

test.each([
  [['-x', 'http://x:7', 'git.corp:22'], 'git.corp:22 http://x:7'],
  [['-x', '@edge', '-x', 'http://x:7', 'git.corp:22'], 'git.corp:22 http://edge:2 http://x:7'],
  [['-x', '@edge|http://x:7', 'git.corp:22'], 'git.corp:22 http://edge:2|http://x:7'],
  [['--direct', 'git.corp:22'], 'git.corp:22'],
  [['git.corp:22'], 'git.corp:22 http://work:1'],
  [['git.corp:23'], 'git.corp:23 http://env:9'],
  [['10.1.2.3:443'], '10.1.2.3:443'],
  [['example.org:443'], 'example.org:443 http://work:1 http://last:3'],
  [['plain.example:80'], 'plain.example:80'],
  [['--no-config', 'git.corp:22'], 'git.corp:22 http://env:9'],
])('-x, then match, then the environment: %j', async (words, way) => {
  expect(await listWays(['connect', ...words], environment)).toEqual([way]);
});

test('without a proxy in the environment the defaults count, but not for the exceptions of NO_PROXY', async () => {
  expect(await listWays(['connect', 'a:80'])).toEqual(['a:80 http://usual:4']);
  expect(await listWays(['connect', 'plain.example:80'], { NO_PROXY: 'plain.example' })).toEqual(['plain.example:80']);
});

test('each forward has its way, and equal ways are shared', async () => {
  const words = ['forward', '@db', '@cache', ':git.corp:22', ':10.0.0.1:80', '@here'];
  expect(await listWays(words)).toEqual([
    'db:5432 http://usual:4',
    'cache:6379 http://work:1 http://edge:2',
    'cache:6380 http://work:1 http://edge:2',
    'git.corp:22 http://work:1',
    '10.0.0.1:80',
    'unix:/run/db.sock',
  ]);
  expect(await listWays(['forward', '@cache', '-x', 'http://x:7'])).toEqual([
    'cache:6379 http://x:7',
    'cache:6380 http://x:7',
  ]);
});

test('the file of --print cannot say which way each target of a front is reached', async () => {
  const { status, said } = await ask(['forward', 'socks:', '--print']);
  expect([status, said]).toEqual([
    2,
    'tunl: the file cannot say which way each target of a front is reached, and ' +
      'match *.corp:22 says @work (config.yaml:10:3)\n' +
      'tunl: hint: name the way of all: -x URL, --direct or --no-config\n',
  ]);
  for (const way of [['--direct'], ['-x', '@work'], ['--no-config']]) {
    expect((await ask(['forward', 'socks:', '--print', ...way])).status).toBe(0);
  }
});

test('-v says which file was read, and what decided', async () => {
  const { said } = await ask(['connect', '-v', '--print', 'git.corp:22']);
  expect(said).toBe(
    'tunl: the configuration is config.yaml\n' + 'tunl: git.corp:22: match *.corp:22 says @work (config.yaml:10:3)\n',
  );
});

test('a file is read for no command line that does not need it', async () => {
  const TUNL_CONFIG = writeConfig('not: right');
  for (const words of [['-x', 'http://x:7'], ['--direct'], ['--no-config']]) {
    expect((await ask(['connect', ...words, '--print', 'a:1'], { TUNL_CONFIG })).status).toBe(0);
  }
  expect((await ask(['serve', '-x', 'http://x:7', '--print'], { TUNL_CONFIG })).status).toBe(0);
  const { status, said } = await ask(['connect', '--print', 'a:1'], { TUNL_CONFIG });
  expect([status, said]).toEqual([2, expect.stringContaining(`tunl: config.yaml:1:1: unknown key "not"\n`)]);
});

test.each([
  [['connect', '-x', '@wrok', 'a:1'], 'there is no proxy "wrok"\ntunl: hint: did you mean @work?'],
  [['forward', '@dbb'], 'there is no forward "dbb"\ntunl: hint: did you mean @db?'],
  [
    ['connect', '--no-config', '-x', '@work', 'a:1'],
    '@work is a name of the configuration, and --no-config reads none',
  ],
  [['serve', '-x', '@work'], '@work is a name of the configuration, and tunl serve reads none'],
  [['chain', '1', '@work', 'a:1'], '@work is a name of the configuration, and tunl chain reads none'],
])('%j is refused', async (words, message) => {
  const { status, said } = await ask(words);
  expect([status, said]).toEqual([2, expect.stringContaining(`tunl: ${message}\n`)]);
});

test('an empty TUNL_CONFIG reads none', async () => {
  const { status, said } = await ask(['connect', '-x', '@work', 'a:1'], { TUNL_CONFIG: '' });
  expect(status).toBe(2);
  expect(said).toContain('and none is read\ntunl: hint: TUNL_CONFIG is empty\n');
});

test('a SPEC in the file that is wrong has its position', async () => {
  const TUNL_CONFIG = writeConfig('forwards:\n  db: "5432"\n');
  const { said } = await ask(['forward', '@db'], { TUNL_CONFIG });
  expect(said).toMatch(/^tunl: config\.yaml:2:3: "5432" is not a complete SPEC\n/);
});

test('a Unix socket has no way through proxies', async () => {
  const TUNL_CONFIG = writeConfig("forwards:\n  s: { spec: ':unix:/run/db.sock', proxy: http://p }\n");
  const { status, said } = await ask(['forward', '@s'], { TUNL_CONFIG });
  expect([status, said]).toEqual([
    2,
    expect.stringContaining('config.yaml:2:36: a Unix socket is not reached through a proxy\n'),
  ]);
});

test('a proxy on two ways asks for its password once', async () => {
  const TUNL_CONFIG = writeConfig("proxies: { p: http://me@p }\nmatch: { 'a:1': '@p', 'b:1': ['@p', http://q] }\n");
  const env = { TUNL_CONFIG, TUNL_PROXY_PASSWORD: 'pw' };
  expect((await ask(['forward', ':a:1', ':b:1', '--print'], env)).status).toBe(0);
});
