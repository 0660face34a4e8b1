import { describe, expect, test } from 'vitest';
import type { Challenge } from '../../src/auth/model/challenge.ts';
import type { Step } from '../../src/auth/model/scheme.ts';
import { avIds, formatAvPairs, parseAvPairs } from '../../src/auth/ntlm/av-pairs.ts';
import { openNtlm, toAccount } from '../../src/auth/ntlm/login.ts';
import { md4 } from '../../src/auth/ntlm/md4.ts';
import { parseChallenge } from '../../src/auth/ntlm/messages.ts';
import { deriveKey, respond } from '../../src/auth/ntlm/ntlmv2.ts';
import { Secret } from '../../src/core/secret.ts';
import { amount } from '../support/amounts.ts';
import { alice } from '../support/peers/asking-proxy.ts';
import {
  checkAuthenticate,
  formatChallenge,
  readAuthenticate,
  usualFlags,
  usualPairs,
} from '../support/peers/ntlm-server.ts';
import { makeRandom } from '../support/random.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

// RFC 1320, appendix A.5.
test.each([
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  [
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    'e33b4ddc9c38f2199c3e7b164fcc0536',
  ],
])('MD4 of %j', (text, digest) => {
  expect(md4(Buffer.from(text)).toString('hex')).toBe(digest);
});

// MS-NLMP, section 4.2.4.
test('the exchange of the specification has its keys and its response', () => {
  const key = deriveKey({ user: 'User', domain: 'Domain', password: 'Password' });
  expect(key.toString('hex')).toBe('0c868a403bfd7a93a3001ef22ef02e3f');
  const targetInfo = formatAvPairs([
    [2, Buffer.from('Domain', 'utf16le')],
    [1, Buffer.from('Server', 'utf16le')],
  ]);
  const { ntResponse, sessionKey } = respond(key, {
    challenge: hex('0123456789abcdef'),
    clientChallenge: hex('aaaaaaaaaaaaaaaa'),
    time: Buffer.alloc(8),
    targetInfo,
  });
  expect(ntResponse.subarray(0, 16).toString('hex')).toBe('68cd0ab851e51c96aabc927bebef6a1c');
  expect(sessionKey.toString('hex')).toBe('8de40ccadbc14a82f15cb0ad0de95ca3');
});

const request = { method: 'CONNECT', target: 'db:22', signal: new AbortController().signal };

function begin(user = 'CORP\\alice', password: string = alice.password) {
  return openNtlm({ user, password: new Secret(password) }, 'HTTP/proxy.corp').begin(request);
}

const toList = (token?: Buffer | string): Challenge[] => [
  { scheme: 'ntlm', title: 'NTLM', params: new Map(), ...(token !== undefined && { token: token.toString('base64') }) },
];

function messageOf(step: Step | undefined): Buffer {
  expect(step?.kind).toBe('send');
  return Buffer.from((step?.kind === 'send' && step.credentials.replace(/^NTLM /, '')) || '', 'base64');
}

