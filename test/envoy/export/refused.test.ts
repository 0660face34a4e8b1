import { expect, test } from 'vitest';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

/** Exports the stages of a file, which must be refused, and returns the message and the hints. */
function refuse(stages: string, more: object = {}): string[] {
  const { graph, sources } = loadText(`stages:\n${stages}`, { P: 'secret-of-ours' });
  const { message, hints } = refusalOf(() => writeBootstrap({ ...graph, ...more }, sources));
  return [message, ...hints];
}

test.each([
  ['listen: fd:3, to: "b:1"', 'it opens its listeners itself, and fd:3 is open already'],
  ['listen: "db.corp:80", to: "b:1"', 'it listens on addresses, and db.corp:80 is a name'],
  ['listen: 1, tls: true, to: "b:1"', 'it makes no development certificate (name one: cert and key)'],
  ['listen: 1, to: "b:1", limits: { handshake: 1s }', 'it has no limit like handshake: 1s (leave it at 15s)'],
  ['listen: 1, to: "b:1", limits: { linger: off }', 'it has no limit like linger: 0ms (leave it at 1m)'],
  [
    'listen: 1, to: "b:1", retry: 2',
    'it dials again after every failure, not only after those that may pass (retry: { times: N, on: any })',
  ],
  [
    'listen: 1, http: { routes: [{ path: /a, answer: 200, upgrade: connect }, { answer: 404 }] }',
    'all routes that answer take the same changes of protocol, and not all take connect',
  ],
  ['listen: 1, to: ["b:1", "unix:/s"]', 'it does not put names and other places together: b:1, unix:/s'],
  ['listen: 1, via: "h2c://p:1", to: ["b:1", "c:1"]', 'it asks a proxy for one target, and here are several'],
  [
    'listen: 1, via: "http://p:1|h2c://q:1", to: "b:1"',
    'it wants http://p:1|h2c://q:1 to differ in their addresses alone',
  ],
  [
    'listen: 1, via: ["http://p:1", "h2c://q:1|h2c://r:1"], to: "b:1"',
    'behind other proxies or stages it goes to one proxy, and h2c://q:1|h2c://r:1 are several',
  ],
  ['listen: 1, via: "h2c://p:1?ping=5", to: "b:1"', 'it has nothing like ?ping= of h2c://p:1'],
  ['listen: 1, via: "https://p:1?alpn=h2", to: "b:1"', 'it has nothing like ?alpn= of https://p:1'],
  [
    'listen: 1, via: { url: "http://p:1", headers: { Host: p } }, to: "b:1"',
    'it sends the target of a tunnel as Host, and http://p:1 is to get another',
  ],
  ['listen: 1, proxy: { users: { me: "${P}" } }', 'it asks no client for a user and a password'],
  ['listen: 1, proxy: { users: users }', 'it asks no client for a user and a password'],
  ['listen: 1, proxy: { allow: "*:443" }', 'it has no rules by name and address for where tunnels may go'],
  [
    'listen: 1, via: ["http://p:1", "http://q:1"], to: "d:1", send-proxy-protocol: v1',
    'it sends PROXY headers where the stage that clients connect to opens the connection (leave send-proxy-protocol out, or the proxies and stages before it)',
  ],
  [
    'listen: [1, internal://a], to: "d:1", accept-proxy-protocol: optional',
    'it reads PROXY headers at addresses of the system (leave accept-proxy-protocol to the outer stage)',
  ],
  ['listen: 1, proxy: { deny: "*:25" }', 'it has no rules by name and address for where tunnels may go'],
  ['listen: 1, http: { users: users, routes: [{ answer: 404 }] }', 'it asks no client for a user and a password'],
  [
    'listen: 1, http: { deny: a.test, routes: [{ answer: 404 }] }',
    'it has no rules by name and address for where requests may go',
  ],
  [
    'listen: 1, http: { open: true, routes: [{ to: u }, { to: w }], upstreams: { u: { to: "field::authority", names: true }, w: { to: "field:x-to", names: true, family: 6 } } }',
    'it looks all names of requests up in one family of addresses, and u and w want different ones (give them the same family)',
  ],
  ['listen: 1, http: { max-tunnels-per-client: 5, routes: [{ answer: 404 }] }', 'it does not count requests'],
  ['listen: 1, proxy: { max-tunnels: 5 }', 'it does not count tunnels'],
  ['listen: 1, tls: { cert: c }, proxy: { accept: hbone }', 'it is no server for hbone'],
  ['listen: 1, proxy: { accept: plain }', 'it does not tell plain requests from those for itself (--no-plain)'],
  ['listen: 1, proxy: true, retry: 1', 'it dials once for a client that has asked for a tunnel'],
  [
    'listen: 1, proxy: { proxy-protocol: v2 }, via: "http://p:1"',
    'it puts no PROXY header in front of what it passes on to a proxy',
  ],
  [
    'listen: "*:1", proxy: true',
    'everybody who reaches *:1 could use it (say open if that is meant, or name a client-ca)',
  ],
  [
    'listen: "*:1", tls: { cert: c, client-ca: a, client-cert: optional }, proxy: true',
    'everybody who reaches *:1 could use it (say open if that is meant, or name a client-ca)',
  ],
  ['listen: 1, proxy: { accept: post }, via: "http://p:1"', 'it does not turn POST into CONNECT'],
  [
    'listen: 1, proxy: true, via: "https://p:1"',
    'it passes tunnels on as they came, by http, h2c or h2, and https://p:1 wants more',
  ],
])('Envoy cannot run { %s }', (stage, message) => {
  expect(refuse(`  a: { ${stage} }`)).toContain(`cannot export to Envoy: a: ${message}`);
});

