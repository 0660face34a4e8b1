import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostOf } from '../../../src/core/address.ts';
import { type Stage, listStages } from '../../../src/chain/model/graph.ts';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { makeTempFolder } from '../../support/temp.ts';

/** The stage named a of a file that has it, and what leads to it. */
function loadStage(body: string, env: Readonly<Record<string, string>> = {}): Stage {
  const lines = body.split('\n').map((line) => `    ${line}`);
  const { graph } = loadText(`stages:\n  a:\n${lines.join('\n')}\n`, env);
  return listStages(graph)[0] ?? expect.fail('no stage');
}

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });
const internal = (name: string) => ({ kind: 'internal', name });

test('two stages, the second of which listens on its own name', () => {
  const { graph } = loadText(`
stages:
  ingress: { listen: 9999, to: internal://encap }
  encap: { via: h2c://127.0.0.1:10001, to: host.com:443 }
`);
  expect(listStages(graph)).toMatchObject([
    {
      name: 'ingress',
      job: 'forward',
      listen: [tcp('127.0.0.1', 9999)],
      to: { targets: [internal('encap')], balance: 'first' },
      route: { hops: [], limits: { dnsMs: 5000, connectMs: 10_000, idleMs: 0, lingerMs: 60_000 } },
      log: false,
    },
    {
      name: 'encap',
      listen: [internal('encap')],
      to: { targets: [tcp('host.com', 443)] },
      route: { hops: [[{ scheme: 'h2c', address: tcp('127.0.0.1', 10001) }]] },
    },
  ]);
});

test.each([
  ['listen: 1\nto: b:2', { listen: [tcp('127.0.0.1', 1)] }],
  ["listen: ['*:1', '[::1]:2', fd:3]\nto: b:2", { listen: [tcp('*', 1), tcp('::1', 2), { kind: 'fd', fd: 3 }] }],
  [
    'listen: unix:run/x\nto: unix:/y',
    { listen: [{ kind: 'unix', path: '/etc/tunl/run/x' }], to: { targets: [{ kind: 'unix', path: '/y' }] } },
  ],
  ['listen: [1, internal://b]\nto: c:1', { listen: [tcp('127.0.0.1', 1), internal('b')] }],
  [
    'listen: 1\nto: [b:1, c:2]\nbalance: round-robin',
    { to: { targets: [tcp('b', 1), tcp('c', 2)], balance: 'round-robin' } },
  ],
  [
    'listen: 1\nto: b:1\nlimits: { idle: 1h, dns: off, linger: 0 }',
    { route: { limits: { idleMs: 3_600_000, dnsMs: 0, lingerMs: 0 } } },
  ],
  ['listen: 1\nto: b:1\nretry: 3\nfamily: 6\nlog: true', { route: { retries: 3, family: 6 }, log: true }],
  ['listen: 1\nto: b:1\nresolver: system', { route: { resolver: 'system' } }],
  ['listen: 1\nto: tls://b:1', { to: { targets: [tcp('b', 1)], balance: 'first' }, targetTls: {} }],
  ['listen: 1\nto: [tls://b:1, tls://c:2]', { to: { targets: [tcp('b', 1), tcp('c', 2)] }, targetTls: {} }],
  [
    'listen: 1\nto: b:1\nto-tls: { cacert: ca.pem, servername: db.example }',
    { to: { targets: [tcp('b', 1)] }, targetTls: { cacert: '/etc/tunl/ca.pem', servername: 'db.example' } },
  ],
  [
    'listen: 1\nto: tls://b:1\nto-tls: { insecure: true }',
    { to: { targets: [tcp('b', 1)] }, targetTls: { insecure: true } },
  ],
  ['listen: 1\nto: b:1\ntls: true', { tls: {} }],
  ['listen: 1\nto: b:1\ntls: { cert: x.pem }', { tls: { cert: '/etc/tunl/x.pem', key: '/etc/tunl/x.pem' } }],
  [
    'listen: 1\nproxy: true',
    { job: 'proxy', accept: [], users: {}, allow: [], deny: [], open: false, route: { limits: { idleMs: 3_600_000 } } },
  ],
  ['listen: 1\nproxy:', { job: 'proxy' }],
  [
    'listen: 1\nproxy: { accept: post, open: true, proxy-protocol: v2 }',
    { accept: ['post'], open: true, proxyProtocol: 'v2' },
  ],
  ['listen: 1\nproxy: { statuses: envoy }', { statuses: 'envoy' }],
  ['listen: 1\nproxy: { statuses: serve }', { job: 'proxy' }],
  [
    'listen: 1\nproxy: { max-tunnels: 9, max-tunnels-per-client: 8, max-tunnels-per-session: 7 }',
    { caps: { total: 9, perClient: 8, perSession: 7 } },
  ],
  ['listen: 1\nproxy: { max-tunnels-per-client: 1 }', { caps: { perClient: 1 } }],
  [
    "listen: 1\nproxy: { allow: ['*.com:443', 10.0.0.0/8], deny: x.com, users: /u }",
    { allow: ['*.com:443', '10.0.0.0/8'], deny: ['x.com'], users: { authFile: '/u' } },
  ],
  ['listen: 1\nproxy: true\nto: b:1', { job: 'proxy', to: { targets: [tcp('b', 1)] } }],
])('reads %j', (body, expected) => {
  expect(loadStage(body)).toMatchObject(expected);
});

