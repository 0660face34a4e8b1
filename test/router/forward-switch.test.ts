import { expect, test } from 'vitest';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { acceptHttp2, Http2Peer } from '../support/peers/h2-peer.ts';
import { flags } from '../support/peers/h2-frames.ts';
import { startTarget } from '../support/targets/plain.ts';

const upgrade = head(
  'GET /chat HTTP/1.1',
  'Host: a',
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
);
const switching = head(
  'HTTP/1.1 101 Switching Protocols',
  'connection: Upgrade',
  'upgrade: websocket',
  'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
);

test('an upgrade goes on as it is, and from the 101 on both directions are bytes that end one by one', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, upgrades: ['websocket'] }).connect();
  client.send(`${upgrade}early`);
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead()).slice(0, 5)).toEqual([
    'GET /chat HTTP/1.1',
    'host: a',
    'connection: keep-alive, Upgrade',
    'upgrade: WebSocket',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]);
  upstream.send(`${switching}first`);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 101 Switching Protocols');
  expect(String(await client.read(5))).toBe('first');
  expect(String(await upstream.read(5))).toBe('early');
  client.fin();
  expect(await upstream.waitForEnd()).toBe('fin');
  upstream.send('late');
  upstream.fin();
  expect(String(await client.readToEnd())).toBe('late');
});

test('an upgrade that the upstream refuses is answered as it answers', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, upgrades: ['websocket'] }).connect();
  client.send(upgrade);
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 403 Forbidden', 'x-b: 1', 'content-length: 2') + 'no');
  expect(linesOf(await client.readHead()).slice(0, 2)).toEqual(['HTTP/1.1 403 Forbidden', 'x-b: 1']);
  expect(String(await client.read(2))).toBe('no');
});

test.each([
  ['an upgrade', upgrade, ['connect']],
  ['CONNECT', head('CONNECT db:5 HTTP/1.1', 'Host: db:5'), ['websocket']],
])('%s that the route does not allow is 403, and nothing is dialled', async (_, request, upgrades) => {
  const target = await startTarget();
  const client = startForwardBed({ target, upgrades }).connect();
  client.send(request);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 403 Forbidden');
  expect(target.accepted).toBe(0);
});

test.each([
  ['h2c, which is never switched to', 'HTTP2-Settings, Upgrade', 'h2c'],
  ['a protocol without saying so in Connection', 'keep-alive', 'websocket'],
])('a request that names %s goes on as any other', async (_, connection, protocol) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(
    head('GET / HTTP/1.1', 'Host: a', `Connection: ${connection}`, `Upgrade: ${protocol}`, 'HTTP2-Settings: AAMAAABk'),
  );
  const lines = linesOf(await (await target.accept()).readHead());
  expect(lines.slice(1)).toEqual(['host: a', 'x-forwarded-proto: http', 'x-request-id: UUID']);
});

test('CONNECT goes on as CONNECT with its fields, and its bytes end one by one', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, upgrades: ['connect'] }).connect();
  client.send(`${head('CONNECT db:5 HTTP/1.1', 'Host: other', 'X-A: 1', 'Proxy-Authorization: Basic z')}early`);
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead())).toEqual([
    'CONNECT db:5 HTTP/1.1',
    'host: db:5',
    'x-a: 1',
    'proxy-authorization: Basic z',
    'x-forwarded-proto: http',
    'x-request-id: UUID',
  ]);
  upstream.send(`${head('HTTP/1.1 200 Yes', 'X-B: 1', 'Content-Length: 4', 'Transfer-Encoding: chunked')}first`);
  expect(linesOf(await client.readHead()).slice(0, 2)).toEqual(['HTTP/1.1 200 Connection established', 'x-b: 1']);
  expect(String(await client.read(5))).toBe('first');
  expect(String(await upstream.read(5))).toBe('early');
  upstream.fin();
  expect(await client.waitForEnd()).toBe('fin');
  client.send('late');
  client.fin();
  expect(String(await upstream.readToEnd())).toBe('late');
});

test('a reset of one side of a CONNECT is a reset for the other', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, upgrades: ['connect'] });
  for (const side of ['client', 'upstream']) {
    const client = bed.connect();
    client.send(head('CONNECT db:5 HTTP/1.1', 'Host: db:5'));
    const upstream = await target.accept();
    await upstream.readHead();
    upstream.send(head('HTTP/1.1 200 OK'));
    await client.readHead();
    const [dying, other] = side === 'client' ? [client, upstream] : [upstream, client];
    dying.reset();
    expect(await other.waitForEnd()).toBe('reset');
  }
});

