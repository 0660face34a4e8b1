import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { head, startForwardBed } from '../support/harness/forward-bed.ts';
import { connectPeer, type RawPeer } from '../support/peers/raw-peer.ts';
import { startTarget, type Target } from '../support/targets/plain.ts';
import { hasEnvoy, makeAddress, startEnvoyFile, typed } from './parts/envoy.ts';

/** A request that a client sends, and the answer that the upstream gives once it has all of it. */
interface Row {
  readonly name: string;
  readonly request: string;
  /** The last bytes of the request as the upstream gets it; by default the end of its head. */
  readonly until?: string;
  readonly answer: string;
  /** The last bytes of the answer as the client gets it; by default the end of its head. */
  readonly answerUntil?: string;
}

const ok = `${head('HTTP/1.1 200 OK', 'X-B: 2', 'Set-Cookie: a', 'Set-Cookie: b', 'Via: 1.1 z', 'Content-Length: 2')}ok`;
const empty = head('HTTP/1.1 200 OK', 'Content-Length: 0');

const request = (line: string, ...fields: readonly string[]) => head(`${line} HTTP/1.1`, 'Host: ex.am:8', ...fields);

const rows: readonly Row[] = [
  { name: 'nothing but a host', request: request('GET /x?y'), answer: ok, answerUntil: 'ok' },
  {
    name: 'fields of every kind',
    request: request(
      'GET /',
      'X-Z: 1',
      'X-Dup: a',
      'X-Dup: b',
      'Cookie: p=1',
      'Cookie: q=2',
      'Connection: keep-alive, X-Named',
      'X-Named: n',
      'Keep-Alive: 3',
      'Proxy-Connection: x',
      'Via: 1.1 me',
      'Proxy-Authorization: Basic Zg==',
    ),
    answer: ok,
    answerUntil: 'ok',
  },
  {
    name: 'what others have said of it',
    request: request(
      'GET /',
      'X-Forwarded-For: 1.2.3.4',
      'X-Forwarded-Proto: https',
      'X-Request-Id: abc',
      'X-Envoy-Foo: 1',
    ),
    answer: empty,
  },
  {
    name: 'orders to Envoy',
    request: request('GET /', 'X-Envoy-Max-Retries: 0', 'X-Envoy-Internal: true'),
    answer: empty,
  },
  { name: 'TE: trailers', request: request('GET /', 'TE: deflate, trailers', 'Connection: TE'), answer: empty },
  { name: 'another TE', request: request('GET /', 'TE: gzip', 'Connection: TE'), answer: empty },
  {
    name: 'chunks',
    request: `${request('POST /', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    until: '0\r\n\r\n',
    answer: empty,
  },
  {
    name: 'no chunk',
    request: `${request('POST /', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    until: '0\r\n\r\n',
    answer: empty,
  },
  { name: 'the head before the body', request: request('POST /', 'Transfer-Encoding: chunked'), answer: empty },
  { name: 'a length of 0', request: request('POST /', 'Content-Length: 0', 'A: b'), answer: empty },
  { name: 'a length of 0 in a DELETE', request: request('DELETE /', 'Content-Length: 0'), answer: empty },
  { name: 'a GET with a body', request: `${request('GET /', 'Content-Length: 3')}abc`, until: 'abc', answer: empty },
  ...['GET', 'DELETE', 'POST', 'PUT', 'PATCH', 'OPTIONS'].map((method) => ({
    name: `a ${method} that says nothing of a body`,
    request: request(`${method} /`),
    answer: empty,
  })),
  { name: 'another expectation', request: request('POST /', 'Expect: foo', 'Content-Length: 0'), answer: empty },
  { name: 'HEAD', request: request('HEAD /'), answer: head('HTTP/1.1 200 OK', 'Content-Length: 99') },
  { name: '204', request: request('GET /'), answer: head('HTTP/1.1 204 None') },
  { name: '304', request: request('GET /'), answer: head('HTTP/1.1 304 Same', 'Content-Length: 44') },
  {
    name: '100 unasked',
    request: request('GET /'),
    answer: `${head('HTTP/1.1 100 Continue')}${ok}`,
    answerUntil: 'ok',
  },
  {
    name: 'chunks in the answer',
    request: request('GET /'),
    answer: `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}2;ext=1\r\nhi\r\n0\r\n\r\n`,
    answerUntil: '0\r\n\r\n',
  },
  {
    name: 'an upgrade to h2c',
    request: request('GET /', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    answer: empty,
  },
  { name: 'Upgrade without Connection', request: request('GET /', 'Upgrade: websocket'), answer: empty },
  {
    name: 'a WebSocket',
    request: request('GET /', 'Connection: keep-alive, Upgrade', 'A: b', 'Upgrade: WebSocket', 'Sec-WebSocket-Key: k'),
    answer: `${head('HTTP/1.1 101 Switching Protocols', 'Sec-WebSocket-Accept: z', 'Connection: Upgrade', 'Upgrade: websocket')}first`,
    answerUntil: 'first',
  },
  {
    name: 'a refused WebSocket',
    request: request('GET /', 'Connection: Upgrade', 'Upgrade: websocket'),
    answer: `${head('HTTP/1.1 403 Forbidden', 'Content-Length: 2')}no`,
    answerUntil: 'no',
  },
  {
    name: 'CONNECT',
    request: head('CONNECT db:5 HTTP/1.1', 'Host: other', 'X-A: 1'),
    answer: `${head('HTTP/1.1 200 OK', 'X-B: 1')}first`,
    answerUntil: 'first',
  },
];

/** The lines that each of the two sides received. */
interface Seen {
  readonly upstream: readonly string[];
  readonly client: readonly string[];
}

async function observe(row: Row, client: RawPeer, target: Target): Promise<Seen> {
  client.send(row.request);
  const upstream = await target.accept();
  const asked = await upstream.readUntil(row.until ?? '\r\n\r\n');
  upstream.send(row.answer);
  const answered = await client.readUntil(row.answerUntil ?? '\r\n\r\n');
  return { upstream: readLines(asked), client: readLines(answered) };
}

/** Fields that may differ: they name the server, the date and the duration, or are about the connection alone. */
const ofNoMatter = /^(?:server|date|x-envoy-upstream-service-time|connection): /;

function readLines(text: string): string[] {
  const [top = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...fields] = top.split('\r\n');
  const kept = fields
    .map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()))
    .map((field) => field.replace(/^(x-request-id): [0-9a-f-]{36}$/, '$1: UUID'))
    .filter((field) => !ofNoMatter.test(field));
  return [first.replace('Connection established', 'OK'), ...kept, rest.join('\r\n\r\n')];
}

describe.skipIf(!hasEnvoy)('requests go on as Envoy sends them', () => {
  test.each(rows)('$name', async (row) => {
    const target = await startTarget();
    const envoy = await startEnvoyFile(async (port, folder) => writeBootstrap(port, folder, target.port, '15s'));
    const theirs = await observe(row, await connectPeer(envoy.port), target);
    const bed = startForwardBed({ target, timeoutMs: 15_000, upgrades: ['websocket', 'connect'] });
    const ours = await observe(row, bed.connect(), target);
    await envoy.stop();
    expect(ours).toEqual(theirs);
  });
});

/** The ways in which an upstream fails to answer, each with the status that the client gets. */
const failures: readonly (readonly [name: string, fail: (upstream: RawPeer) => void, status: number])[] = [
  ['closes', (upstream) => upstream.fin(), 503],
  ['resets', (upstream) => upstream.reset(), 503],
  ['speaks something else', (upstream) => upstream.send('SSH-2.0-x\r\n'), 502],
  [
    'frames its answer in two ways',
    (upstream) => upstream.send(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 3')),
    502,
  ],
  [
    'says two lengths',
    (upstream) => upstream.send(head('HTTP/1.1 200 OK', 'Content-Length: 3', 'Content-Length: 4')),
    502,
  ],
  ['does not answer in time', () => {}, 504],
];

describe.skipIf(!hasEnvoy)('failures have the status that Envoy gives them', () => {
  test.each(failures)('an upstream that %s', async (_, fail, status) => {
    const target = await startTarget();
    const envoy = await startEnvoyFile(async (port, folder) => writeBootstrap(port, folder, target.port, '1s'));
    const bed = startForwardBed({ target, timeoutMs: 1000 });
    const statuses: string[] = [];
    for (const client of [await connectPeer(envoy.port), bed.connect()]) {
      client.send(request('POST /', 'Content-Length: 0'));
      const upstream = await target.accept();
      await upstream.readHead();
      fail(upstream);
      statuses.push((await client.readHead()).slice(9, 12));
    }
    await envoy.stop();
    expect(statuses).toEqual([String(status), String(status)]);
  });
});

/** Everything goes to one upstream, which has this long to answer. */
function writeBootstrap(port: number, folder: string, upstreamPort: number, timeout: string): string {
  const web = { cluster: 'web', timeout };
  const routes = [
    { match: { connect_matcher: {} }, route: web },
    { match: { prefix: '/' }, route: web },
  ];
  const manager = {
    ...typed('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'front',
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: typed('filters.http.router.v3.Router') }],
  };
  const endpoint = { endpoint: { address: makeAddress(upstreamPort) } };
  const cluster = { name: 'web', load_assignment: { cluster_name: 'web', endpoints: [{ lb_endpoints: [endpoint] }] } };
  const listener = {
    address: makeAddress(port),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  const file = join(folder, 'envoy.yaml');
  writeFileSync(file, JSON.stringify({ static_resources: { listeners: [listener], clusters: [cluster] } }));
  return file;
}
