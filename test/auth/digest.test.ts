import { describe, expect, test } from 'vitest';
import { computeDigest, findAlgorithm, hashValues } from '../../src/auth/digest/digest.ts';
import { formatDigest, parseDigest, readUser } from '../../src/auth/digest/fields.ts';
import { openDigest } from '../../src/auth/digest/login.ts';
import { parseChallenges } from '../../src/auth/model/challenge.ts';
import type { Attempt, AuthRequest } from '../../src/auth/model/scheme.ts';
import { Secret } from '../../src/core/secret.ts';

const md5 = { hash: 'MD5', isSession: false } as const;

describe('the values of the RFCs', () => {
  const mufasa = { user: 'Mufasa', realm: 'http-auth@example.org', password: 'Circle of Life' };
  const terms = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    nc: '00000001',
    qop: 'auth',
  } as const;

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('RFC 7616, section 3.9.1, %s', (hash, response) => {
    const key = hashValues(hash, mufasa.user, mufasa.realm, mufasa.password);
    expect(computeDigest({ ...terms, key, algorithm: { hash, isSession: false } })).toBe(response);
  });

  test('RFC 7616, section 3.9.2, as its erratum 4897 corrects it', () => {
    const algorithm = { hash: 'SHA-512-256', isSession: false } as const;
    const [user, realm] = ['Jäsøn Doe', 'api@example.org'];
    expect(hashValues('SHA-512-256', user, realm)).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
    const response = computeDigest({
      algorithm,
      key: hashValues('SHA-512-256', user, realm, 'Secret, or not?'),
      method: 'GET',
      uri: '/doe.json',
      nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
      cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
      nc: '00000001',
      qop: 'auth',
    });
    expect(response).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  });

  const older = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    cnonce: '0a4f113b',
    nc: '00000001',
  };

  test('RFC 2617, section 3.5', () => {
    const key = hashValues('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life');
    expect(computeDigest({ ...older, qop: 'auth', key, algorithm: md5 })).toBe('6629fae49393a05397450978507c4ef1');
  });

  test('the form of RFC 2069', () => {
    const key = hashValues('MD5', 'Mufasa', 'testrealm@host.com', 'CircleOfLife');
    expect(computeDigest({ ...older, key, algorithm: md5 })).toBe('1949323746fe6a43ef61f9606e7febea');
  });
});

test.each([
  ['MD5', { hash: 'MD5', isSession: false }],
  ['md5-SESS', { hash: 'MD5', isSession: true }],
  ['SHA-512-256-sess', { hash: 'SHA-512-256', isSession: true }],
  [undefined, { hash: 'MD5', isSession: false }],
  ['SHA-512', undefined],
  ['', undefined],
  ['-sess', undefined],
])('the algorithm %s is %j', (name, expected) => {
  expect(findAlgorithm(name)).toEqual(expected);
});

const request: AuthRequest = { method: 'CONNECT', target: 'db.corp:5432', signal: new AbortController().signal };
const alice = { user: 'alice', password: new Secret('p:a"s\\s wörd€') };

async function answer(attempt: Attempt, ...challenges: string[]): Promise<ReadonlyMap<string, string>> {
  const step = await attempt.answer(parseChallenges(challenges));
  return readCredentials(step.kind === 'send' ? step.credentials : step.reason);
}

function readCredentials(text: string): ReadonlyMap<string, string> {
  const params = parseDigest(text);
  if (!params) throw new Error(`no credentials: ${text}`);
  return params;
}

const pick = (params: ReadonlyMap<string, string>, ...names: string[]) => names.map((name) => params.get(name));

/** Computes the response that a server expects. */
function expectResponse(params: ReadonlyMap<string, string>, user = alice.user): void {
  const read = (name: string) => params.get(name) ?? '';
  const algorithm = findAlgorithm(params.get('algorithm'));
  if (!algorithm) throw new Error('no algorithm');
  const qop = params.get('qop') as 'auth' | undefined;
  const terms = {
    algorithm,
    key: hashValues(algorithm.hash, user, read('realm'), alice.password.reveal()),
    method: 'CONNECT',
    uri: read('uri'),
    nonce: read('nonce'),
    cnonce: read('cnonce'),
    nc: read('nc'),
    ...(qop && { qop }),
  };
  expect(read('response')).toBe(computeDigest(terms));
}

