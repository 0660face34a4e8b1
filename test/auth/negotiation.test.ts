import { beforeEach, describe, expect, test } from 'vitest';
import { learn } from '../../src/auth/knowledge.ts';
import { proxyAuth } from '../../src/auth/model/fields.ts';
import { Negotiation } from '../../src/auth/negotiation.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { resetError } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { makeHop, makeRoute } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { alice, type AskingProxy, type Manner, startAskingProxy } from '../support/peers/asking-proxy.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';

const right = { user: 'CORP\\alice', password: new Secret(alice.password) };
const basicRealm = 'Basic realm="corp"';

/** A hop whose `auth` lets the proxy choose, so that nothing is sent before it asks. */
function toHop({ port }: Pick<AskingProxy, 'port'>, more: Partial<Hop> = {}): Hop {
  return makeHop('http', port, { credentials: { ...right }, settings: { auth: 'auto' }, ...more });
}

/** Opens a tunnel to a target that echoes, and sends some bytes there and back. */
async function pass(hops: readonly Hop[]): Promise<string> {
  const { address } = await startTarget(echo);
  const route = await makeRoute(hops);
  const client = new RawPeer(await route.dial(address, makeContext(address)));
  client.send('hello');
  client.fin();
  return (await client.readToEnd()).toString();
}

async function fail(hops: readonly Hop[]): Promise<TunlError> {
  const { address } = await startTarget(echo);
  const route = await makeRoute(hops);
  const error: unknown = await route.dial(address, makeContext(address)).catch((failure: unknown) => failure);
  if (!(error instanceof TunlError)) throw new Error('a tunnel was opened');
  return error;
}

const schemesOf = ({ requests }: AskingProxy) => requests.map(({ connection, scheme }) => `${connection} ${scheme}`);

describe('a proxy that asks', () => {
  const ntlm = { challenges: ['NTLM'] } as const;

  test.each([
    ['for NTLM', ntlm, ['1 none', '1 NTLM', '1 NTLM']],
    ['for Basic', { challenges: [basicRealm] }, ['1 none', '1 Basic']],
    ['with a body in chunks', { ...ntlm, bodyBytes: 5000, chunked: true }, ['1 none', '1 NTLM', '1 NTLM']],
    ['with a body of some length', { ...ntlm, bodyBytes: 60_000 }, ['1 none', '1 NTLM', '1 NTLM']],
    ['and closes, saying so', { challenges: [basicRealm], close: 'announced' }, ['1 none', '2 Basic']],
    ['and closes without a word', { challenges: [basicRealm], close: 'silent' }, ['1 none', '2 Basic']],
    ['in HTTP/1.0', { challenges: [basicRealm], http10: true }, ['1 none', '2 Basic']],
    ['and closes after the first 407', { ...ntlm, close: 'first' }, ['1 none', '2 NTLM', '2 NTLM']],
    ['and knows the address', { ...ntlm, early: true }, ['1 none', '1 NTLM']],
    [
      'for Digest, and for NTLM as the domain of the user does',
      { challenges: ['Digest realm="corp", nonce="n", qop="auth"', 'NTLM', basicRealm] },
      ['1 none', '1 NTLM', '1 NTLM'],
    ],
    [
      'for one of several in one field',
      { challenges: ['Bearer realm="a, NTLM"', 'Kerberos', 'NTLM', basicRealm], oneField: true },
      ['1 none', '1 NTLM', '1 NTLM'],
    ],
  ] as const satisfies readonly (readonly [string, Manner, readonly string[]])[])(
    '%s lets us in',
    async (_, manner, expected) => {
      const proxy = await startAskingProxy(manner);
      expect(await pass([toHop(proxy)])).toBe('hello');
      expect(schemesOf(proxy)).toEqual(expected);
      expect(proxy.refused).toBe(0);
    },
  );

  test('with a body above 64 KiB is asked on another connection', async () => {
    const proxy = await startAskingProxy({ challenges: [basicRealm], bodyBytes: 100_000 });
    expect(await pass([toHop(proxy)])).toBe('hello');
    expect(schemesOf(proxy)).toEqual(['1 none', '2 Basic']);
  });

  test('is told at once what it wants, the next time', async () => {
    const proxy = await startAskingProxy(ntlm);
    const hop = toHop(proxy);
    const { address } = await startTarget(echo);
    const route = await makeRoute([hop]);
    for (let time = 0; time < 3; time++) {
      const link = await route.dial(address, makeContext(address));
      link.reset(resetError('it has been opened'));
    }
    expect(schemesOf(proxy).slice(3)).toEqual(['2 NTLM', '2 NTLM', '3 NTLM', '3 NTLM']);
    expect(
      proxy.requests.every(({ head, scheme }) => scheme === 'none' || /proxy-connection: keep-alive/i.test(head)),
    ).toBe(true);
  });

  test('for Basic and has closed unannounced every time is asked no more than twice', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM'], close: 'silent' });
    const error = await fail([toHop(proxy)]);
    expect(error.facts.hints).toContain('NTLM: it closes the connection in the middle of it');
    expect(proxy.requests.length).toBeLessThan(8);
  });
});

