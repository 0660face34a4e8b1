import type { ServerHttp2Stream } from 'node:http2';
import { expect, test } from 'vitest';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { flags } from '../support/peers/h2-frames.ts';
import { type OnStream, startHttp2Origin } from '../support/peers/h2-origin.ts';
import { acceptHttp2, Http2Peer } from '../support/peers/h2-peer.ts';
import { startTarget } from '../support/targets/plain.ts';

const get = head('GET / HTTP/1.1', 'Host: a');

/** Sends back the body of a request. */
const echo: OnStream = (stream, { ':path': path }) => {
  stream.respond({ ':status': 200, 'x-path': path });
  stream.pipe(stream);
};

test('writes a request of HTTP/1.1 as one of HTTP/2, and its answer back', async () => {
  const seen: (readonly string[])[] = [];
  const target = await startHttp2Origin((stream, _, raw) => {
    seen.push(raw);
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    stream.on('trailers', (_trailers: unknown, _flags: unknown, rawTrailers: readonly string[]) =>
      seen.push(rawTrailers),
    );
    stream.resume().on('end', () => {
      stream.respond({ ':status': 200, 'x-b': ['1', '2'], date: 'x' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-r': 'w' }));
      stream.end('hi');
    });
  });
  const client = startForwardBed({ target, version: 'http2', timeoutMs: 1500 }).connect();
  client.send(
    head(
      'POST /x HTTP/1.1',
      'Host: a:1',
      'X-Dup: a',
      'X-Dup: b',
      'Cookie: p=1',
      'TE: trailers',
      'Connection: TE',
      'Transfer-Encoding: chunked',
    ),
  );
  client.send('3\r\nabc\r\n0\r\nx-t: v\r\n\r\n');
  expect(linesOf(await client.readHead())).toEqual(['HTTP/1.1 103 Early Hints', 'link: </a>']);
  expect(linesOf(await client.readHead())).toEqual([
    'HTTP/1.1 200 OK',
    'x-b: 1',
    'x-b: 2',
    'date: x',
    'Transfer-Encoding: chunked',
  ]);
  expect(await client.readUntil('\r\n\r\n')).toBe('2\r\nhi\r\n0\r\nx-r: w\r\n\r\n');
  const [fields = [], trailers] = seen;
  const id = fields[fields.indexOf('x-request-id') + 1];
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const expected = {
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': 'a:1',
    ':path': '/x',
    'x-dup': ['a', 'b'],
    cookie: 'p=1',
    te: 'trailers',
    'x-forwarded-proto': 'http',
    'x-request-id': id,
    'x-envoy-expected-rq-timeout-ms': '1500',
  };
  expect(fields).toEqual(
    Object.entries(expected).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, each])),
  );
  expect(trailers).toEqual(['x-t', 'v']);
});

test('carries a hundred requests with bodies at a time through one session', async () => {
  const waiting: ServerHttp2Stream[] = [];
  const target = await startHttp2Origin((stream) => {
    waiting.push(stream);
    // Nobody is answered before all are there.
    if (waiting.length === 100) for (const each of waiting) echo(each, { ':path': '/' }, []);
  });
  const bed = startForwardBed({ target, version: 'http2' });
  const clients = Array.from({ length: 100 }, () => bed.connect());
  const bodies = await Promise.all(
    clients.map(async (client, at) => {
      client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5')}${String(at).padStart(5)}`);
      await client.readHead();
      return client.readUntil('0\r\n\r\n');
    }),
  );
  expect(bodies).toEqual(clients.map((_, at) => `5\r\n${String(at).padStart(5)}\r\n0\r\n\r\n`));
  expect(target.accepted).toBe(1);
});

test('goes from HTTP/2 to HTTP/2 with what comes behind the bodies', async () => {
  const target = await startHttp2Origin((stream) => {
    stream.on('trailers', ({ 'x-t': trailer }) => {
      stream.respond({ ':status': 200, 'x-t': trailer }, { endStream: true });
    });
    stream.resume();
  });
  const client = new Http2Peer(startForwardBed({ target, version: 'http2' }).connect());
  client.start();
  const stream = client.request([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'a'],
  ]);
  client.send('data', stream, 'abc');
  client.sendFields(stream, [['x-t', 'v']], flags.endStream);
  expect(await client.outcomeOf(stream)).toEqual({ status: 200 });
});