test('the way is a URL, alternatives, or a list of them with a stage in front', () => {
  const { graph } = loadText(`
stages:
  a:
    listen: 1
    via: [internal://b, http://p:1|http://q:2, {any: [https://r, {url: http://s:3, headers: {X-T: [v, w]}}]}]
    to: t:1
  b: { to: p:1 }
`);
  const { route } = listStages(graph)[0] ?? expect.fail('no stage');
  expect(route.entry).toEqual(internal('b'));
  expect(route.hops.map((choice) => choice.map(({ address }) => hostOf(address)))).toEqual([
    ['p', 'q'],
    ['r', 's'],
  ]);
  expect(route.hops[1]?.[1]?.headers).toEqual([
    ['X-T', 'v'],
    ['X-T', 'w'],
  ]);
});

test('the socket of a proxy is looked for from the folder of the file', () => {
  const { graph } = loadText(`
stages:
  a: { listen: 1, via: ['h2c://unix:proxy.sock?window=65536'], to: 't:1' }
  b: { listen: 2, via: 'unix:/run/p@1|http://q', to: 't:1' }
`);
  const addresses = listStages(graph).map(({ route }) => route.hops[0]?.map(({ address }) => address));
  expect(addresses).toEqual([
    [{ kind: 'unix', path: '/etc/tunl/proxy.sock' }],
    [{ kind: 'unix', path: '/run/p@1' }, tcp('q', 80)],
  ]);
  expect(printGraph(graph)).toContain('via: h2c://unix:/etc/tunl/proxy.sock?window=65536\n');
});

test('headers of a proxy may be in a file, which is looked for from the folder of the chain', () => {
  const folder = makeTempFolder();
  writeFileSync(join(folder, 'headers'), 'Proxy-Authorization: Bearer s3cret\n');
  const { graph } = loadText(`stages: { a: { listen: 1, via: 'http://p?header=@headers', to: 't:1' } }`, {}, folder);
  expect(listStages(graph)[0]?.route.hops[0]?.[0]?.headers).toEqual([['Proxy-Authorization', 'Bearer s3cret']]);
  const printed = printGraph(graph);
  expect(printed).toContain('Proxy-Authorization: ${TUNL_PROXY_HEADER}');
  expect(printed).not.toContain('s3cret');
});

test('defaults hold for every stage that does not say otherwise', () => {
  const { graph } = loadText(`
defaults: { limits: { idle: 5m, connect: 1s }, retry: 2, family: 4, resolver: dns }
stages:
  a: { listen: 1, to: b:1 }
  b: { listen: 2, to: b:1, limits: { idle: off }, retry: 0 }
`);
  const [first, second] = listStages(graph).map(({ route }) => route);
  expect(first).toMatchObject({ limits: { idleMs: 300_000, connectMs: 1000 }, retries: 2, family: 4, resolver: 'dns' });
  expect(second).toMatchObject({ limits: { idleMs: 0, connectMs: 1000 }, family: 4, resolver: 'dns' });
  expect(second).not.toHaveProperty('retries');
});

