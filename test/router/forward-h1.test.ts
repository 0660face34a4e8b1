import { expect, test } from 'vitest';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { flags } from '../support/peers/h2-frames.ts';
import { Http2Peer } from '../support/peers/h2-peer.ts';
import { startTarget } from '../support/targets/plain.ts';

const ok = head('HTTP/1.1 200 OK', 'content-length: 2') + 'ok';

test('sends what Envoy would send: fields in their order, those of the connection left out, its own behind them', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, timeoutMs: 15_000 });
  const client = bed.connect();
  client.send(
    head(
      'GET /x?y HTTP/1.1',
      'Host: ex.am:8',
      'X-Z: 1',
      'X-Dup: a',
      'X-Dup: b',
      'Cookie: p=1',
      'Cookie: q=2',
      'Connection: keep-alive, X-Named, TE',
      'X-Named: n',
      'Keep-Alive: 3',
      'Proxy-Connection: x',
      'TE: gzip, trailers',
      'Via: 1.1 me',
      'Proxy-Authorization: Basic Zg==',
      'X-Forwarded-For: 1.2.3.4',
      'X-Envoy-Max-Retries: 9',
    ),
  );
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead())).toEqual([
    'GET /x?y HTTP/1.1',
    'host: ex.am:8',
    'x-z: 1',
    'x-dup: a',
    'x-dup: b',
    'cookie: p=1',
    'cookie: q=2',
    'te: trailers',
    'via: 1.1 me',
    'proxy-authorization: Basic Zg==',
    'x-forwarded-for: 1.2.3.4',
    'x-forwarded-proto: http',
    'x-request-id: UUID',
    'x-envoy-expected-rq-timeout-ms: 15000',
  ]);
  upstream.send(
    head(
      'HTTP/1.1 200 Fine',
      'Server: me',
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Connection: X-Hop',
      'X-Hop: h',
      'Keep-Alive: timeout=5',
      'Content-Length: 2',
    ) + 'ok',
  );
  expect(linesOf(await client.readHead())).toEqual([
    'HTTP/1.1 200 OK',
    'server: me',
    'set-cookie: a',
    'set-cookie: b',
    'content-length: 2',
    'date: NOW',
  ]);
  expect(String(await client.read(2))).toBe('ok');
  expect(bed.upstreams).toEqual([`127.0.0.1:${target.port}`]);
});

test('keeps what the client or one before it has said already', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('GET / HTTP/1.1', 'Host: a', 'X-Forwarded-Proto: https', 'X-Request-Id: abc', 'Date: x'));
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead()).slice(2)).toEqual([
    'x-forwarded-proto: https',
    'x-request-id: abc',
    'date: x',
  ]);
});

test.each([
  ['GET', undefined],
  ['DELETE', undefined],
  ['POST', 'content-length: 0'],
  ['OPTIONS', 'content-length: 0'],
])('a %s without a body has the framing that Envoy gives it', async (method, framing) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head(`${method} / HTTP/1.1`, 'Host: a'));
  const lines = linesOf(await (await target.accept()).readHead());
  expect(lines.find((line) => /^(?:content-length|transfer-encoding)/.test(line))).toBe(framing);
});

test('passes chunks on as chunks, with the fields behind them, and begins before the first', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'));
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead()).at(-1)).toBe('transfer-encoding: chunked');
  client.send('3;ext=1\r\nabc\r\n');
  expect(await upstream.readUntil('abc\r\n')).toBe('3\r\nabc\r\n');
  client.send('0\r\nX-T: v\r\nContent-Length: 7\r\n\r\n');
  expect(await upstream.readUntil('\r\n\r\n')).toBe('0\r\nx-t: v\r\n\r\n');
  upstream.send(`${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}2;a="b"\r\nhi\r\n0\r\nX-R: w\r\n\r\n`);
  await client.readHead();
  expect(await client.readUntil('\r\n\r\n')).toBe('2\r\nhi\r\n0\r\nx-r: w\r\n\r\n');
});

test('passes interim answers on, but for 100, which the upstream was not asked for', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Expect: 100-continue'));
  const upstream = await target.accept();
  expect(linesOf(await upstream.readHead())).not.toContain('expect: 100-continue');
  expect(await client.readHead()).toBe(head('HTTP/1.1 100 Continue'));
  client.send('abc');
  expect(String(await upstream.read(3))).toBe('abc');
  upstream.send(head('HTTP/1.1 100 Continue') + head('HTTP/1.1 103 Early Hints', 'Link: </a>') + ok);
  expect(linesOf(await client.readHead())).toEqual(['HTTP/1.1 103 Early Hints', 'link: </a>']);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 200 OK');
});

