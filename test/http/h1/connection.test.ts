import { describe, expect, test } from 'vitest';
import { eventually, inTime } from '../../support/eventually.ts';
import { readBody, startRequestBed } from '../../support/harness/request-bed.ts';

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

test('gives a request with the peer that sent it', async () => {
  const { client, take } = startRequestBed();
  client.send(get('/x?y=1', 'X-A: b\r\n'));
  expect(await take()).toMatchObject({
    method: 'GET',
    target: '/x?y=1',
    authority: 'a.test',
    version: '1.1',
    scheme: 'http',
    headers: [
      ['host', 'a.test'],
      ['x-a', 'b'],
    ],
    contentLength: 0,
    isBodiless: true,
    peer: { address: { host: '192.0.2.1' } },
  });
});

test.each([
  ['GET http://b.test:81/p?q HTTP/1.1\r\nHost: a.test', 'b.test:81', '/p?q'],
  ['GET http://b.test HTTP/1.1\r\nHost: a.test', 'b.test', '/'],
  ['GET https://b.test?q HTTP/1.1\r\nHost: a.test', 'b.test', '/?q'],
  ['OPTIONS * HTTP/1.1\r\nHost: a.test', 'a.test', '*'],
  ['CONNECT db:22 HTTP/1.1\r\nHost: a.test', 'db:22', 'db:22'],
  ['GET / HTTP/1.0', '', '/'],
])('%s asks for the host %s and %s', async (head, authority, target) => {
  const { client, take } = startRequestBed();
  client.send(`${head}\r\n\r\n`);
  expect(await take()).toMatchObject({ authority, target });
});

test('serves a thousand requests on one connection, each with a body that is read', async () => {
  const { client, count } = startRequestBed({
    onRequest: (request) => {
      void readBody(request).then((body) => request.respond(200, [], `${request.target} ${body}`));
    },
  });
  for (let round = 0; round < 1000; round++) {
    const body = `body ${round}`;
    client.send(`POST /${round} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const answer = `/${round} ${body}`;
    expect(String(await client.read(answer.length))).toBe(answer);
  }
  expect(count()).toBe(1000);
});

test('looks at a pipelined request only when the answer and the body before it are over', async () => {
  const { client, take, count } = startRequestBed();
  client.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody${get('/2')}${get('/3')}`);
  const first = await take();
  expect(await readBody(first)).toBe('body');
  expect(count()).toBe(1);
  const answer = first.answer(200, [['Content-Length', '3']]);
  answer.write('on');
  await client.readUntil('\r\n\r\non');
  expect(count()).toBe(1);
  answer.end('e');
  const second = await take();
  expect([second.target, count()]).toEqual(['/2', 2]);
  void second.respond(200, [], 'two');
  void (await take()).respond(200, [], 'three');
  expect(await client.readUntil('three')).toMatch(/^e.*\r\n\r\ntwo.*\r\n\r\nthree$/s);
});

test('who pipelines and reads nothing is not served on and on', async () => {
  const { client, count } = startRequestBed({
    reading: false,
    onRequest: (request) => void request.respond(404, [['X-Pad', 'x'.repeat(1000)]]),
  });
  client.send(get('/').repeat(1000));
  let before = -1;
  await eventually(() => {
    const stands = count() === before;
    before = count();
    return stands && before > 0;
  }, true);
  expect(count()).toBeLessThan(200);
  client.stream.resume();
  await eventually(count, 1000);
});

test('a client that ends its half gets its answer, and the end', async () => {
  const { client, take, serving } = startRequestBed();
  client.send(get('/'));
  client.fin();
  void (await take()).respond(200, [], 'late');
  expect((await client.readToEnd()).toString()).toMatch(/\r\n\r\nlate$/);
  await inTime('the end', serving);
});

test.each([
  ['asks for it', get('/', 'Connection: close\r\n')],
  ['asks for it among other things', get('/', 'Connection: x, Close\r\n')],
  ['speaks HTTP/1.0', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
])('closes the connection after the answer when the client %s', async (_, request) => {
  const { client, take, count } = startRequestBed();
  client.send(request + get('/2'));
  void (await take()).respond(200, [], 'x');
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)?Connection: close\r\n.*x$/s);
  expect(count()).toBe(1);
});

test('closes the connection when the answer says so', async () => {
  const { client, take } = startRequestBed();
  client.send(get('/'));
  void (await take()).respond(408, [['Connection', 'close']]);
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/s);
});

test('a refused CONNECT is the last request', async () => {
  const { client, take, count } = startRequestBed();
  client.send(`CONNECT db:22 HTTP/1.1\r\nHost: db\r\n\r\n${get('/admin')}`);
  void (await take()).respond(403, []);
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(count()).toBe(1);
});

describe('a connection that waits for the next request', () => {
  const answerOnce = async (bed: ReturnType<typeof startRequestBed>) => {
    bed.client.send(get('/'));
    void (await bed.take()).respond(204, []);
    await bed.client.readHead();
  };

  test('is closed after a while', async () => {
    const bed = startRequestBed({ keepAliveMs: 30 });
    await answerOnce(bed);
    expect(await bed.client.waitForEnd()).toBe('fin');
  });

  test('is closed at once when we stop', async () => {
    const bed = startRequestBed();
    await answerOnce(bed);
    bed.drain();
    expect(await bed.client.waitForEnd()).toBe('fin');
  });

  test('gets a 408 when only half a head comes', async () => {
    const bed = startRequestBed({ headMs: 50 });
    await answerOnce(bed);
    bed.client.send('GET / HT');
    expect(await bed.client.readHead()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('may end without a word', async () => {
    const bed = startRequestBed();
    await answerOnce(bed);
    bed.client.fin();
    expect(await bed.client.waitForEnd()).toBe('fin');
    await inTime('the end', bed.serving);
  });
});

test('when we stop, the request that runs is answered and is the last', async () => {
  const { client, take, drain } = startRequestBed();
  client.send(get('/') + get('/2'));
  const request = await take();
  drain();
  void request.respond(200, [], 'last');
  expect((await client.readToEnd()).toString()).toMatch(/\r\nConnection: close\r\n.*last$/s);
});
