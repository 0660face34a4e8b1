import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { Screen, ScreenRule } from '../../../src/chain/model/graph.ts';
import { createPassScreens } from '../../../src/app/requests/screen.ts';
import type { Peer } from '../../../src/core/link.ts';
import { makeCerts } from '../../support/certs/certs.ts';

const tcp = (host: string, port = 1) => ({ kind: 'tcp', host, port }) as const;
const any: ScreenRule = { kind: 'any' };
const exact = (value: string) => ({ kind: 'exact', value }) as const;
const peer: Peer = { address: tcp('10.1.2.3', 50_000), reached: tcp('192.0.2.1', 443) };
const request = {
  method: 'GET',
  target: '/a?b=/c#d',
  authority: 'a.test',
  scheme: 'http' as const,
  headers: [
    ['x-team', 'red'],
    ['x-team', 'blue'],
  ] as const,
};

function allows(screens: readonly Screen[], from: Peer = peer, asked: typeof request | 'none' = request): boolean {
  try {
    createPassScreens(screens)(from, asked === 'none' ? undefined : asked);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'http_request_denied', facts: { told: 'RBAC: access denied' } });
    return false;
  }
}

const allow = (...rules: readonly ScreenRule[]): Screen => ({
  action: 'allow',
  policies: [{ name: 'p', what: rules, who: [any] }],
});
const meets = (rule: ScreenRule, ...rest: [Peer?, (typeof request | 'none')?]) => allows([allow(rule)], ...rest);

describe('screens', () => {
  test('without policies allow nothing, or deny nothing', () => {
    expect([
      allows([]),
      allows([{ action: 'allow', policies: [] }]),
      allows([{ action: 'deny', policies: [] }]),
    ]).toEqual([true, false, true]);
  });

  test('must all be passed', () => {
    const never: Screen = { action: 'deny', policies: [{ name: 'all', what: [any], who: [any] }] };
    expect([allows([allow(any)]), allows([allow(any), never]), allows([never, allow(any)])]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('fit by one condition of each list', () => {
    const not: ScreenRule = { kind: 'not', rule: any };
    const fits = (what: ScreenRule[], who: ScreenRule[]) =>
      allows([{ action: 'allow', policies: [{ name: 'p', what, who }] }]);
    expect([fits([not, any], [any, not]), fits([not], [any]), fits([any], [not])]).toEqual([true, false, false]);
  });
});

test.each<[ScreenRule, boolean]>([
  [{ kind: 'all', rules: [any, any] }, true],
  [{ kind: 'all', rules: [any, { kind: 'not', rule: any }] }, false],
  [{ kind: 'some', rules: [{ kind: 'not', rule: any }, any] }, true],
  [{ kind: 'path', text: exact('/a') }, true],
  [{ kind: 'path', text: { kind: 'contains', value: 'c' } }, false],
  [{ kind: 'field', field: { name: ':path', value: { kind: 'contains', value: 'c' } } }, true],
  [{ kind: 'field', field: { name: 'x-team', value: exact('blue') } }, true],
  [{ kind: 'field', field: { name: 'x-none', value: exact('blue'), invert: true } }, false],
  [{ kind: 'port', first: 443, last: 443 }, true],
  [{ kind: 'port', first: 444, last: 500 }, false],
  [{ kind: 'port', first: 1, last: 442 }, false],
  [{ kind: 'reached', range: '192.0.2.0/24' }, true],
  [{ kind: 'reached', range: '10.0.0.0/8' }, false],
  [{ kind: 'client', range: '10.0.0.0/8' }, true],
  [{ kind: 'client', range: '10.1.2.4/32' }, false],
  [{ kind: 'client', range: '::/0' }, false],
  [{ kind: 'identity' }, false],
  [{ kind: 'server-name', text: exact('') }, true],
])('%j is %s', (rule, expected) => {
  expect(meets(rule)).toBe(expected);
});

test('a CONNECT has no path, and a connection no request', () => {
  const rule: ScreenRule = { kind: 'path', text: { kind: 'prefix', value: '' } };
  const field: ScreenRule = { kind: 'field', field: { name: ':method' } };
  const connect = { ...request, method: 'CONNECT', target: 'a.test:443' };
  expect([meets(rule), meets(rule, peer, connect), meets(rule, peer, 'none')]).toEqual([true, false, false]);
  expect([meets(field, peer, connect), meets(field, peer, 'none')]).toEqual([true, false]);
});

test('what has no IP address is in no range and at no port', () => {
  const inside: Peer = { address: { kind: 'unix', path: '/a' } };
  const rules: ScreenRule[] = [
    { kind: 'client', range: '0.0.0.0/0' },
    { kind: 'client', range: '::/0' },
    { kind: 'reached', range: '0.0.0.0/0' },
    { kind: 'port', first: 0, last: 65_535 },
  ];
  expect(rules.map((rule) => meets(rule, inside))).toEqual([false, false, false, false]);
});

describe('a client with a certificate', async () => {
  const certs = await makeCerts();
  afterAll(() => certs.remove());
  const { certPem } = await certs.issue({
    cn: String.raw`ålice\, b`,
    dns: ['a.example'],
    uris: ['spiffe://td/a', 'urn:x,y'],
  });
  const tls = { protocol: 'TLSv1.3', cipher: 'any', serverName: 'db.example' };
  const named: Peer = { ...peer, tls: { ...tls, certificate: new X509Certificate(certPem).raw } };
  const nameless: Peer = { ...peer, tls };

  test.each([
    [exact('spiffe://td/a'), true],
    [exact('urn:x,y'), true],
    [exact('a.example'), true],
    [exact(String.raw`CN=\C3\A5lice\, b`), true],
    [exact('alice'), false],
    [exact(''), false],
  ])('has the name %j: %s', (text, expected) => {
    expect(meets({ kind: 'identity', text }, named)).toBe(expected);
  });

  test('is known by TLS alone where no name is asked for', () => {
    const rule: ScreenRule = { kind: 'identity' };
    expect([meets(rule, named), meets(rule, nameless), meets(rule, peer)]).toEqual([true, true, false]);
    expect(meets({ kind: 'identity', text: exact('') }, nameless)).toBe(true);
  });

  test('is known by the server name that it asks for', () => {
    expect(meets({ kind: 'server-name', text: { kind: 'suffix', value: '.example' } }, named)).toBe(true);
  });
});