test('stages that say the same about their way have one route, so that they share its sessions', () => {
  const { graph } = loadText(`
stages:
  a: { listen: 1, via: h2c://p:1, to: b:1 }
  b: { listen: 2, via: h2c://p:1, to: c:1 }
  c: { listen: 3, via: h2c://p:1, to: c:1, retry: 1 }
`);
  expect(graph.stages.map(({ route }) => route)).toEqual(['a', 'a', 'c']);
  expect([...graph.routes.keys()]).toEqual(['a', 'c']);
});

test('a variable is percent-encoded where it could end its part of a URL, and nowhere else', () => {
  const env = { PW: 's/e@c?r|et', HOST: 'edge', PORT: '99', ALL: 'http://p:1' };
  const stage = loadStage('listen: ${PORT}\nvia: ["https://me:${PW}@${HOST}:444", "${ALL}"]\nto: ${HOST}:1', env);
  expect(stage).toMatchObject({ listen: [tcp('127.0.0.1', 99)], to: { targets: [tcp('edge', 1)] } });
  const [[edge], [all]] = stage.route.hops as [[(typeof stage.route.hops)[0][0]], [(typeof stage.route.hops)[0][0]]];
  expect(edge?.credentials?.password.reveal()).toBe('s/e@c?r|et');
  expect([edge?.address, all?.address]).toEqual([tcp('edge', 444), tcp('p', 1)]);
});

test('the one user of a proxy has a password from a variable', () => {
  const stage = loadStage('listen: 1\nproxy:\n  users:\n    alice: ${PW}', { PW: 'secret' });
  expect(stage).toMatchObject({ users: { single: { user: 'alice', password: 'secret' } } });
});

test('a secret may be the first line of a file', () => {
  const path = join(makeTempFolder(), 'secret');
  writeFileSync(path, 'of a file\nand more\n');
  const via = `via: { url: http://me@p:1, password: file:${path}, headers: { X-T: file:${path} } }`;
  const { route } = loadStage(`listen: 1\n${via}\nto: b:1`);
  expect(route.hops[0]?.[0]?.credentials?.password.reveal()).toBe('of a file');
  expect(route.hops[0]?.[0]?.headers).toEqual([['X-T', 'of a file']]);
});

test('the password of a key is a secret wherever a certificate of ours is named', async () => {
  const path = join(makeTempFolder(), 'secret');
  writeFileSync(path, 'of a file\n');
  const { graph, sources } = loadText(
    `stages:
  a: { listen: 1, tls: { cert: a.p12, key-password: '\${PW}' }, via: { url: 'https://p?cert=b.p12', key-password: 'file:${path}' }, to: 'b:1' }
  b: { listen: 2, via: 'https://p?cert=b.p12&key-password-file=c', to: 'b:1' }
  c: { listen: 3, http: { upstreams: { u: { to: 'b:1', tls: { cert: d.pem, key-password: '\${PW}' } } }, routes: [{ path: /, to: u }] } }
`,
    { PW: 'of a variable' },
  );
  const [first, second, third] = listStages(graph);
  const upstream = third?.job === 'http' ? third.upstreams[0]?.tls : undefined;
  const hop = (stage = first) => stage?.route.hops[0]?.[0]?.tls;
  const passwords = [first?.tls, hop(), upstream].map(async (tls) =>
    (await tls?.keyPassword?.find('it'))?.password.reveal(),
  );
  expect(await Promise.all(passwords)).toEqual(['of a variable', 'of a file', 'of a variable']);
  expect(hop(second)?.keyPasswordFile).toBe('/etc/tunl/c');
  const printed = printGraph(graph, { sources });
  expect(printed.match(/key-password: .*/g)).toEqual([
    'key-password: ${PW}',
    `key-password: file:${path}`,
    'key-password: ${PW}',
  ]);
  expect(printed).toContain('key-password-file=/etc/tunl/c');
});

test('$${ is the text ${', () => {
  expect(loadStage('listen: unix:/$${x}\nto: b:1')).toMatchObject({ listen: [{ kind: 'unix', path: '/${x}' }] });
});

test('anchors and aliases are read', () => {
  const { graph } = loadText(
    'stages:\n  a: { listen: 1, via: &way [http://p:1], to: b:1 }\n  b: { listen: 2, via: *way, to: c:1 }\n',
  );
  expect(listStages(graph)[1]?.route.hops).toHaveLength(1);
});
