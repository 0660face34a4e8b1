import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashValues } from '../../src/auth/digest/digest.ts';
import { openDigest } from '../../src/auth/digest/login.ts';
import { parseDigest, readUser } from '../../src/auth/digest/fields.ts';
import { parseChallenges } from '../../src/auth/model/challenge.ts';
import { Abort } from '../../src/core/abort.ts';
import { TunlError } from '../../src/core/errors.ts';
import { type DigestProof, Secret } from '../../src/core/secret.ts';
import { type Authenticator, createAuthenticator } from '../../src/policy/auth.ts';
import { makeTempFolder } from '../support/temp.ts';

const never = new Abort().signal;
const password = 'p:a"s\\s wörd€';
const line = (user: string, hash: 'MD5' | 'SHA-256', realm = 'corp') =>
  `${user}:${realm}:${hashValues(hash, user, realm, password)}`;
const sha = '{SHA}u7spwF/oCzl605Sj9JDO9/S7o3Y=';

function load(...lines: string[]): Promise<Authenticator> {
  const authFile = join(makeTempFolder(), 'users');
  writeFileSync(authFile, lines.join('\n'));
  return createAuthenticator({ authFile });
}

async function faultOf(...lines: string[]): Promise<string> {
  const error: unknown = await load(...lines).catch((fault: unknown) => fault);
  if (!(error instanceof TunlError)) throw new Error('the file was read');
  return error.message.replace(/^.*?users/, '');
}

/** Answers the challenges as our own client does, and changes some parameters afterwards. */
async function prove(
  users: Authenticator,
  { user = 'alice', secret = password, target = 'db:5432', change = (text: string) => text } = {},
): Promise<DigestProof> {
  const request = { method: 'CONNECT', target: 'db:5432', signal: never };
  const attempt = openDigest({ user, password: new Secret(secret) }).begin(request);
  const step = await attempt.answer(parseChallenges(users.digestChallenges(false)));
  const params = parseDigest(change(step.kind === 'send' ? step.credentials : ''));
  if (!params) throw new Error('no digest');
  return { user: readUser(params) ?? '', params, method: 'CONNECT', target };
}

describe('a file with lines of htdigest', () => {
  test('offers its hashes, the best first', async () => {
    const users = await load(line('alice', 'MD5'), line('alice', 'SHA-256'));
    const [first, second, ...others] = users.digestChallenges(true);
    expect(first).toMatch(
      /^Digest realm="corp", nonce="[\w-]{43}", qop="auth", algorithm=SHA-256, charset=UTF-8, stale=true$/,
    );
    expect(second).toMatch(
      /^Digest realm="corp", nonce="[\w-]{43}", qop="auth", algorithm=MD5, charset=UTF-8, stale=true$/,
    );
    expect(others).toEqual([]);
    expect(users.digestChallenges(false).join()).not.toContain('stale');
  });

  test('verifies passwords too, and those of htpasswd beside them', async () => {
    const users = await load('# both', line('Cléo', 'MD5'), `bob:${sha}`);
    const as = (user: string, secret: string) => ({ user, password: new Secret(secret) });
    expect(await users.authenticate(as('Cléo', password), never)).toBe('Cléo');
    expect(await users.authenticate(as('Cléo', 'grün'), never)).toBeUndefined();
    expect(await users.authenticate(as('bob', 'grün'), never)).toBe('bob');
  });

  test.each([
    [
      'two realms',
      [line('alice', 'MD5'), line('bob', 'MD5', 'other')],
      ':2: another realm than that of the lines before',
    ],
    ['a line twice', [line('alice', 'MD5'), line('alice', 'MD5')], ':2: duplicate user'],
    ['a user in both forms', [line('alice', 'MD5'), `alice:${sha}`], ':2: duplicate user'],
    ['a user in both forms', [`alice:${sha}`, line('alice', 'MD5')], ':2: duplicate user'],
    [
      'a user without the best hash',
      [line('bob', 'MD5'), line('alice', 'SHA-256')],
      ':1: the user has no line with SHA-256',
    ],
    ['a hash of another length', ['alice:corp:0123456789abcdef'], ':1: the password is not a bcrypt, apr1 or SHA hash'],
  ])('is refused for %s', async (_, lines, fault) => {
    expect(await faultOf(...lines)).toBe(fault);
  });

  test('gives the single user a key as well', async () => {
    const authFile = join(makeTempFolder(), 'users');
    writeFileSync(authFile, line('alice', 'SHA-256'));
    const users = await createAuthenticator({ authFile, single: { user: 'root', password: 'toor' } });
    expect(await users.verifyDigest(await prove(users, { user: 'root', secret: 'toor' }), never)).toBe('right');
  });
});