describe('a user and a password without auth', () => {
  const plain = { settings: {}, credentials: { user: 'alice', password: new Secret(alice.password) } };

  test('go at once by Basic, as ever', async () => {
    const proxy = await startAskingProxy({ challenges: [basicRealm] });
    expect(await pass([toHop(proxy, plain)])).toBe('hello');
    expect(schemesOf(proxy)).toEqual(['1 Basic']);
  });

  test('go on by NTLM where the proxy does not offer Basic', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM'], account: { ...alice, domain: '' } });
    expect(await pass([toHop(proxy, plain)])).toBe('hello');
    expect(schemesOf(proxy)).toEqual(['1 Basic', '1 NTLM', '1 NTLM']);
    expect(proxy.refused).toBe(0);
  });

  test('go only when the proxy has asked where the user has a domain', async () => {
    const proxy = await startAskingProxy({ challenges: [basicRealm, 'NTLM'] });
    expect(await pass([toHop(proxy, { ...plain, credentials: right })])).toBe('hello');
    expect(schemesOf(proxy)).toEqual(['1 none', '1 NTLM', '1 NTLM']);
  });
});

describe('a wrong password', () => {
  let credentials: { user: string; password: Secret };
  // Each test has its own, because one that was refused is not sent again.
  beforeEach(() => void (credentials = { user: 'CORP\\alice', password: new Secret('hunter2-0815') }));

  test.each<[string, Hop['settings']]>([
    ['asked for', { auth: 'auto' }],
    ['sent at once', {}],
  ])('that is %s is tried once, whatever else is offered', async (_, settings) => {
    const proxy = await startAskingProxy({ challenges: ['NTLM', basicRealm] });
    const user = settings['auth'] === undefined ? 'alice' : credentials.user;
    const error = await fail([toHop(proxy, { credentials: { ...credentials, user }, settings })]);
    expect([error.code, error.side, error.facts.received]).toEqual(['auth_required', 'hop', 407]);
    expect(error.facts.hints?.join('\n')).toMatch(/offers NTLM, Basic.*\n.*does not accept the user and the password/);
    expect(proxy.refused).toBe(1);
    expect(JSON.stringify([error, error.facts, error.message])).not.toContain('hunter2');
  });

  test.each([1, 50])('is tried once by %i tunnels at a time, and not by later ones', async (count) => {
    const proxy = await startAskingProxy({ challenges: ['NTLM', basicRealm] });
    const { address } = await startTarget(echo);
    const route = await makeRoute([toHop(proxy, { credentials: { ...credentials } })]);
    const dialAll = () =>
      Promise.all(
        Array.from({ length: count }, () => route.dial(address, makeContext(address)).catch((error: unknown) => error)),
      );
    const errors = [...(await dialAll()), ...(await dialAll())];
    expect(errors.every((error) => error instanceof TunlError && error.code === 'auth_required')).toBe(true);
    expect(proxy.refused).toBe(1);
  });

  test('is not asked for where the policy refuses', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM'], status: '403 Forbidden' });
    const error = await fail([toHop(proxy)]);
    expect([error.code, error.facts.received]).toEqual(['hop_refused', 403]);
    expect(error.facts.hints?.join(' ')).not.toContain('password');
  });
});

