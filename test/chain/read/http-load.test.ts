import { expect, test } from 'vitest';
import { type HttpStage, listStages } from '../../../src/chain/model/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';

/** The stage named web of a file; other stages that it may lead to are there. */
function loadHttp(http: string, rest = ''): HttpStage {
  const lines = http.split('\n').map((line) => `      ${line}`);
  const text = `stages:\n  web:\n    listen: 1\n    http:\n${lines.join('\n')}\n${rest}`;
  const [stage] = listStages(loadText(text).graph);
  return stage?.job === 'http' ? stage : expect.fail('no HTTP stage');
}

/** The routes of the only host. */
function loadRoutes(...routes: readonly string[]) {
  const { hosts } = loadHttp(`routes:\n${routes.map((route) => `  - ${route}`).join('\n')}`);
  return hosts[0]?.routes ?? expect.fail('no host');
}

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });
const everything = { kind: 'prefix', value: '/' };

test('routes for every host, with upstreams that have no name of their own', () => {
  const stage = loadHttp(
    `routes:
  - { path: /health, answer: 200 ok }
  - { prefix: /, to: internal://encap }
  - { connect: true, headers: { foo: bar }, tunnel-to: "field::authority" }
  - { connect: true, tunnel-to: db:5432 }`,
    '  encap: { to: a:1 }\n',
  );
  expect(stage).toMatchObject({ codec: 'auto', route: { hops: [], limits: { idleMs: 3_600_000 } } });
  expect(stage.hosts).toEqual([
    {
      name: '*',
      domains: ['*'],
      routes: [
        {
          match: { path: { kind: 'exact', value: '/health' }, fields: [] },
          action: { kind: 'answer', status: 200, body: 'ok' },
        },
        {
          match: { path: everything, fields: [] },
          action: { kind: 'requests', upstream: 'internal://encap', timeoutMs: 0, upgrades: [] },
        },
        {
          match: { path: { kind: 'connect' }, fields: [{ name: 'foo', value: { kind: 'exact', value: 'bar' } }] },
          action: { kind: 'tunnels', upstream: 'field::authority', post: false },
        },
        {
          match: { path: { kind: 'connect' }, fields: [] },
          action: { kind: 'tunnels', upstream: 'db:5432', post: false },
        },
      ],
    },
  ]);
  expect(stage.upstreams.map(({ name, to, version }) => [name, to, version])).toEqual([
    ['internal://encap', { targets: [{ kind: 'internal', name: 'encap' }], balance: 'first' }, 'http1'],
    ['field::authority', { field: ':authority' }, 'http1'],
    ['db:5432', { targets: [tcp('db', 5432)], balance: 'first' }, 'http1'],
  ]);
});

test.each([
  ['answer: 404', { kind: 'answer', status: 404 }],
  ['redirect: { scheme: https }', { kind: 'answer', status: 301, redirect: { scheme: 'https' } }],
  [
    'redirect: { status: 308, host: b, port: 81, prefix: /b, query: false }',
    { kind: 'answer', status: 308, redirect: { host: 'b', port: 81, prefix: '/b', dropsQuery: true } },
  ],
  ['answer: "503 try\\nlater"', { kind: 'answer', status: 503, body: 'try\nlater' }],
  ['answer: { status: 200, body: "{}" }', { kind: 'answer', status: 200, body: '{}' }],
  ['to: a:1, timeout: 15s, idle: off, upgrade: [WebSocket]', { timeoutMs: 15_000, idleMs: 0, upgrades: ['websocket'] }],
  ['to: [a:1, b:2]', { upstream: 'a:1|b:2' }],
  ['connect: true, to: a:1', { kind: 'requests', upgrades: ['connect'] }],
  ['connect: true, to: a:1, upgrade: []', { upgrades: [] }],
  ['tunnel-to: a:1, idle: 1m, proxy-protocol: v2', { kind: 'tunnels', idleMs: 60_000, proxyProtocol: 'v2' }],
  ['to: a:1, lifetime: off', { kind: 'requests', lifetimeMs: 0 }],
  ['tunnel-to: a:1, lifetime: 1h', { kind: 'tunnels', lifetimeMs: 3_600_000 }],
  ['prefix: /, method: POST, post: true, tunnel-to: a:1', { kind: 'tunnels', post: true }],
])('does %j', (words, action) => {
  expect(loadRoutes(`{ ${words} }`)[0]?.action).toMatchObject(action);
});