describe('an attempt', () => {
  test('has three messages, which a server accepts', async () => {
    const attempt = begin();
    const negotiate = messageOf(await attempt.start());
    expect(negotiate.toString('latin1', 0, 8)).toBe('NTLMSSP\0');
    expect(negotiate).toHaveLength(40);
    // Neither key exchange nor signing, and target information.
    expect(negotiate.readUInt32LE(12) & 0x4080_0030).toBe(0x0080_0000);
    const challenge = formatChallenge();
    const authenticate = messageOf(await attempt.answer(toList(challenge)));
    expect(checkAuthenticate([negotiate, challenge, authenticate], alice)).toBeUndefined();
    expect(readAuthenticate(authenticate)).toMatchObject({ user: 'alice', domain: 'CORP' });
    const { pairs } = readAuthenticate(authenticate);
    expect(pairs.find(([id]) => id === avIds.targetName)?.[1].toString('utf16le')).toBe('HTTP/proxy.corp');
    expect(pairs.find(([id]) => id === avIds.flags)?.[1].readUInt32LE(0)).toBe(2);
    for (const message of [negotiate, authenticate]) expect(message.includes(alice.password, 0, 'utf16le')).toBe(false);
  });

  test('finds a challenge that is wrapped in SPNEGO', async () => {
    const attempt = begin();
    const negotiate = messageOf(await attempt.start());
    const challenge = formatChallenge();
    const wrapped = Buffer.concat([hex('a181 c430 81c1'), challenge]);
    const authenticate = messageOf(await attempt.answer(toList(wrapped)));
    expect(checkAuthenticate([negotiate, challenge, authenticate], alice)).toBeUndefined();
  });

  test('without the time of the server has no MIC, and says so', async () => {
    const attempt = begin();
    await attempt.start();
    const challenge = formatChallenge({ pairs: usualPairs.filter(([id]) => id !== avIds.timestamp) });
    const { pairs, mic } = readAuthenticate(messageOf(await attempt.answer(toList(challenge))));
    expect(pairs.some(([id]) => id === avIds.flags)).toBe(false);
    expect(mic).toEqual(Buffer.alloc(16));
  });

  test.each([
    ['no challenge', undefined, 'it answers the first message without a challenge'],
    ['no NTLM', Buffer.from('hello'), 'its challenge is no message of NTLM'],
    [
      'NTLMv1',
      formatChallenge({ flags: usualFlags & ~0x8_0000 }),
      'its challenge allows only NTLMv1, which is not sent',
    ],
    [
      'no target information',
      formatChallenge({ flags: usualFlags & ~0x80_0000 }),
      'its challenge has no target information, as NTLMv2 needs',
    ],
    ['no Unicode', formatChallenge({ flags: usualFlags & ~0x1 }), 'its challenge allows no Unicode'],
  ])('that is answered with %s checks no password', async (_, token, reason) => {
    const attempt = begin();
    await attempt.start();
    expect(await attempt.answer(toList(token))).toEqual({ kind: 'unable', reason });
  });

  test('that is answered after its last message was refused', async () => {
    const attempt = begin('alice');
    await attempt.start();
    await attempt.answer(toList(formatChallenge()));
    expect(await attempt.answer(toList())).toEqual({
      kind: 'refused',
      reason: 'it does not accept the user and the password that were sent',
      hints: ['the user has no domain: DOMAIN\\USER, with %5C for the backslash in a URL'],
    });
  });
});

test.each([
  ['CORP\\alice', 'CORP', 'alice'],
  ['alice@corp.example', '', 'alice@corp.example'],
  ['alice', '', 'alice'],
])('the user %j is of the domain %j', (user, domain, name) => {
  expect(toAccount({ user, password: new Secret('x') })).toMatchObject({ domain, user: name });
});

test('a name in upper case has as many characters as before', () => {
  const key = deriveKey({ user: 'straße', domain: '', password: 'x' });
  expect(key).toEqual(deriveKey({ user: 'STRAßE', domain: '', password: 'x' }));
});

test('whatever a proxy sends as a challenge, it is answered or not, and the answer holds no secret', async () => {
  const usual = formatChallenge({ challenge: Buffer.alloc(8, 7) });
  const random = makeRandom(4711);
  const text = Buffer.from(alice.password, 'utf16le');
  const secrets = [text, Buffer.from(alice.password), md4(text), deriveKey(alice)];
  const kinds = new Map<string, number>();
  for (let run = 0; run < amount(20_000, 200_000); run++) {
    const bytes = Buffer.from(usual.subarray(0, random(10) === 0 ? random(usual.length) : usual.length));
    for (let changes = random(6); changes > 0 && bytes.length > 0; changes--) {
      bytes[random(bytes.length)] = random(256);
    }
    const read = parseChallenge(bytes);
    expect(typeof read === 'string' || read.targetInfo.every(([, value]) => value.length <= bytes.length)).toBe(true);
    parseAvPairs(bytes);
    const attempt = begin();
    await attempt.start();
    const step = await attempt.answer(toList(bytes));
    kinds.set(step.kind, (kinds.get(step.kind) ?? 0) + 1);
    const told =
      step.kind === 'send' ? Buffer.from(step.credentials.slice('NTLM '.length), 'base64') : Buffer.from(step.reason);
    if (secrets.some((secret) => told.includes(secret))) throw new Error('a secret was told');
  }
  expect([...kinds.keys()].toSorted()).toEqual(['send', 'unable']);
});
