import { describe, expect, test } from 'vitest';
import { eventually, inTime } from '../../support/eventually.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { readBody, startRequestBed } from '../../support/harness/request-bed.ts';

const post = (fields: string, body = '') => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = 'Transfer-Encoding: chunked\r\n';

test('chunks, extensions and trailers are read, one byte at a time as well', async () => {
  const { client, take } = startRequestBed();
  for (const byte of post(chunked, `3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-b:2\r\n\r\n${next}`))
    client.send(byte);
  const request = await take();
  expect([request.contentLength, request.isBodiless]).toEqual([undefined, false]);
  expect(await readBody(request)).toBe('abc0123456789');
  expect(request.trailers()).toEqual([
    ['x-sum', '1'],
    ['x-b', '2'],
  ]);
  expect(request.sent).toBe(13);
  void request.respond(200, []);
  expect((await take()).target).toBe('/next');
});

test.each([
  ['a size that is no number', '5g\r\nhello\r\n0\r\n\r\n'],
  ['a size with a sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a size that overflows', '100000005\r\nhello\r\n0\r\n\r\n'],
  ['a line that ends with LF', '5\nhello\r\n0\r\n\r\n'],
  ['a CR inside an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['a chunk longer than its size', '3\r\nhello\r\n0\r\n\r\n'],
  ['a trailer with a space before the colon', '0\r\nX : 1\r\n\r\n'],
  ['a trailer that is folded', '0\r\nX: 1\r\n 2\r\n\r\n'],
])('a chunked body with %s fails, and the connection ends with the answer', async (_, body) => {
  const { client, take, count } = startRequestBed();
  client.send(post(chunked, body) + next);
  const request = await take();
  await expect(readBody(request)).rejects.toMatchObject({ code: 'http_request_error', side: 'client' });
  void request.respond(400, []);
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 400 /);
  expect(count()).toBe(1);
});

test.each([
  ['of a length', 'Content-Length: 10\r\n', 'abc'],
  ['in chunks', chunked, '5\r\nabc'],
])('a body %s that the client cuts short with its half fails, and can still be answered', async (_, fields, body) => {
  const { client, take } = startRequestBed();
  client.send(post(fields, body));
  const request = await take();
  const reading = readBody(request);
  client.fin();
  await expect(reading).rejects.toMatchObject({ code: 'http_request_error' });
  void request.respond(400, [], 'short');
  expect((await client.readToEnd()).toString()).toMatch(/short$/);
});

test.each(['to be read', 'of a tunnel'])(
  'a body %s that ended before anybody asked for its head fails',
  async (kind) => {
    const { client, take } = startRequestBed();
    client.send(next);
    const first = await take();
    client.send(post(chunked));
    client.fin();
    await eventually(() => client.stream.writableFinished, true);
    void first.respond(204, []);
    const request = await take();
    if (kind === 'to be read') return expect(readBody(request)).rejects.toMatchObject({ code: 'http_request_error' });
    const { stream } = request.stream(200, []);
    stream.resume();
    await inTime('the failure', new Promise((resolve) => stream.once('error', resolve)));
  },
);

test('a client that is reset in the middle of its body fails it, and is gone', async () => {
  const { client, take } = startRequestBed();
  client.send(post('Content-Length: 10\r\n', 'abc'));
  const request = await take();
  const reading = readBody(request);
  client.reset();
  await expect(reading).rejects.toMatchObject({ side: 'client' });
  expect(await inTime('the end', request.done)).toMatchObject({
    error: { code: 'connection_terminated', side: 'client' },
  });
  expect(request.gone.aborted).toBe(true);
});

test('nothing of a body is taken before somebody reads it, and no more than is read', async () => {
  const { client, link, take } = startRequestBed();
  client.send(post('Content-Length: 10000000\r\n'));
  const request = await take();
  for (let part = 0; part < 100; part++) client.send(Buffer.alloc(100_000));
  await eventually(() => client.stream.writableLength > 0, true);
  expect(request.sent).toBe(0);
  request.body.read();
  await eventually(() => request.sent > 0, true);
  expect(link.stream.isPaused()).toBe(true);
  expect(request.sent).toBeLessThan(1_000_000);
  request.body.resume();
  await eventually(() => request.sent, 10_000_000);
});

describe('a body that nobody wants', () => {
  test('is read over, so that the connection goes on', async () => {
    const { client, take } = startRequestBed();
    client.send(post('Content-Length: 5\r\n', 'ab'));
    void (await take()).respond(200, []);
    await client.readHead();
    client.send(`cde${next}`);
    expect((await take()).target).toBe('/next');
  });

  test('is not read over without end', async () => {
    const { client, take } = startRequestBed();
    client.send(post(chunked));
    const request = await take();
    void request.respond(200, []);
    await client.readHead();
    client.send(`40001\r\n${'x'.repeat(0x40001)}\r\n0\r\n\r\n${next}`);
    expect(await client.waitForEnd()).toBe('fin');
  });

  test('that is destroyed by its reader does not end the answer', async () => {
    const { client, take } = startRequestBed();
    client.send(post('Content-Length: 10\r\n', 'abc'));
    const request = await take();
    request.body.once('data', () => request.body.destroy());
    await inTime('the end of the body', new Promise((resolve) => request.body.once('close', resolve)));
    client.send(`defghij${next}`);
    void request.respond(413, []);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 413 /);
    expect((await take()).target).toBe('/next');
  });
});

describe('Expect: 100-continue', () => {
  const expecting = post('Content-Length: 3\r\nExpect: 100-Continue\r\n');

  test('is answered when somebody reads the body', async () => {
    const { client, take } = startRequestBed();
    client.send(expecting);
    const request = await take();
    const reading = readBody(request);
    expect(await client.readHead()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send(`abc${next}`);
    expect(await reading).toBe('abc');
    void request.respond(200, []);
    expect(await client.readHead()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect((await take()).target).toBe('/next');
  });

  test('ends the connection when it is refused: nobody knows whether the body comes', async () => {
    const { client, take, count } = startRequestBed();
    client.send(expecting);
    void (await take()).respond(417, []);
    client.send(next);
    expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 417 .*\r\nConnection: close\r\n/s);
    expect(count()).toBe(1);
  });

  test('is answered when the body becomes half of a tunnel', async () => {
    const { client, take } = startRequestBed();
    client.send(expecting);
    const server = new RawPeer((await take()).stream(200, []));
    expect(await client.readHead()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    client.send('abc');
    expect((await server.readToEnd()).toString()).toBe('abc');
  });

  test('means nothing in HTTP/1.0', async () => {
    const { client, take } = startRequestBed();
    client.send('POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc');
    const request = await take();
    expect(await readBody(request)).toBe('abc');
    void request.respond(200, []);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  });
});

test('whoever watches is told when nothing moves, and not while a byte comes now and then', async () => {
  const { client, take } = startRequestBed();
  client.send(post('Content-Length: 1000\r\n'));
  const request = await take();
  const told = new Promise<number>((resolve) => {
    request.watch({ idleMs: 100, onIdle: () => resolve(request.sent), onAnswer: () => {} });
  });
  request.body.resume();
  const drip = setInterval(() => client.send('x'), 10);
  await eventually(() => request.sent > 20, true);
  clearInterval(drip);
  expect(await inTime('the idle limit', told)).toBe(request.sent);
});