describe('a proxy that cannot be satisfied', () => {
  test('because it asks for ever is asked a few times', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM'], endless: true });
    const error = await fail([toHop(proxy)]);
    expect(error.code).toBe('auth_required');
    expect(proxy.requests.length).toBeLessThanOrEqual(4);
  });

  test('because no scheme is known is told nothing', async () => {
    const proxy = await startAskingProxy({ challenges: ['Kerberos', 'X-Token a=b'] });
    const error = await fail([toHop(proxy)]);
    expect(schemesOf(proxy)).toEqual(['1 none']);
    expect(error.facts.hints?.[0]).toBe('it offers Kerberos, X-Token authentication');
  });

  test('because auth does not allow its schemes is told nothing', async () => {
    const proxy = await startAskingProxy({ challenges: [basicRealm] });
    const error = await fail([toHop(proxy, { settings: { auth: 'ntlm' } })]);
    expect(schemesOf(proxy)).toEqual(['1 none']);
    expect(error.facts.hints).toContain('auth does not allow Basic');
  });

  test('because there is no user asks for one', async () => {
    const proxy = await startAskingProxy({ challenges: ['NTLM', basicRealm] });
    const { credentials: _none, ...hop } = toHop(proxy);
    const error = await fail([hop]);
    expect(error.facts.hints?.join(' ')).toMatch(/offers NTLM, Basic authentication name a user: http:\/\/USER@/);
  });

  test('because it asks with 401 gets no credentials', async () => {
    const proxy = await startAskingProxy({ challenges: [basicRealm], status: '401 Unauthorized' });
    const error = await fail([toHop(proxy)]);
    expect(error.facts.received).toBe(401);
    expect(error.facts.hints).toContain('it asks as a web server does, with 401 in place of 407, and is not answered');
  });
});

test('each hop of a chain is asked in its own way', async () => {
  const first = await startAskingProxy({ challenges: ['NTLM'] });
  const second = await startAskingProxy({ challenges: [basicRealm], account: { ...alice, password: 'other-4711' } });
  const other = { user: 'alice', password: new Secret('other-4711') };
  expect(await pass([toHop(first), toHop(second, { credentials: other })])).toBe('hello');
  expect(schemesOf(first).every((words) => !words.endsWith('Basic'))).toBe(true);
  expect(schemesOf(second)).toEqual(['1 none', '1 Basic']);
  expect(first.refused + second.refused).toBe(0);
});

test('a 407 to a request without credentials is answered, though another tunnel has learnt the scheme since', async () => {
  const hop = toHop({ port: 1 });
  const { signal } = new AbortController();
  const negotiation = new Negotiation({
    hop,
    method: 'CONNECT',
    target: 'db.test:22',
    signal,
    asks: proxyAuth,
    bound: 'use',
  });
  learn(hop, { scheme: 'basic' });
  expect(await negotiation.begin(undefined, [])).toEqual([]);
  const connection = { isKept: true, ready: () => Promise.resolve(undefined) };
  expect(await negotiation.answer([basicRealm], connection)).toMatchObject({ kind: 'send' });
  // Those credentials were refused: a password is tried once.
  expect(await negotiation.answer([basicRealm], connection)).toMatchObject({ kind: 'stop', isRefused: true });
});