describe('the answer to a challenge', () => {
  test('has the target as it is sent, and quotes where they belong', async () => {
    const attempt = openDigest(alice).begin(request);
    expect(await attempt.start()).toBeUndefined();
    const challenge = String.raw`Digest realm="a \"corp\" \\", nonce="n1", opaque="o,\"p\"", qop="auth-int,auth", algorithm=MD5`;
    const step = await attempt.answer(parseChallenges([challenge]));
    const text = step.kind === 'send' ? step.credentials : '';
    expect(text).toMatch(
      /^Digest username="alice", realm="a \\"corp\\" \\\\", nonce="n1", uri="db\.corp:5432", response=/,
    );
    expect(text).toMatch(/, algorithm=MD5, cnonce="[^"]{24}", opaque="o,\\"p\\"", qop=auth, nc=00000001$/);
    expectResponse(readCredentials(text));
  });

  test.each([
    [['MD5', 'SHA-256'], 'SHA-256'],
    [['SHA-256', 'SHA-512-256', 'MD5'], 'SHA-512-256'],
    [['SHA3-512', 'MD5-sess'], 'MD5-sess'],
  ])('of %j takes the best that is known', async (algorithms, best) => {
    const challenges = algorithms.map((name) => `Digest realm="r", nonce="${name}", qop="auth", algorithm=${name}`);
    const params = await answer(openDigest(alice).begin(request), ...challenges);
    expect(pick(params, 'algorithm', 'nonce')).toEqual([best, best]);
    expectResponse(params);
  });

  test('without qop is that of RFC 2069', async () => {
    const params = await answer(openDigest(alice).begin(request), 'Digest realm="r", nonce="n"');
    expect([...params.keys()]).toEqual(['username', 'realm', 'nonce', 'uri', 'response']);
    expectResponse(params);
  });

  test('with auth-int alone covers an empty body', async () => {
    const params = await answer(openDigest(alice).begin(request), 'Digest realm="r", nonce="n", qop="auth-int"');
    expect(params.get('qop')).toBe('auth-int');
    expectResponse(params);
  });

  test('hides the user where the hop asks for it', async () => {
    const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, userhash=true';
    const params = await answer(openDigest(alice).begin(request), challenge);
    expect(pick(params, 'username', 'userhash')).toEqual([hashValues('SHA-256', 'alice', 'r'), 'true']);
    expectResponse(params);
  });

  test.each([
    ['charset=UTF-8', "UTF-8''J%C3%A4s%C3%B8n%20%27%28D%29%2A", undefined],
    ['algorithm=MD5', undefined, "Jäsøn '(D)*"],
  ])('names a user beyond ASCII as the hop can read it: %s', async (more, extended, plain) => {
    const login = openDigest({ ...alice, user: "Jäsøn '(D)*" });
    const params = await answer(login.begin(request), `Digest realm="r", nonce="n", qop="auth", ${more}`);
    expect(pick(params, 'username*', 'username')).toEqual([extended, plain]);
    expect(readUser(params)).toBe("Jäsøn '(D)*");
    expectResponse(params, "Jäsøn '(D)*");
  });

  test.each([
    ['an unknown algorithm', 'Digest realm="r", nonce="n", algorithm=SHA3'],
    ['an unknown protection', 'Digest realm="r", nonce="n", qop="auth-conf"'],
    ['no nonce', 'Digest realm="r"'],
    ['no realm', 'Digest nonce="n"'],
    ['a control character', 'Digest realm="r\u0001", nonce="n"'],
    ['a token', 'Digest abcd'],
  ])('is not given to %s', async (_, challenge) => {
    const step = await openDigest(alice)
      .begin(request)
      .answer(parseChallenges([challenge]));
    expect(step).toMatchObject({ kind: 'unable' });
  });
});

