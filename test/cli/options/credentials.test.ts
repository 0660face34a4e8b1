import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { PasswordSources } from '../../../src/cli/options/credentials.ts';
import { createKeyPassword } from '../../../src/cli/options/tls.ts';
import { fillPasswords, parseHops } from '../../../src/cli/options/hops.ts';
import type { NoticeEvent } from '../../../src/core/events.ts';
import { lateRefusalOf } from '../../support/usage.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunl-passwords-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string | Buffer, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

const nobody: PasswordSources = {
  env: { HOME: join(folder, 'nowhere') },
  file: undefined,
  runCommand: () => expect.fail('a command was run'),
  ask: () => Promise.resolve(undefined),
  emit: () => {},
};

/** Sources that hold nothing but what is given. */
const having = ({ env, ...rest }: Partial<PasswordSources>): PasswordSources => ({
  ...nobody,
  ...rest,
  env: { ...nobody.env, ...env },
});

async function find(urls: readonly string[], sources: Partial<PasswordSources>): Promise<(string | undefined)[]> {
  const drafts = parseHops(urls, { source: '-x', tls: {}, headers: [] });
  const hops = await fillPasswords(drafts, having(sources));
  return hops.map(({ credentials }) => credentials?.password.reveal());
}

test('one hop with a user and no password takes it from the environment', async () => {
  expect(await find(['http://alice@p:1'], { env: { TUNL_PROXY_PASSWORD: 's3cret' } })).toEqual(['s3cret']);
});

test('a variable that is set to nothing is an empty password', async () => {
  expect(await find(['http://KEY@p:1'], { env: { TUNL_PROXY_PASSWORD: '' } })).toEqual(['']);
  const env = { TUNL_PROXY_PASSWORD_1: 'first', TUNL_PROXY_PASSWORD_2: '' };
  expect(await find(['http://a@p:1', 'http://KEY@r:3'], { env })).toEqual(['first', '']);
});

test('without a source and without somebody to ask it is said how to write that there is no password', async () => {
  const { hints } = await lateRefusalOf(find(['https://KEY@p:1'], {}));
  expect(hints).toContain(
    'if there is none, as with a key in the place of the user, end the user with a colon: https://KEY:@p:1',
  );
});

test('a password file and .netrc may hold bytes that are no UTF-8', async () => {
  const file = write('latin1', Buffer.from('gr\xfc\xdf\n', 'latin1'));
  expect(await find(['http://a@p:1'], { file })).toEqual(['gr\udcfc\udcdf']);
  const netrc = write('latin1.netrc', Buffer.from('machine p login j\xf6rg password gr\xfc\xdf', 'latin1'));
  expect(await find(['http://j%F6rg@p:1'], { env: { NETRC: netrc } })).toEqual(['gr\udcfc\udcdf']);
});

test('a password in the URL wins, and hops without a user get none', async () => {
  const urls = ['http://a:own@p:1', 'http://q:2', 'http://c@r:3', 'http://d:@s:4'];
  expect(await find(urls, { env: { TUNL_PROXY_PASSWORD: 'env' } })).toEqual(['own', undefined, 'env', '']);
});

test('several such hops take numbered variables in travel order', async () => {
  const env = { TUNL_PROXY_PASSWORD_1: 'first', TUNL_PROXY_PASSWORD_2: 'second' };
  expect(await find(['http://a@p:1', 'http://q:2', 'http://c@r:3'], { env })).toEqual(['first', undefined, 'second']);
});

test.each([
  ['TUNL_PROXY_PASSWORD', { env: { TUNL_PROXY_PASSWORD: 'whose', TUNL_PROXY_PASSWORD_1: 'first' } }],
  ['--password-file', { env: { TUNL_PROXY_PASSWORD_1: 'first' }, file: join(folder, 'never-read') }],
])('what %s holds goes to none of several hops', async (name, sources) => {
  const { message, hints } = await lateRefusalOf(find(['http://a@p:1', 'http://b@q:2'], sources));
  expect(message).toBe(`-x "http://***@q:2" is one of 2 proxies without a password, and ${name} holds one`);
  expect(hints).toEqual(['set TUNL_PROXY_PASSWORD_2']);
});

test.each([
  ['s3cret', 's3cret'],
  ['s3cret\n', 's3cret'],
  ['s3cret\r\nsecond line\n', 's3cret'],
  [' with spaces ', ' with spaces '],
])('takes the first line of the password file %j', async (text, password) => {
  expect(await find(['http://a@p:1'], { file: write('password', text) })).toEqual([password]);
});

test('takes the first source that has a password: environment, file, .netrc, a person', async () => {
  const netrc = write('order.netrc', 'machine p login a password netrc');
  const ask = () => Promise.resolve('typed');
  const from = async (sources: Partial<PasswordSources>) => (await find(['http://a@p:1'], sources))[0];
  const file = write('order', 'file');
  expect(await from({ env: { TUNL_PROXY_PASSWORD: 'env', NETRC: netrc }, file, ask })).toBe('env');
  expect(await from({ env: { NETRC: netrc }, file, ask })).toBe('file');
  expect(await from({ env: { NETRC: netrc }, ask })).toBe('netrc');
  expect(await from({ ask })).toBe('typed');
});