test.each([
  ['answer: 404', everything, []],
  ['tunnel-to: a:1', { kind: 'connect' }, []],
  ['tunnel-to: a:1, post: true', everything, []],
  ['prefix: /api, answer: 404', { kind: 'prefix', value: '/api' }, []],
  ['answer: 404, headers: { X-A: "" }', everything, [{ name: 'x-a', value: { kind: 'exact', value: '' } }]],
  ['answer: 404, headers: { a: true, b: false }', everything, [{ name: 'a' }, { name: 'b', invert: true }]],
  [
    'answer: 404, headers: { a: [{ prefix: x }, { not: { suffix: y } }, { not: z }], ":path": { contains: q } }',
    everything,
    [
      { name: 'a', value: { kind: 'prefix', value: 'x' } },
      { name: 'a', value: { kind: 'suffix', value: 'y' }, invert: true },
      { name: 'a', value: { kind: 'exact', value: 'z' }, invert: true },
      { name: ':path', value: { kind: 'contains', value: 'q' } },
    ],
  ],
])('%j fits', (words, path, fields) => {
  expect(loadRoutes(`{ ${words} }`)[0]?.match).toEqual({ path, fields });
});

test('a route with several methods is one for each', () => {
  const routes = loadRoutes('{ method: [GET, HEAD], headers: { a: true }, answer: 200 }');
  expect(routes.map(({ match }) => match.fields)).toEqual(
    ['GET', 'HEAD'].map((value) => [{ name: ':method', value: { kind: 'exact', value } }, { name: 'a' }]),
  );
});

test('hosts have routes of their own, under a domain or under a name with domains', () => {
  const { hosts } = loadHttp(`hosts:
  A.example.com: [{ answer: 200 }]
  api: { domains: ['*.example.com', 'b.example.com:8080'], routes: [{ answer: 201 }] }
  empty: { routes: [] }
routes: [{ answer: 404 }]`);
  expect(hosts.map(({ name, domains, routes }) => [name, domains, routes.length])).toEqual([
    ['A.example.com', ['a.example.com'], 1],
    ['api', ['*.example.com', 'b.example.com:8080'], 1],
    ['empty', ['empty'], 0],
    ['*', ['*'], 1],
  ]);
});

test('upstreams have names, ways, versions and TLS', () => {
  const { upstreams } = loadHttp(`routes: [{ prefix: /a, to: plain }, { prefix: /b, to: full }, { to: any }]
upstreams:
  plain: [a:1, b:2]
  full: { to: a:1, via: h2c://p:1, http2: true, tls: { cacert: ca.pem, servername: x }, retry: 2, family: 4 }
  any: { to: 'field:X-Target', balance: round-robin, tls: true }`);
  expect(upstreams).toMatchObject([
    { name: 'plain', to: { targets: [tcp('a', 1), tcp('b', 2)], balance: 'first' }, version: 'http1' },
    {
      version: 'http2',
      tls: { cacert: '/etc/tunl/ca.pem', servername: 'x' },
      route: { hops: [[{ scheme: 'h2c' }]], retries: 2, family: 4 },
    },
    { to: { field: 'x-target' }, tls: {} },
  ]);
});

test('an upstream has the limits of its stage, but for those that are about clients', () => {
  const text = `
defaults: { limits: { dns: 1s, lifetime: 1h }, retry: 3 }
stages:
  web:
    listen: 1
    limits: { connect: 2s, idle: 5m }
    http:
      routes: [{ prefix: /a, to: a:1 }, { to: own }]
      upstreams: { own: { to: b:1, limits: { connect: 3s }, retry: 0 } }
`;
  const [stage] = listStages(loadText(text).graph);
  expect(stage?.route).toMatchObject({ limits: { idleMs: 300_000, lifetimeMs: 3_600_000 } });
  expect(stage?.route).not.toHaveProperty('retries');
  const routes = stage?.job === 'http' ? stage.upstreams.map(({ route }) => route) : [];
  expect(routes.map(({ limits, retries = 0 }) => [limits.dnsMs, limits.connectMs, limits.idleMs, retries])).toEqual([
    [1000, 3000, 0, 0],
    [1000, 2000, 0, 3],
  ]);
  expect(routes[0]?.limits).not.toHaveProperty('lifetimeMs');
});

test('the name of an upstream goes before the target that it looks like', () => {
  const { hosts, upstreams } = loadHttp('routes: [{ to: db:80 }]\nupstreams: { "db:80": other:1 }');
  expect(hosts[0]?.routes[0]?.action).toMatchObject({ upstream: 'db:80' });
  expect(upstreams).toMatchObject([{ name: 'db:80', to: { targets: [tcp('other', 1)] } }]);
});

test('users, rules and caps are those of a proxy', () => {
  const stage = loadHttp(
    `users: /u
allow: ["*.com:443", 10.0.0.0/8]
deny: x.com
max-tunnels: 5
max-tunnels-per-session: 2
routes: [{ answer: 404 }]`,
  );
  expect(stage).toMatchObject({
    users: { authFile: '/u' },
    allow: ['*.com:443', '10.0.0.0/8'],
    deny: ['x.com'],
    caps: { total: 5, perSession: 2 },
  });
});