describe('a nonce', () => {
  const challenge = 'Digest realm="r", nonce="n1", qop="auth"';

  /** Has one request accepted. */
  async function accept(login = openDigest(alice), info?: string) {
    const attempt = login.begin(request);
    await answer(attempt, challenge);
    expect(await attempt.confirm?.(info === undefined ? {} : { info })).toBeUndefined();
    return login;
  }

  async function start(login: ReturnType<typeof openDigest>): Promise<string> {
    const step = await login.begin(request).start();
    if (step?.kind !== 'send') throw new Error('nothing was sent');
    return step.credentials;
  }

  test('that was accepted serves all tunnels, each with a count of its own', async () => {
    const login = await accept();
    const all = await Promise.all(Array.from({ length: 300 }, () => start(login)));
    const counts = all.map((text) => readCredentials(text).get('nc'));
    expect(new Set(counts).size).toBe(300);
    expect([counts[0], counts[299]]).toEqual(['00000002', '0000012d']);
    all.forEach((text) => expectResponse(readCredentials(text)));
  });

  test('that comes twice in challenges goes on with its count', async () => {
    const login = openDigest(alice);
    const first = await answer(login.begin(request), challenge);
    await answer(login.begin(request), challenge.replace('n1', 'n2'));
    const again = await answer(login.begin(request), challenge);
    expect([first, again].map((params) => params.get('nc'))).toEqual(['00000001', '00000002']);
  });

  test('that is stale gives way to the new one, once', async () => {
    const attempt = (await accept()).begin(request);
    await attempt.start();
    const params = await answer(attempt, challenge.replace('n1', 'n2'), 'Basic realm="r"', `${challenge}, stale=true`);
    expect(pick(params, 'nonce', 'nc')).toEqual(['n2', '00000001']);
  });

  test('that is always stale is not taken for a wrong password', async () => {
    const attempt = openDigest(alice).begin(request);
    await answer(attempt, challenge);
    await answer(attempt, `${challenge.replace('n1', 'n2')}, stale=TRUE`);
    const step = await attempt.answer(parseChallenges([`${challenge.replace('n1', 'n3')}, stale=true`]));
    expect(step).toEqual({ kind: 'unable', reason: 'it refuses each new nonce as stale' });
  });

  test('that was accepted once and is forgotten is renewed, even if the hop does not call it stale', async () => {
    const attempt = (await accept()).begin(request);
    await attempt.start();
    expect((await answer(attempt, challenge.replace('n1', 'n9'))).get('nonce')).toBe('n9');
    const step = await attempt.answer(parseChallenges([challenge.replace('n1', 'n10')]));
    expect(step.kind).toBe('refused');
  });

  test('that was new ends with the password that is wrong', async () => {
    const attempt = openDigest(alice).begin(request);
    await answer(attempt, challenge);
    const step = await attempt.answer(parseChallenges([challenge.replace('n1', 'n2')]));
    expect(step).toEqual({ kind: 'refused', reason: 'it does not accept the user and the password that were sent' });
  });

  test('is replaced by nextnonce', async () => {
    const login = await accept(openDigest(alice), 'nextnonce="n7", qop=auth');
    expect(pick(readCredentials(await start(login)), 'nonce', 'nc')).toEqual(['n7', '00000001']);
  });

  test.each([
    ['right', '', undefined],
    ['wrong', 'GET', 'did not prove that it knows the password'],
  ])('with a proof of the hop that is %s', async (_, method, fault) => {
    const attempt = openDigest(alice).begin(request);
    const params = await answer(attempt, challenge);
    const read = (name: string) => params.get(name) ?? '';
    const key = hashValues('MD5', alice.user, 'r', alice.password.reveal());
    const [nonce, cnonce, nc, uri] = [read('nonce'), read('cnonce'), read('nc'), read('uri')];
    const rspauth = computeDigest({ algorithm: md5, key, method, uri, nonce, cnonce, nc, qop: 'auth' });
    expect(await attempt.confirm?.({ info: `qop=auth, rspauth="${rspauth}", cnonce="${cnonce}", nc=${nc}` })).toBe(
      fault,
    );
  });
});

test('fields of any form are read as they were written', () => {
  const params = { username: 'a "b" \\c, d=e', realm: '', nonce: 'wörd€', 'username*': "UTF-8''x" };
  expect(Object.fromEntries(parseDigest(formatDigest(params)) ?? [])).toEqual(params);
  expect(parseDigest('Digest a=b, Basic abc')).toBeUndefined();
  expect(parseDigest('Basic abc')).toBeUndefined();
});

test.each([
  [{ username: 'a', 'username*': "UTF-8''b" }, undefined],
  [{ 'username*': "UTF-8''%zz" }, undefined],
  [{ 'username*': "latin1''b" }, undefined],
  [{ 'username*': "utf-8'en'%c3%a4" }, 'ä'],
  [{}, undefined],
])('the user in %j is %s', (params, user) => {
  expect(readUser(new Map(Object.entries(params)))).toBe(user);
});