test('the status with which the upstream refuses a CONNECT is that of the client', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, upgrades: ['connect'] }).connect();
  client.send(head('CONNECT db:5 HTTP/1.1', 'Host: db:5'));
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(
    head('HTTP/1.1 407 Proxy Authentication Required', 'proxy-authenticate: Basic realm="x"', 'content-length: 0'),
  );
  expect(linesOf(await client.readHead()).slice(0, 2)).toEqual([
    'HTTP/1.1 407 Proxy Authentication Required',
    'proxy-authenticate: Basic realm="x"',
  ]);
});

test('a WebSocket over HTTP/2 becomes one over HTTP/1.1, with the key that it needs there', async () => {
  const target = await startTarget();
  const client = new Http2Peer(startForwardBed({ target, upgrades: ['websocket'] }).connect());
  client.start();
  const stream = client.request([
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/chat'],
    [':authority', 'a'],
    ['sec-websocket-version', '13'],
  ]);
  const upstream = await target.accept();
  const lines = linesOf(await upstream.readHead());
  expect(lines.slice(0, 5)).toEqual([
    'GET /chat HTTP/1.1',
    'host: a',
    'sec-websocket-version: 13',
    'connection: upgrade',
    'upgrade: websocket',
  ]);
  expect(lines.at(-1)).toMatch(/^sec-websocket-key: [A-Za-z0-9+/]{22}==$/);
  upstream.send(`${switching}first`);
  expect(await client.outcomeOf(stream)).toEqual({ status: 200 });
  expect(String(await client.read(stream, 5))).toBe('first');
  client.send('data', stream, 'ping', flags.endStream);
  expect(String(await upstream.readToEnd())).toBe('ping');
  upstream.fin();
  expect(await client.endOf(stream)).toBe('end');
});

test('a WebSocket over HTTP/1.1 becomes one over HTTP/2, and its key is answered here', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2', upgrades: ['websocket'] }).connect();
  client.send(upgrade);
  const upstream = await acceptHttp2(target, [[8, 1]]);
  const stream = await upstream.nextRequest();
  upstream.answer(stream, 200, [['x-b', '1']]);
  const lines = linesOf(await client.readHead());
  expect(lines[0]).toBe('HTTP/1.1 101 Switching Protocols');
  // The answer of RFC 6455, section 1.3, to the key there.
  expect(lines).toContain('sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  client.send('ping');
  expect(String(await upstream.read(stream, 4))).toBe('ping');
  upstream.send('data', stream, 'pong', flags.endStream);
  expect(String(await client.readToEnd())).toBe('pong');
});

test('an upstream that takes no other protocol over HTTP/2 is not asked for one', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2', upgrades: ['websocket'] }).connect();
  client.send(upgrade);
  await acceptHttp2(target);
  const lines = linesOf(await client.readHead());
  expect(lines[0]).toBe('HTTP/1.1 502 Bad Gateway');
  expect(lines).toContain('Proxy-Status: tunl; error=http_upgrade_failed');
});

test('CONNECT goes on from HTTP/1.1 to HTTP/2, and its bytes end one by one', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2', upgrades: ['connect'] }).connect();
  client.send(head('CONNECT db:5 HTTP/1.1', 'Host: db:5'));
  const upstream = await acceptHttp2(target);
  const stream = await upstream.nextRequest();
  upstream.answer(stream, 200);
  await client.readHead();
  upstream.send('data', stream, 'bye', flags.endStream);
  expect(String(await client.readToEnd())).toBe('bye');
  client.send('late');
  client.fin();
  expect(String(await upstream.read(stream, 4))).toBe('late');
  expect(await upstream.endOf(stream)).toBe('end');
});

test('CONNECT goes on from HTTP/2 to HTTP/1.1, and a reset of the target is one of the stream', async () => {
  const target = await startTarget();
  const client = new Http2Peer(startForwardBed({ target, upgrades: ['connect'] }).connect());
  client.start();
  const stream = client.connect('db:5');
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead())[0]).toBe('CONNECT db:5 HTTP/1.1');
  upstream.send(head('HTTP/1.1 200 OK'));
  expect(await client.outcomeOf(stream)).toEqual({ status: 200 });
  client.send('data', stream, 'ping');
  expect(String(await upstream.read(4))).toBe('ping');
  upstream.reset();
  expect(await client.endOf(stream)).toBe(10);
});

test('the status with which an upstream refuses a CONNECT over HTTP/2 is that of the client', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2', upgrades: ['connect'] }).connect();
  client.send(head('CONNECT db:5 HTTP/1.1', 'Host: db:5'));
  const upstream = await acceptHttp2(target);
  const stream = await upstream.nextRequest();
  upstream.answer(stream, 403);
  upstream.send('data', stream, 'no', flags.endStream);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 403 Forbidden');
  expect(await client.readUntil('no\r\n')).toBe('2\r\nno\r\n');
});
