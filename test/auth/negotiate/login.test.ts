import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { openNegotiate } from '../../../src/auth/negotiate/login.ts';
import { TokenError, type TokenOrder, type TokenSource } from '../../../src/auth/negotiate/tokens.ts';
import type { Challenge } from '../../../src/auth/model/challenge.ts';
import { negotiate } from '../../../src/auth/schemes/negotiate.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { type Certs, makeCerts } from '../../support/certs/certs.ts';

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
  return certs.remove;
});

const hop: Hop = {
  scheme: 'http',
  address: { kind: 'tcp', host: 'Proxy.corp', port: 3128 },
  tls: {},
  headers: [],
  settings: {},
};
const givenUp = new TunlError('interrupted', 'given up');
/** NegTokenResp with nothing but the state `reject`. */
const rejection = Buffer.from('a1073005a0030a0102', 'hex');
const ntlm = 'NTLMSSP\0\u0001';

type Outcome = string | Error;

/** A source whose exchanges give these tokens, or fail. */
function fakeSource(outcomes: readonly Outcome[], proof: Outcome = 'proven', bindsChannels = true) {
  const orders: TokenOrder[] = [];
  const challenges: (string | undefined)[] = [];
  let closed = 0;
  const source: TokenSource = {
    name: 'a fake',
    bindsChannels,
    whyNot: () => Promise.resolve(undefined),
    open(order) {
      orders.push(order);
      const left = [...outcomes];
      return Promise.resolve({
        step(challenge) {
          challenges.push(challenge && String(challenge));
          const outcome = left.shift() ?? new Error('no more tokens');
          return typeof outcome === 'string' ? Promise.resolve(Buffer.from(outcome)) : Promise.reject(outcome);
        },
        finish(token) {
          challenges.push(`proof ${String(token)}`);
          return typeof proof === 'string' ? Promise.resolve('proven') : Promise.reject(proof);
        },
        close: () => void closed++,
      });
    },
  };
  return { source, orders, challenges, closed: () => closed };
}

function begin(source: TokenSource | Error, options: { readonly hop?: Hop; readonly certificate?: Uint8Array } = {}) {
  const find = () => (source instanceof Error ? Promise.reject(source) : Promise.resolve(source));
  return openNegotiate(options.hop ?? hop, find).begin({
    method: 'CONNECT',
    target: 'db:5432',
    signal: new AbortController().signal,
    ...(options.certificate && { certificate: options.certificate }),
  });
}

function challenge(token?: string | Buffer): Challenge[] {
  const text = token === undefined ? {} : { token: Buffer.from(token).toString('base64') };
  return [{ scheme: 'negotiate', title: 'Negotiate', params: new Map(), ...text }];
}

function sent(token: string): object {
  return { kind: 'send', credentials: `Negotiate ${Buffer.from(token).toString('base64')}` };
}

