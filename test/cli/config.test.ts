import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { makeIo } from '../support/harness/fake-io.ts';
import { writeTempFile } from '../support/temp.ts';

const right = `
proxies:
  work: http://me:\${PW}@work:1
  both: ['@work', { url: https://edge }]
forwards:
  db: ':db:5432'
  two: { spec: [':a:1', ':b:2'], proxy: '@both' }
match: { '*.corp': '@work', 10.0.0.0/8: direct }
defaults: { proxy: '@both' }
`;

async function config(
  words: readonly string[],
  text = right,
  env: Readonly<Record<string, string>> = { PW: 'secret' },
) {
  const path = writeTempFile('config.yaml', text);
  chmodSync(path, 0o600);
  const io = makeIo({ env: { TUNL_CONFIG: path, ...env } });
  const status = await run(['config', ...words], io);
  const short = (said: string) => said.replaceAll(path, 'config.yaml');
  return { status, out: short(io.out()), said: short(io.said()) };
}

test('it shows what is in the file, without secrets', async () => {
  expect(await config([])).toEqual({
    status: 0,
    said: '',
    out: `config.yaml
proxies:
  @work  http://***@work:1
  @both  @work, https://edge
forwards:
  @db   :db:5432
  @two  :a:1, :b:2
match:
  *.corp      @work
  10.0.0.0/8  direct
defaults:
  proxy  @both
`,
  });
  const { out } = await config(['--json']);
  expect(JSON.parse(out)).toMatchObject({ version: 1, forwards: [{ name: 'db', written: ':db:5432' }, {}] });
});

test('it says that the file is right', async () => {
  expect(await config(['--check'])).toEqual({ status: 0, out: '', said: 'tunl: config.yaml is right\n' });
});

test('it says all that is wrong, with the places', async () => {
  const { status, said } = await config(
    ['--check'],
    "proxies:\n  a: http://me:${PW}@p\n  b: htp://p\nforwards:\n  c: '5432'\nmatch:\n  d: '@e'\n",
    {},
  );
  expect(status).toBe(2);
  expect(said.match(/config\.yaml:\S+ .*/g)).toEqual([
    'config.yaml:2:6: the variable PW is not set',
    'config.yaml:3:6: @b "htp://p" has an unknown scheme: "htp"',
    'config.yaml:5:6: "5432" is not a complete SPEC',
    'config.yaml:7:6: there is no proxy "e"',
  ]);
});

test.each([
  ['x.corp:22', 'match *.corp says @work (config.yaml:8:10)\n  through http://work:1\n'],
  ['10.0.0.1:22', 'match 10.0.0.0/8 says direct (config.yaml:8:29)\n  directly\n'],
  ['a:1', 'defaults says @both (config.yaml:9:13)\n  through http://work:1\n  through https://edge:443\n'],
])('it explains the way to %s', async (target, way) => {
  expect(await config(['--explain', target])).toEqual({ status: 0, said: '', out: `${target}: ${way}` });
});

test('without a file it explains what the environment says', async () => {
  const env = { TUNL_CONFIG: '', https_proxy: 'http://me:pw@p:1' };
  expect((await config(['--explain', 'a:1'], '', env)).out).toBe(
    'a:1: https_proxy says http://***@p:1\n  through http://p:1\n',
  );
  expect(await config([], '', { TUNL_CONFIG: '' })).toMatchObject({ status: 2, out: '' });
});

test('it lists names for completions, and none without a file', async () => {
  expect((await config(['--names', 'proxies'])).out).toBe('@work\n@both\n');
  expect((await config(['--names', 'forwards'])).out).toBe('@db\n@two\n');
  expect(await config(['--names', 'forwards'], '', { TUNL_CONFIG: '' })).toEqual({ status: 0, out: '', said: '' });
});