test.each([
  ['HEAD', 'HTTP/1.1 200 OK', 'content-length: 99'],
  ['GET', 'HTTP/1.1 304 Not Modified', 'content-length: 44'],
])('a %s that is answered with %s has no body, and the connection goes on', async (method, line, length) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  const upstream = await (async () => {
    client.send(head(`${method} / HTTP/1.1`, 'Host: a'));
    return target.accept();
  })();
  await upstream.readHead();
  upstream.send(head(line, length));
  expect(linesOf(await client.readHead()).slice(0, 2)).toEqual([line, length]);
  client.send(head('GET /next HTTP/1.1', 'Host: a'));
  expect(linesOf(await upstream.readHead())[0]).toBe('GET /next HTTP/1.1');
  expect(target.accepted).toBe(1);
});

test.each(['1.0', '1.1'])(
  'an answer of HTTP/%s that ends with its connection is complete when that ended well',
  async (version) => {
    const target = await startTarget();
    const client = startForwardBed({ target }).connect();
    client.send(head('GET / HTTP/1.1', 'Host: a'));
    const upstream = await target.accept();
    await upstream.readHead();
    upstream.send(`${head(`HTTP/${version} 200 OK`)}hello`);
    upstream.fin();
    await client.readHead();
    expect(await client.readUntil('0\r\n\r\n')).toBe('5\r\nhello\r\n0\r\n\r\n');
    expect(await upstream.waitForEnd()).toBe('fin');
  },
);

test('an answer that comes before the end of its request is passed on, and the rest of the request is not sent', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  const client = bed.connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 9') + 'abc');
  const upstream = await target.accept();
  await upstream.readUntil('\r\nabc');
  upstream.send(head('HTTP/1.1 413 Too Large', 'content-length: 2') + 'no');
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 413 Payload Too Large');
  expect(await upstream.waitForEnd()).toBe('fin');
  client.send('defghi');
  client.send(head('GET /next HTTP/1.1', 'Host: a'));
  expect(linesOf(await (await target.accept()).readHead())[0]).toBe('GET /next HTTP/1.1');
});

test('an answer may begin and go on while its request does', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 6') + 'abc');
  const upstream = await target.accept();
  await upstream.readUntil('\r\nabc');
  upstream.send(head('HTTP/1.1 200 OK', 'content-length: 4') + 'ab');
  await client.readHead();
  expect(String(await client.read(2))).toBe('ab');
  client.send('def');
  expect(String(await upstream.read(3))).toBe('def');
  upstream.send('cd');
  expect(String(await client.read(2))).toBe('cd');
});

test('an answer that comes byte by byte is the same answer', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('GET / HTTP/1.1', 'Host: a'));
  const upstream = await target.accept();
  await upstream.readHead();
  const answer = `${head('HTTP/1.1 103 Early Hints', 'a: b') + head('HTTP/1.1 200 OK', 'transfer-encoding: chunked')}2\r\nhi\r\n0\r\nt: v\r\n\r\n`;
  for (const byte of answer) await new Promise((resolve) => void upstream.stream.write(byte, 'latin1', resolve));
  await client.readUntil('103 Early Hints\r\na: b\r\n\r\n');
  await client.readHead();
  const body = await client.readUntil('t: v\r\n\r\n');
  expect(body.replaceAll(/[0-9]\r\n|\r\n/g, '')).toBe('hit: v');
});

test('an upstream that sends interim answers without end is given up', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('GET / HTTP/1.1', 'Host: a'));
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 102 Processing').repeat(100));
  await client.readUntil('HTTP/1.1 502 Bad Gateway');
  expect(await upstream.waitForEnd()).toBe('reset');
});

test.each(['Host', 'X-Forwarded-For', 'x-forwarded-proto'])('a Connection that names %s is refused', async (name) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('GET / HTTP/1.1', 'Host: a', `Connection: ${name}`));
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 400 Bad Request');
  expect(target.accepted).toBe(0);
});

test('a Connection that names the length of a body does not take it away', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Connection: content-length') + 'abc');
  expect(linesOf(await (await target.accept()).readHead())).toContain('content-length: 3');
});

test('cookies that HTTP/2 split are one field again', async () => {
  const target = await startTarget();
  const client = new Http2Peer(startForwardBed({ target }).connect());
  client.start();
  client.request(
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
      ['cookie', 'p=1'],
      ['x-a', '1'],
      ['cookie', 'q=2'],
    ],
    flags.endHeaders | flags.endStream,
  );
  const lines = linesOf(await (await target.accept()).readHead());
  expect(lines.slice(1, 4)).toEqual(['host: a', 'cookie: p=1; q=2', 'x-a: 1']);
});
