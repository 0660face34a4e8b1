import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { createAuthenticator } from '../../src/policy/auth.ts';

const bcrypt = '$2y$04$abcdefghijklmnopqrstuu/RcPheG5Bboq6i7MyIjQPaaSOeR71ra';
const apr1 = '$apr1$ab$pnMfcC2TQ2jlNchNnEHVC/';
const sha = '{SHA}u7spwF/oCzl605Sj9JDO9/S7o3Y=';
const never = new AbortController().signal;
const as = (user: string, password: string) => ({ user, password: new Secret(password) });

let folder: string;
let files = 0;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tunl-auth-'))));
afterAll(() => rm(folder, { recursive: true }));

async function writeUsers(...lines: string[]): Promise<string> {
  const path = join(folder, `users-${files++}`);
  await writeFile(path, lines.join('\n'));
  return path;
}

async function failureOf(work: Promise<unknown>): Promise<TunlError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(TunlError);
  return error as TunlError;
}

test('without users nobody has to say who they are, and nobody is known', async () => {
  const nobody = await createAuthenticator({});
  expect(nobody.required).toBe(false);
  expect(await nobody.authenticate(as('ann', 'a'), never)).toBeUndefined();
  await nobody.reload();
});

test('an htpasswd file may mix bcrypt, apr1 and SHA, comments and Windows line ends', async () => {
  const authFile = await writeUsers(
    '\uFEFF# users',
    `ann:${bcrypt}\r`,
    '',
    `bob:${apr1}:the gardener`,
    `Cléo D:${sha}`,
    '',
  );
  const users = await createAuthenticator({ authFile });
  expect(users.required).toBe(true);
  expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBe('ann');
  expect(await users.authenticate(as('bob', 'grün'), never)).toBe('bob');
  expect(await users.authenticate(as('Cléo D', 'grün'), never)).toBe('Cléo D');
  expect(await users.authenticate(as('ann', 'grün'), never)).toBeUndefined();
  expect(await users.authenticate(as('ANN', 's3cret:with:colons'), never)).toBeUndefined();
  expect(await users.authenticate(as('eve', 'grün'), never)).toBeUndefined();
  expect(await users.authenticate(undefined, never)).toBeUndefined();
});

test('a single user may have colons in the password, and joins those of a file', async () => {
  const authFile = await writeUsers(`ann:${bcrypt}`);
  const users = await createAuthenticator({ authFile, single: { user: 'root', password: ':a:b:' } });
  expect(await users.authenticate(as('root', ':a:b:'), never)).toBe('root');
  expect(await users.authenticate(as('root', 'a:b:'), never)).toBeUndefined();
  expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBe('ann');
});

test.each([
  ['a password that is not hashed', 'bob:hunter2secret', ':2: the password is not a bcrypt, apr1 or SHA hash'],
  ['a hash of another kind', 'bob:$6$abc$hunter2secret', ':2: the password is not a bcrypt, apr1 or SHA hash'],
  ['a line without a colon', 'hunter2secret', ':2: not a USER:HASH line'],
  ['a line without a name', ':hunter2secret', ':2: not a USER:HASH line'],
  ['a control character in a name', `b\u0007b:${sha}`, ':2: not a USER:HASH line'],
  ['a name that comes twice', `ann:${sha}`, ':2: duplicate user'],
])('refuses %s, naming the line and never its contents', async (_case, line, fault) => {
  const authFile = await writeUsers(`ann:${bcrypt}`, line);
  const error = await failureOf(createAuthenticator({ authFile }));
  expect(error.code).toBe('usage');
  expect(error.message).toBe(`${authFile}${fault}`);
  expect(JSON.stringify([error.message, error.facts])).not.toMatch(/hunter2secret|u7spwF/);
});

test.each([[[]], [['# nobody', '', '  ']]])('refuses a file that holds no user: %j', async (lines) => {
  const authFile = await writeUsers(...lines);
  const error = await failureOf(createAuthenticator({ authFile }));
  expect([error.code, error.message]).toEqual(['usage', `${authFile} holds no user`]);
});

test('refuses a file that cannot be read', async () => {
  for (const authFile of [join(folder, 'missing'), folder, '']) {
    const error = await failureOf(createAuthenticator({ authFile }));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(/^cannot read the user file .*: (ENOENT|EISDIR)$/);
  }
});

test.each([
  ['an empty password', { user: 'ann', password: '' }],
  ['a password with a line end', { user: 'ann', password: 'hunter2secret\n' }],
  ['an empty name', { user: '', password: 'hunter2secret' }],
  ['a name with a colon', { user: 'a:b', password: 'hunter2secret' }],
  ['a name with a control character', { user: 'a\u0000b', password: 'hunter2secret' }],
])('refuses %s', async (_case, single) => {
  const error = await failureOf(createAuthenticator({ single }));
  expect(error.code).toBe('usage');
  expect(JSON.stringify([error.message, error.facts])).not.toContain('hunter2secret');
});

test('refuses a single user that the file holds as well', async () => {
  const authFile = await writeUsers(`ann:${bcrypt}`);
  const error = await failureOf(createAuthenticator({ authFile, single: { user: 'ann', password: 'a' } }));
  expect([error.code, error.message]).toEqual(['usage', `user "ann" is in ${authFile} as well`]);
});

test('a reload takes the new file, and forgets who was right before', async () => {
  const authFile = await writeUsers(`ann:${bcrypt}`);
  const users = await createAuthenticator({ authFile });
  expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBe('ann');
  await writeFile(authFile, `ann:${sha}\nbob:${sha}`);
  await users.reload();
  expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBeUndefined();
  expect(await users.authenticate(as('ann', 'grün'), never)).toBe('ann');
  expect(await users.authenticate(as('bob', 'grün'), never)).toBe('bob');
});

test('a reload of a wrong, empty or missing file fails and keeps the users; a later one recovers', async () => {
  const authFile = await writeUsers(`ann:${bcrypt}`);
  const users = await createAuthenticator({ authFile });
  for (const text of ['ann:plain', '', undefined]) {
    await (text === undefined ? rm(authFile) : writeFile(authFile, text));
    expect((await failureOf(users.reload())).code).toBe('usage');
    expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBe('ann');
  }
  await writeFile(authFile, `bob:${sha}`);
  await users.reload();
  expect(users.required).toBe(true);
  expect(await users.authenticate(as('ann', 's3cret:with:colons'), never)).toBeUndefined();
  expect(await users.authenticate(as('bob', 'grün'), never)).toBe('bob');
});
