import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasUser, setPassword } from '../../../src/app/commands/passwd.ts';
import { loadHtpasswd } from '../../../src/policy/htpasswd.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** Returns the path of a file with this text; of none, if there is no text. */
function makeFile(text?: string): string {
  const path = join(makeTempFolder(), 'users');
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

async function verify(path: string, user: string, password: string): Promise<boolean | undefined> {
  return (await loadHtpasswd(path)).passwords.get(user)?.verify(password);
}

const sha = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';

test('a new file is for its owner alone', async () => {
  const path = makeFile();
  expect(hasUser({ path, user: 'alice' })).toBe(false);
  await setPassword({ path, user: 'alice' }, 'grüße');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toMatch(/^alice:\$2b\$10\$.{53}\n$/);
  expect([await verify(path, 'alice', 'grüße'), await verify(path, 'alice', 'other')]).toEqual([true, false]);
});

test('a line is changed in its place, and everything else stays, with permissions and links', async () => {
  const before = `# people\nbob:${sha}\nalice:${sha}\n\ncarol:${sha}`;
  const path = makeFile(before);
  chmodSync(path, 0o640);
  const link = join(makeTempFolder(), 'link');
  symlinkSync(path, link);
  expect(hasUser({ path: link, user: 'alice' })).toBe(true);
  await setPassword({ path: link, user: 'alice' }, 'new');
  expect(readFileSync(path, 'utf8').replace(/alice:.*/, `alice:${sha}`)).toBe(`${before}\n`);
  expect([await verify(path, 'alice', 'new'), statSync(path).mode & 0o777]).toEqual([true, 0o640]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readdirSync(join(path, '..'))).toEqual(['users']);
});

test('a user comes behind the others, whatever bytes they have', async () => {
  const path = makeFile();
  const others = Buffer.concat([Buffer.from([0xfc]), Buffer.from(`:${sha}\nal:${sha}\n`)]);
  writeFileSync(path, others);
  await setPassword({ path, user: 'ali' }, 'x');
  expect(readFileSync(path).subarray(0, others.length)).toEqual(others);
  expect(readFileSync(path, 'latin1').split('\n')).toHaveLength(4);
});

test.each([
  ['an empty password', 'alice', '', 'the password is empty'],
  ['a password that bcrypt would cut', 'alice', 'ü'.repeat(37), 'more than 72 bytes'],
  ['a password that Basic cannot carry', 'alice', 'a\tb', 'the password holds a control character'],
  ['a user with a colon', 'a:b', 'x', 'is no name of a user'],
])('%s is refused, and nothing is written', async (_, user, password, message) => {
  const path = makeFile();
  const act = async () => {
    hasUser({ path, user });
    await setPassword({ path, user }, password);
  };
  await expect(act()).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  expect(existsSync(path)).toBe(false);
});

test('a line of htdigest is left to htdigest', () => {
  const path = makeFile(`alice:corp:${'0'.repeat(32)}\n`);
  expect(() => hasUser({ path, user: 'alice' })).toThrow('has a line of htdigest for "alice"');
});

test('a file that cannot be written says so', async () => {
  const path = join(makeTempFolder(), 'missing/users');
  await expect(setPassword({ path, user: 'alice' }, 'x')).rejects.toThrow(`cannot write the user file ${path}: `);
});
