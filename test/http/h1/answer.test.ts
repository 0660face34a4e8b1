import { describe, expect, test } from 'vitest';
import { eventually, inTime } from '../../support/eventually.ts';
import { startRequestBed } from '../../support/harness/request-bed.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';

const get = (fields = '', first = 'GET / HTTP/1.1') => `${first}\r\nHost: a\r\n${fields}\r\n`;
const next = get('', 'GET /next HTTP/1.1');

async function startAnswer(request = get()) {
  const bed = startRequestBed();
  bed.client.send(request);
  return { ...bed, request: await bed.take() };
}

test('without a length an answer goes out in chunks, with the trailers behind them', async () => {
  const { client, take, request } = await startAnswer();
  const answer = request.answer(200, [
    ['X-A', 'b'],
    ['Connection', 'keep-alive, x'],
    ['Transfer-Encoding', 'gzip'],
    ['Keep-Alive', 'timeout=1'],
  ]);
  answer.write('hello');
  answer.setTrailers([['X-Sum', '1']]);
  answer.end();
  const text = await client.readUntil('X-Sum: 1\r\n\r\n');
  expect(text).toBe(
    'HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
  );
  expect(await inTime('the end', request.done)).toEqual({ status: 200 });
  expect(request.received).toBe(5);
  client.send(next);
  expect((await take()).target).toBe('/next');
});

test('for HTTP/1.0 such an answer ends with the connection', async () => {
  const { client, request } = await startAnswer(get('', 'GET / HTTP/1.0'));
  request.answer(200, []).end('hello');
  expect((await client.readToEnd()).toString()).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
});

test.each([
  ['HEAD', 200, [['Content-Length', '5']], 'Content-Length: 5\r\n'],
  ['HEAD', 200, [], ''],
  ['GET', 304, [['Content-Length', '5']], 'Content-Length: 5\r\n'],
  ['GET', 204, [['Content-Length', '5']], ''],
] as const)('the answer to %s with %i has no body, whatever is written', async (method, status, headers, fields) => {
  const { client, take, request } = await startAnswer(get('', `${method} / HTTP/1.1`));
  request.answer(status, headers).end('hello');
  expect((await client.readHead()).replace(/^.*\r\n/, '')).toBe(`${fields}\r\n`);
  client.send(next);
  void (await take()).respond(200, [], 'x');
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test.each([
  ['longer', 'abcdef'],
  ['shorter', 'abc'],
])('an answer %s than its length is an abort for the client', async (_, body) => {
  const { client, request } = await startAnswer();
  request.answer(200, [['Content-Length', '5']]).end(body);
  expect(await client.waitForEnd()).toBe('reset');
  expect(await request.done).toMatchObject({ status: 200, error: { code: 'http_protocol_error', side: 'target' } });
});

test.each([
  ['chunked', '1.1'],
  ['until the end', '1.0'],
])('an answer that is destroyed is an abort for the client, and never an end (%s)', async (_, version) => {
  const { client, request } = await startAnswer(get('', `GET / HTTP/${version}`));
  const answer = request.answer(200, []);
  answer.write('half of it');
  await client.readUntil('half of it');
  answer.destroy();
  expect(await client.waitForEnd()).toBe('reset');
});

test('an answer with a field that cannot be written is not begun', async () => {
  const { client, request } = await startAnswer();
  expect(() => request.answer(200, [['X-A', 'b\r\nX-C: d']])).toThrow(/cannot be written/);
  expect(() => request.answer(200, [['Content-Length', '+1']])).toThrow(/length/);
  void request.respond(502, []);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 502 /);
});

test('a client that is reset in the middle of the answer ends it', async () => {
  const { client, request } = await startAnswer();
  const answer = request.answer(200, []);
  answer.write('x');
  await client.readUntil('x\r\n');
  client.reset();
  expect(await inTime('the end', request.done)).toMatchObject({ status: 200, error: { side: 'client' } });
  expect(answer.destroyed).toBe(true);
});

test('a client that does not read holds the answer up, and is idle', async () => {
  const bed = startRequestBed({ reading: false });
  bed.client.send(get());
  const request = await bed.take();
  const idle = new Promise<void>((resolve) => {
    request.watch({ idleMs: 50, onIdle: resolve, onAnswer: () => {} });
  });
  const answer = request.answer(200, []);
  let written = 0;
  while (answer.write(Buffer.alloc(10_000)) && written++ < 1000);
  expect(written).toBeLessThan(1000);
  await inTime('the idle limit', idle);
  request.cut(new Error('idle'));
  expect(answer.destroyed || (await eventually(() => answer.destroyed, true))).not.toBe(false);
});

test('interim answers go before the answer, to those who know them', async () => {
  const { client, request } = await startAnswer();
  request.inform(103, [['Link', '</a>']]);
  request.inform(100, []);
  void request.respond(200, []);
  request.inform(103, []);
  expect(await client.readUntil('Length: 0\r\n\r\n')).toBe(
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  );
  const old = await startAnswer(get('', 'GET / HTTP/1.0'));
  old.request.inform(103, []);
  void old.request.respond(200, []);
  expect(await old.client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
});

describe('a connection that is handed over', () => {
  test('for CONNECT has the early bytes first, and no request is read from it', async () => {
    const { client, request, count, serving } = await startAnswer(`CONNECT db:22 HTTP/1.1\r\nHost: db\r\n\r\n${next}`);
    const server = new RawPeer(request.upgrade(200, []));
    expect(await client.readHead()).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
    expect(await server.readUntil('\r\n\r\n')).toBe(next);
    expect(await request.done).toEqual({ status: 200 });
    await inTime('the end', serving);
    client.fin();
    expect([(await server.readToEnd()).length, count()]).toEqual([0, 1]);
  });

  test('for another protocol begins with 101', async () => {
    const { client, request } = await startAnswer(get('Connection: Upgrade\r\nUpgrade: WebSocket\r\n'));
    expect(request.upgradeTo).toBe('websocket');
    const server = new RawPeer(request.upgrade(200, [['Sec-WebSocket-Accept', 'x']]));
    expect(await client.readHead()).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    client.send('frame');
    expect(String(await server.read(5))).toBe('frame');
  });

  test.each([
    ['is h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'],
    ['is not in Connection', 'Upgrade: websocket\r\n'],
    ['has a body before it', 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n'],
  ])('is not when the protocol %s', async (_, fields) => {
    const { request } = await startAnswer(`${get(fields)}x`);
    expect(request.upgradeTo).toBeUndefined();
  });

  test('for two bodies has both of them', async () => {
    const { client, request } = await startAnswer(get('Transfer-Encoding: chunked\r\n', 'POST / HTTP/1.1'));
    const server = new RawPeer(request.stream(200, []));
    expect(await client.readHead()).toMatch(/\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n/);
    client.send('3\r\nabc\r\n');
    expect(String(await server.read(3))).toBe('abc');
    server.send('de');
    expect(await client.readUntil('de\r\n')).toBe('2\r\nde\r\n');
    client.send('0\r\n\r\n');
    server.fin();
    expect((await client.readToEnd()).toString()).toBe('0\r\n\r\n');
  });
});