test('opens another session where the peer takes no more streams in one', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, version: 'http2' });
  bed.connect().send(get);
  const first = await acceptHttp2(target, [[3, 1]]);
  await first.nextRequest();
  bed.connect().send(get);
  await (await acceptHttp2(target, [[3, 1]])).nextRequest();
  expect(target.accepted).toBe(2);
});

test('after a GOAWAY what runs goes on, what was not acted upon is sent again elsewhere', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, version: 'http2' });
  const [one, two, three] = [bed.connect(), bed.connect(), bed.connect()];
  one.send(get);
  const first = await acceptHttp2(target);
  const running = await first.nextRequest();
  first.answer(running, 200);
  await one.readHead();
  two.send(head('POST / HTTP/1.1', 'Host: a'));
  await first.nextRequest();
  first.goaway(running, 0);
  const second = await acceptHttp2(target);
  second.answer(await second.nextRequest(), 201, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await two.readHead())[0]).toBe('HTTP/1.1 201 Created');
  three.send(get);
  second.answer(await second.nextRequest(), 202, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await three.readHead())[0]).toBe('HTTP/1.1 202 Accepted');
  first.send('data', running, 'hi', flags.endStream);
  expect(await one.readUntil('0\r\n\r\n')).toBe('2\r\nhi\r\n0\r\n\r\n');
});

test.each([
  ['reset with NO_ERROR', 0],
  ['reset with CANCEL', 8],
  ['lost with its session', undefined],
])('an answer that is %s is cut for the client too', async (_, code) => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2' }).connect();
  client.send(get);
  const upstream = await acceptHttp2(target);
  const stream = await upstream.nextRequest();
  upstream.answer(stream, 200);
  upstream.send('data', stream, 'abc');
  await client.readUntil('abc\r\n');
  if (code === undefined) upstream.raw.fin();
  else upstream.reset(stream, code);
  expect(await client.waitForEnd()).toBe('reset');
});

test('an answer that is complete stays so when the rest of its request is not wanted', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2' }).connect();
  client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 9')}abc`);
  const upstream = await acceptHttp2(target);
  const stream = await upstream.nextRequest();
  await upstream.read(stream, 3);
  upstream.answer(stream, 200, [['content-length', '2']]);
  upstream.send('data', stream, 'no', flags.endStream);
  upstream.reset(stream, 0);
  expect(await client.readUntil('no')).toMatch('HTTP/1.1 200 OK');
  client.send('defghi');
  client.send(get);
  upstream.answer(await upstream.nextRequest(), 204, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 204 No Content');
});

test('a session that dies under requests is tried again for those that may be made twice', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, version: 'http2' });
  const [one, two] = [bed.connect(), bed.connect()];
  one.send(get);
  const first = await acceptHttp2(target);
  first.answer(await first.nextRequest(), 204, [], flags.endHeaders | flags.endStream);
  await one.readHead();
  one.send(get);
  await first.nextRequest();
  two.send(head('POST / HTTP/1.1', 'Host: a'));
  await first.nextRequest();
  first.raw.reset();
  expect(linesOf(await two.readHead())[0]).toBe('HTTP/1.1 503 Service Unavailable');
  const second = await acceptHttp2(target);
  second.answer(await second.nextRequest(), 204, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await one.readHead())[0]).toBe('HTTP/1.1 204 No Content');
});

test('a client that leaves cancels its stream and nothing else', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, version: 'http2' });
  const [one, two] = [bed.connect(), bed.connect()];
  one.send(get);
  const upstream = await acceptHttp2(target);
  const leaving = await upstream.nextRequest();
  two.send(get);
  const staying = await upstream.nextRequest();
  one.reset();
  expect(await upstream.endOf(leaving)).toBe(8);
  upstream.answer(staying, 204, [], flags.endHeaders | flags.endStream);
  expect(linesOf(await two.readHead())[0]).toBe('HTTP/1.1 204 No Content');
});

test('fields that HTTP/2 takes only once make the request one that cannot be sent', async () => {
  const target = await startHttp2Origin(echo);
  const client = startForwardBed({ target, version: 'http2' }).connect();
  client.send(head('GET / HTTP/1.1', 'Host: a', 'Authorization: a', 'Authorization: b'));
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 400 Bad Request');
});

test('an upstream that does not speak HTTP/2 is told so', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, version: 'http2' }).connect();
  client.send(get);
  const upstream = await target.accept();
  upstream.send(head('HTTP/1.1 400 Bad Request'));
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 502 Bad Gateway');
  expect(await upstream.waitForEnd()).toBe('fin');
});