describe('Negotiate', () => {
  test('sends a token for the name of the hop as it is written, before and after a challenge', async () => {
    const { source, orders, closed } = fakeSource(['ticket']);
    const early = begin(source);
    expect(await early.start()).toEqual(sent('ticket'));
    const asked = begin(source);
    expect(await asked.answer(challenge())).toEqual(sent('ticket'));
    expect(orders.map(({ name }) => name)).toEqual(Array(2).fill({ service: 'HTTP', host: 'Proxy.corp' }));
    expect(orders[0]).not.toHaveProperty('binding');
    early.close?.();
    expect(closed()).toBe(1);
  });

  test('takes the name that is set, and the binding of the TLS connection', async () => {
    const { source, orders } = fakeSource(['ticket']);
    const { raw } = new X509Certificate(certs.server.certPem);
    await begin(source, { hop: { ...hop, settings: { spn: 'HTTP/real.corp' } }, certificate: raw }).start();
    expect(orders[0]).toMatchObject({ name: { service: 'HTTP', host: 'real.corp' } });
    const hash = createHash('sha256').update(raw).digest();
    expect(orders[0]?.binding).toEqual(Buffer.concat([Buffer.from('tls-server-end-point:'), hash]));
  });

  test('answers further challenges in the same exchange', async () => {
    const { source, orders, challenges } = fakeSource(['first', 'second', 'third']);
    const attempt = begin(source);
    await attempt.start();
    expect(await attempt.answer(challenge('one'))).toEqual(sent('second'));
    expect(await attempt.answer(challenge('two'))).toEqual(sent('third'));
    expect(challenges).toEqual([undefined, 'one', 'two']);
    expect(orders).toHaveLength(1);
  });

  test.each([
    ['without a token', challenge(), 'it does not accept the token for HTTP/Proxy.corp'],
    ['that is none of Negotiate', [], 'it does not accept the token for HTTP/Proxy.corp'],
    ['with a rejection', challenge(rejection), 'it rejects the token for HTTP/Proxy.corp'],
  ])('gives way after a challenge %s', async (_what, challenges, reason) => {
    const attempt = begin(fakeSource(['ticket']).source);
    await attempt.start();
    expect(await attempt.answer(challenges)).toEqual({
      kind: 'unable',
      reason,
      hints: [expect.stringContaining('spn=')],
    });
  });

  test('says that the source of a token that was refused knows no channel binding', async () => {
    const { raw } = new X509Certificate(certs.server.certPem);
    const { source } = fakeSource(['ticket'], 'proven', false);
    for (const certificate of [raw, undefined]) {
      const attempt = begin(source, certificate ? { certificate } : {});
      await attempt.start();
      const hint = expect.stringContaining('which tokens from a fake lack') as unknown;
      expect(await attempt.answer([])).toMatchObject({ hints: [expect.anything(), ...(certificate ? [hint] : [])] });
    }
  });

  test('says that a token held NTLM', async () => {
    const attempt = begin(fakeSource([ntlm]).source);
    await attempt.start();
    expect(await attempt.answer([])).toMatchObject({ reason: 'it does not accept the NTLM token for HTTP/Proxy.corp' });
  });

  test.each([
    [
      'a failure of the library',
      new TokenError('Clock skew too great', ['set it']),
      'Clock skew too great',
      ['set it'],
    ],
    ['another failure', new Error('broken\u001b[31m'), 'broken?[31m', []],
  ])('gives way after %s', async (_what, failure, words, hints) => {
    expect(await begin(fakeSource([failure]).source).start()).toEqual({
      kind: 'unable',
      reason: `no token for HTTP/Proxy.corp: ${words}`,
      hints,
    });
  });

  test('gives way where no token can be had', async () => {
    const step = await begin(new TokenError('nothing makes tokens', ['install something'])).start();
    expect(step).toMatchObject({ kind: 'unable', hints: ['install something'] });
  });

  test('gives way where the library has nothing more to say', async () => {
    expect(await begin(fakeSource(['']).source).start()).toMatchObject({ kind: 'unable' });
  });

  test('passes on the end of the request', async () => {
    await expect(begin(fakeSource([givenUp]).source).start()).rejects.toBe(givenUp);
  });
});

describe('a hop that accepts', () => {
  test('may prove who it is', async () => {
    const { source, challenges } = fakeSource(['ticket']);
    const attempt = begin(source);
    await attempt.start();
    const [proof] = challenge('it is me');
    expect(await attempt.confirm?.({ ...(proof && { challenge: proof }) })).toBeUndefined();
    expect(challenges).toEqual([undefined, 'proof it is me']);
  });

  test('need not', async () => {
    const { source, challenges } = fakeSource(['ticket']);
    const attempt = begin(source);
    await attempt.start();
    const [empty] = challenge();
    expect(await attempt.confirm?.({})).toBeUndefined();
    expect(await attempt.confirm?.({ ...(empty && { challenge: empty }) })).toBeUndefined();
    expect(challenges).toEqual([undefined]);
  });

  test('must not prove that it is somebody else', async () => {
    const attempt = begin(fakeSource(['ticket'], new TokenError('the token was defective')).source);
    await attempt.start();
    const [proof] = challenge('it is me');
    expect(await attempt.confirm?.({ ...(proof && { challenge: proof }) })).toBe(
      'does not prove that it is HTTP/Proxy.corp: the token was defective',
    );
    const [no] = challenge(rejection);
    expect(await attempt.confirm?.({ ...(no && { challenge: no }) })).toContain('rejects our token');
  });
});

describe('the scheme', () => {
  test.each<[string, Partial<Hop>, boolean]>([
    ['a name', {}, true],
    ['a name that the environment gave', { variable: 'HTTPS_PROXY' }, true],
    ['an IPv4 address', { address: { kind: 'tcp', host: '192.0.2.1', port: 1 } }, false],
    ['an IPv6 address', { address: { kind: 'tcp', host: '::1', port: 1 } }, false],
    ['a socket', { address: { kind: 'unix', path: '/run/proxy' } }, false],
    [
      'an address with a name for Kerberos',
      { address: { kind: 'tcp', host: '::1', port: 1 }, settings: { spn: 'HTTP/a' } },
      true,
    ],
    ['a name that the user did not give', { signOn: false }, false],
  ])('can be tried at a hop with %s: %#', (_what, change, canBegin) => {
    expect(negotiate.obstacle({ ...hop, ...change }) === undefined).toBe(canBegin);
  });
});