test.each([
  [{ admin: { kind: 'fd', fd: 5 } }, 'admin: it opens its listeners itself, and fd:5 is open already'],
  [{ internalBufferBytes: 1000 }, 'the buffers of its internal listeners hold 1 to 8192 whole KiB'],
  [{ internalBufferBytes: 9 * 1024 * 1024 }, 'the buffers of its internal listeners hold 1 to 8192 whole KiB'],
])('Envoy cannot run a graph with %o', (more, message) => {
  expect(refuse('  a: { listen: 1, to: "b:1" }', more)).toEqual([`cannot export to Envoy: ${message}`]);
});

test('what an HBONE hop must say for Envoy is said', () => {
  const hop = 'hbone://w?cert=/c&key=/k&cacert=/r';
  expect(refuse(`  a: { listen: 1, via: "${hop}", to: "b:1" }`)).toEqual([
    'cannot export to Envoy: a: it must be told whom to expect at hbone://w:15008 (add ?peer=spiffe://…)',
    'also a: it makes up no traceparent for hbone://w:15008 (add ?traceparent=no)',
  ]);
});

test('who the first client is Envoy can tell the last hop of a port, and no other', () => {
  const mesh = `'hbone://w?cert=/c&key=/k&cacert=/r&peer=spiffe://cluster.local/ns/a/sa/b&traceparent=no'`;
  const last = `  a: { listen: 1, via: ['http://p:1', ${mesh}], to: 'b:1' }`;
  const { graph } = loadText(`stages:\n${last}`);
  expect(writeBootstrap(graph)).toContain(`key: forwarded, value: for="%DOWNSTREAM_REMOTE_ADDRESS%"`);
  const message = 'it does not know the first client, whom hbone://w:15008 is to be told (add ?forwarded=no)';
  expect(refuse(`  a: { listen: 1, via: [${mesh}, 'http://p:1'], to: 'b:1' }`)).toEqual([
    `cannot export to Envoy: a: ${message}`,
  ]);
  expect(refuse(`  a: { listen: 1, to: internal://b }\n  b: { via: ${mesh}, to: 'c:1' }`)).toEqual([
    `cannot export to Envoy: b: ${message}`,
  ]);
});

test('everything that Envoy cannot do is said at once, with the stages that want it', () => {
  const refusal = refuse('  a: { listen: fd:3, to: internal://b }\n  b: { proxy: { allow: "*:1", max-tunnels: 1 } }');
  expect(refusal).toEqual([
    'cannot export to Envoy: a: it opens its listeners itself, and fd:3 is open already',
    'also b: it has no rules by name and address for where tunnels may go',
    'also b: it does not count tunnels',
  ]);
});