test('a file of htpasswd alone offers no Digest, and takes none', async () => {
  const users = await load(`alice:${sha}`);
  expect(users.digestChallenges(false)).toEqual([]);
  const other = await load(line('alice', 'MD5'));
  expect(await users.verifyDigest(await prove(other), never)).toBe('wrong');
});

describe('a digest', () => {
  test.each(['MD5', 'SHA-256'] as const)('by %s is right once', async (hash) => {
    const users = await load(line('alice', hash), line('Jäsøn', hash));
    for (const user of ['alice', 'Jäsøn']) {
      const proof = await prove(users, { user });
      expect(await users.verifyDigest(proof, never)).toBe('right');
      expect(await users.verifyDigest(proof, never)).toBe('stale');
    }
  });

  test('with the nonce of another process is stale, and only if the password is right', async () => {
    const [users, former] = [await load(line('alice', 'MD5')), await load(line('alice', 'MD5'))];
    expect(await users.verifyDigest(await prove(former), never)).toBe('stale');
    expect(await users.verifyDigest(await prove(former, { secret: 'wrong' }), never)).toBe('wrong');
  });

  test.each([
    ['of a wrong password', { secret: 'wrong' }],
    ['of a user that there is not', { user: 'eve' }],
    ['of another request', { target: 'other:5432' }],
    ['without a count', { change: (text: string) => text.replace(/, nc=\w+/, '') }],
    ['in the form of RFC 2069', { change: (text: string) => text.replace(/, qop=auth/, '') }],
    ['of another realm', { change: (text: string) => text.replace('realm="corp"', 'realm="x"') }],
    ['of another algorithm', { change: (text: string) => text.replace('algorithm=MD5', 'algorithm=SHA-256') }],
    ['of a session', { change: (text: string) => text.replace('algorithm=MD5', 'algorithm=MD5-sess') }],
    ['of another count', { change: (text: string) => text.replace('nc=00000001', 'nc=00000002') }],
    ['without a response', { change: (text: string) => text.replace(/response="\w+"/, 'response=""') }],
  ])('%s is wrong', async (_, what) => {
    const users = await load(line('alice', 'MD5'));
    expect(await users.verifyDigest(await prove(users, what), never)).toBe('wrong');
  });

  test('that is guessed waits longer each time, also where guesses come at once, and nobody else waits', async () => {
    const users = await load(line('alice', 'MD5'), line('bob', 'MD5'));
    const from = (host: string) => ({ address: { kind: 'tcp', host, port: 1 } }) as const;
    const leaving = new Abort();
    const guess = async () =>
      users.verifyDigest(await prove(users, { secret: 'wrong' }), leaving.signal, from('10.0.0.1'));
    const guesses = Array.from({ length: 20 }, guess);
    // Three are free, and the fourth makes the others wait.
    expect(await Promise.all(guesses.slice(0, 4))).toEqual(Array(4).fill('wrong'));
    expect(await users.verifyDigest(await prove(users), never, from('10.0.0.2'))).toBe('right');
    expect(await users.verifyDigest(await prove(users, { user: 'bob' }), never, from('10.0.0.1'))).toBe('right');
    leaving.abort(new TunlError('connection_terminated', 'gone'));
    const outcomes = await Promise.allSettled(guesses);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  });

  test('of a path stands for a target with a scheme', async () => {
    const users = await load(line('alice', 'MD5'));
    const request = { method: 'GET', target: '/a?b', signal: never };
    const attempt = openDigest({ user: 'alice', password: new Secret(password) }).begin(request);
    const step = await attempt.answer(parseChallenges(users.digestChallenges(false)));
    const params = parseDigest(step.kind === 'send' ? step.credentials : '') ?? new Map<string, string>();
    const proof = { user: 'alice', params, method: 'GET', target: 'http://a.test/a?b' };
    expect(await users.verifyDigest({ ...proof, target: 'http://a.test/a' }, never)).toBe('wrong');
    expect(await users.verifyDigest(proof, never)).toBe('right');
  });
});