test('asks about one hop after the other, naming each', async () => {
  const questions: string[] = [];
  const ask = (question: string) => {
    questions.push(question);
    return Promise.resolve(`answer ${questions.length}`);
  };
  expect(await find(['http://a@p:1', 'http://b@[::1]:2'], { ask })).toEqual(['answer 1', 'answer 2']);
  expect(questions).toEqual(['tunl: password of a for p:1:', 'tunl: password of b for [::1]:2:']);
});

test('finds .netrc in the home folder', async () => {
  write('.netrc', 'machine p login a password at-home');
  expect(await find(['http://a@p:1'], { env: { HOME: folder } })).toEqual(['at-home']);
});

test('says where a password came from, and not what it is', async () => {
  const said: NoticeEvent[] = [];
  const emit: PasswordSources['emit'] = (event) => void said.push(event as NoticeEvent);
  await find(['http://alice@p:1'], { env: { TUNL_PROXY_PASSWORD: 's3cret' }, emit });
  const message = '-x "http://***@p:1": the password is from TUNL_PROXY_PASSWORD';
  expect(said).toEqual([{ event: 'notice', level: 'verbose', message }]);
});

test('warns of a .netrc that others may read, once a password is taken from it', async () => {
  const said: NoticeEvent[] = [];
  const emit: PasswordSources['emit'] = (event) => void said.push(event as NoticeEvent);
  const path = write('open.netrc', 'machine p login a password x', 0o644);
  await find(['http://a@p:1'], { env: { NETRC: path }, emit });
  expect(said.filter(({ level }) => level === 'warning').map(({ message }) => message)).toEqual([
    `others may read ${path} (mode 644), which holds a password: chmod 600 it`,
  ]);
  said.length = 0;
  await find(['http://a@q:1'], { env: { NETRC: path }, emit, ask: () => Promise.resolve('typed') });
  expect(said.filter(({ level }) => level === 'warning')).toEqual([]);
});

test.each<[string, Partial<PasswordSources>, string]>([
  ['nothing', {}, '-x "http://***@p:1" has a user and no password'],
  [
    'a variable with a byte that is no UTF-8',
    { env: { TUNL_PROXY_PASSWORD: 'a\ufffd' } },
    'TUNL_PROXY_PASSWORD holds bytes that are not UTF-8',
  ],
  ['a line break', { env: { TUNL_PROXY_PASSWORD: 'a\r\nX: b' } }, 'TUNL_PROXY_PASSWORD holds a control character'],
  ['an empty file', { file: write('empty', '\nsecond\n') }, `the password file "${join(folder, 'empty')}" is empty`],
  ['no file', { file: '/nonexistent/pw' }, 'cannot read the password file "/nonexistent/pw": no such file'],
  ['a folder', { file: folder }, `cannot read the password file "${folder}": it is a folder`],
  [
    'no file in NETRC',
    { env: { NETRC: '/nonexistent' } },
    'cannot read "/nonexistent", which NETRC names: no such file',
  ],
  ['an empty answer', { ask: () => Promise.resolve('') }, 'the password that was given is empty'],
  [
    'keys that write nothing',
    { ask: () => Promise.resolve('\x1b[A') },
    'the password that was given holds a control character',
  ],
])('refuses %s as a password', async (_what, sources, message) => {
  expect((await lateRefusalOf(find(['http://a@p:1'], sources))).message).toBe(message);
});

test('the password of a key is in the environment, also an empty one, and nobody is asked for it', async () => {
  for (const given of ['s3cret', '']) {
    const said: string[] = [];
    const emit = (event: unknown) => void said.push((event as NoticeEvent).message);
    const keys = createKeyPassword(having({ env: { TUNL_KEY_PASSWORD: given }, emit }));
    const found = await keys.find('key "x"');
    expect([keys.isGiven, found?.password.reveal(), found?.from]).toEqual([true, given, 'TUNL_KEY_PASSWORD']);
    expect(said).toEqual(['key "x": the password is from TUNL_KEY_PASSWORD']);
  }
});

test('a person is asked once about each key, and a reload has the answer', async () => {
  const asked: string[] = [];
  const ask = async (question: string) => `answer ${asked.push(question)}`;
  const keys = createKeyPassword(having({ ask }));
  const find = async (key: string) => (await keys.find(key))?.password.reveal();
  expect([await find('key "x"'), await find('key "y"'), await find('key "x"')]).toEqual([
    'answer 1',
    'answer 2',
    'answer 1',
  ]);
  expect(asked).toEqual(['tunl: password of key "x":', 'tunl: password of key "y":']);
  expect(keys.isGiven).toBe(false);
});

test('where nobody can be asked a key has no password', async () => {
  expect(await createKeyPassword(nobody).find('key "x"')).toBeUndefined();
});
