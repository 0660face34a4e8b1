import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { linesOf, startPlainBed, writeHead } from '../../support/harness/plain-bed.ts';
import { answerPaths } from '../../support/targets/plain.ts';
import { calmLimits } from '../../support/harness/app.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a request in absolute form', () => {
  test('goes on with the host of its target, and without the fields of its connection', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(
      writeHead(
        `GET ${bed.origin}/a?b=@c`,
        'Host: 169.254.169.254',
        'X-Z: 1',
        'Proxy-Authorization: Basic c2VjcmV0',
        'Proxy-Authenticate: Basic',
        'Proxy-Authentication-Info: x',
        'Proxy-Connection: keep-alive',
        'Connection: keep-alive, X-Named, TE',
        'X-Named: n',
        'Keep-Alive: 3',
        'TE: trailers',
        'HTTP2-Settings: x',
        'Upgrade: h2c',
        'Authorization: Basic b3JpZ2lu',
        'Via: 1.0 before',
        'Cookie: a=1',
      ),
    );
    const upstream = await bed.target.accept();
    expect(linesOf(await upstream.readHead())).toEqual([
      'GET /a?b=@c HTTP/1.1',
      `host: 127.0.0.1:${bed.target.port}`,
      'x-z: 1',
      'authorization: Basic b3JpZ2lu',
      'via: 1.0 before',
      'cookie: a=1',
      'via: 1.1 US',
    ]);
    upstream.send(
      [
        'HTTP/1.1 200 Fine',
        'Server: me',
        'Connection: X-Hop',
        'X-Hop: h',
        'Keep-Alive: timeout=5',
        'Proxy-Authenticate: Basic',
        'Proxy-Connection: close',
        'Via: 1.1 theirs',
        'Content-Length: 2',
        '',
        'ok',
      ].join('\r\n'),
    );
    expect(linesOf(await client.readHead())).toEqual([
      'HTTP/1.1 200 OK',
      'server: me',
      'via: 1.1 theirs',
      'content-length: 2',
      'date: NOW',
      'via: 1.1 US',
    ]);
    expect(String(await client.read(2))).toBe('ok');
    const facts = {
      target: `GET ${bed.origin}/a`,
      upstream: `127.0.0.1:${bed.target.port}`,
      status: 200,
      end: 'clean',
    };
    await eventually(
      () => bed.serve.eventsOf('tunnel.closed'),
      [expect.objectContaining({ ...facts, sent: 0, received: 2 })],
    );
  });

  test.each([
    ['GET', '', '/'],
    ['GET', '?x', '/?x'],
    ['OPTIONS', '', '*'],
    ['OPTIONS', '/', '/'],
    ['PROPFIND', '/a%20b;c', '/a%20b;c'],
  ])('%s of the target with %j asks for %s', async (method, rest, path) => {
    const bed = await startPlainBed();
    (await bed.connect()).send(writeHead(`${method} ${bed.origin}${rest}`));
    const head = await (await bed.target.accept()).readHead();
    expect(head.split('\r\n')[0]).toBe(`${method} ${path} HTTP/1.1`);
  });

  test('goes over one connection to its target, with many others of its client', async () => {
    const bed = await startPlainBed({}, answerPaths);
    const client = await bed.connect();
    for (let round = 0; round < 100; round++) {
      client.send(writeHead(`GET ${bed.origin}/${round}`));
      await client.readHead();
      expect(String(await client.read(`/${round}`.length))).toBe(`/${round}`);
    }
    expect(bed.target.accepted).toBe(1);
    await eventually(() => bed.serve.eventsOf('tunnel.closed').length, 100);
    client.fin();
    await eventually(() => bed.target.open, 0);
  });

  test('shares no connection with another client', async () => {
    const bed = await startPlainBed({}, answerPaths);
    for (const client of [await bed.connect(), await bed.connect()]) {
      client.send(writeHead(`GET ${bed.origin}/x`));
      await client.readHead();
    }
    expect(bed.target.accepted).toBe(2);
  });

  test('shares no connection with another user', async () => {
    const bed = await startPlainBed({ users: { single: { user: 'alice', password: 'right' } } }, answerPaths);
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/x`, `Proxy-Authorization: Basic ${btoa('alice:right')}`));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
    await client.read(2);
    client.send(writeHead(`GET ${bed.origin}/x`));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 407 /);
    expect(bed.target.accepted).toBe(1);
  });

  test('keeps few idle connections to many targets', async () => {
    const beds = await Promise.all(Array.from({ length: 12 }, () => startPlainBed({}, answerPaths)));
    const client = await beds[0]!.connect();
    for (const { origin } of beds) {
      client.send(writeHead(`GET ${origin}/x`));
      await client.readHead();
      await client.read(2);
    }
    await eventually(() => beds.reduce((sum, { target }) => sum + target.open, 0), 8);
  });
});

describe('bodies', () => {
  test('with a length go both ways', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(`${writeHead(`PUT ${bed.origin}/`, 'Content-Length: 5')}12345`);
    const upstream = await bed.target.accept();
    expect(await upstream.readHead()).toContain('\r\ncontent-length: 5\r\n');
    expect(String(await upstream.read(5))).toBe('12345');
    upstream.send(ok);
    expect(await client.readUntil('ok')).toContain('200 OK');
  });

  test('in chunks go both ways, with their trailers', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(
      `${writeHead(`POST ${bed.origin}/`, 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\nX-T: 1\r\nProxy-Authorization: x\r\n\r\n`,
    );
    const upstream = await bed.target.accept();
    expect(await upstream.readHead()).toContain('\r\ntransfer-encoding: chunked\r\n');
    expect(await upstream.readUntil('\r\n\r\n')).toBe('3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n');
    upstream.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-U: 2\r\n\r\n');
    expect(await client.readHead()).toContain('\r\nTransfer-Encoding: chunked\r\n');
    expect(await client.readUntil('\r\n\r\n')).toBe('2\r\nok\r\n0\r\nx-u: 2\r\n\r\n');
  });

  test('are asked for once the target is there, and interim answers go on', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(writeHead(`POST ${bed.origin}/`, 'Content-Length: 2', 'Expect: 100-continue'));
    expect(await client.readHead()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hi');
    const upstream = await bed.target.accept();
    expect(await upstream.readHead()).not.toMatch(/expect/i);
    upstream.send(
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Hop\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\n\r\n${ok}`,
    );
    expect(await client.readHead()).toBe('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
    expect(await client.readUntil('ok')).toContain('200 OK');
  });

  test.each([
    ['with a length', 'Content-Length: 10\r\n\r\nhalf'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('of answers that are cut %s never seem whole', async (_, rest) => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/`));
    const upstream = await bed.target.accept();
    await upstream.readHead();
    upstream.send(`HTTP/1.1 200 OK\r\n${rest}`);
    await client.readUntil('half');
    upstream.fin();
    expect(await client.waitForEnd()).toBe('reset');
    await eventually(
      () => bed.serve.eventsOf('tunnel.closed').map(({ end, side }) => [end, side]),
      [['reset', 'target']],
    );
  });

  test('of answers that end with their connection end in chunks, and a reset is no end', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/`));
    const upstream = await bed.target.accept();
    upstream.send('HTTP/1.0 200 OK\r\n\r\nall');
    upstream.fin();
    await client.readHead();
    expect(await client.readUntil('0\r\n\r\n')).toBe('3\r\nall\r\n0\r\n\r\n');
    client.send(writeHead(`GET ${bed.origin}/`));
    const next = await bed.target.accept();
    next.send('HTTP/1.0 200 OK\r\n\r\nhalf');
    await client.readUntil('half');
    next.reset();
    expect(await client.waitForEnd()).toBe('reset');
  });

  test('of a client that leaves never seem whole to the target', async () => {
    const bed = await startPlainBed();
    const client = await bed.connect();
    client.send(`${writeHead(`POST ${bed.origin}/`, 'Transfer-Encoding: chunked')}3\r\nabc\r\n`);
    const upstream = await bed.target.accept();
    await upstream.readUntil('\r\nabc');
    client.reset();
    expect(await upstream.waitForEnd()).toBe('reset');
  });
});

test('a change of protocol goes on, and outlives the connections that are kept', async () => {
  const bed = await startPlainBed();
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/chat`, 'Connection: Upgrade, X-Hop', 'Upgrade: Example/1', 'X-Hop: 1'));
  const upstream = await bed.target.accept();
  expect(linesOf(await upstream.readHead()).slice(2)).toEqual([
    'via: 1.1 US',
    'connection: upgrade',
    'upgrade: example/1',
  ]);
  upstream.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: example/1\r\n\r\nhello');
  expect(await client.readUntil('hello')).toMatch(/^HTTP\/1\.1 101 /);
  client.send('ping');
  expect(await upstream.readUntil('ping')).toBe('ping');
  // Longer than connections are given that are closed with the client's.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  upstream.send('pong');
  expect(await client.readUntil('pong')).toBe('pong');
  client.fin();
  expect(await upstream.waitForEnd()).toBe('fin');
  upstream.fin();
  expect(await client.waitForEnd()).toBe('fin');
  await eventually(
    () => bed.serve.eventsOf('tunnel.closed'),
    [expect.objectContaining({ status: 101, end: 'clean', sent: 4, received: 9 })],
  );
});

test('a request that moves nothing for the idle limit is 504', async () => {
  const bed = await startPlainBed({ limits: { ...calmLimits, idleMs: 200 } });
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/`));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 504 [^]*error=connection_read_timeout/);
});

test('a target that closes without an answer is 502, and one that is not there too', async () => {
  const bed = await startPlainBed({}, (socket) => socket.end());
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/`));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 502 [^]*error=http_response_incomplete/);
  const other = await bed.connect();
  other.send(writeHead('GET http://127.0.0.1:1/'));
  expect(await other.readHead()).toMatch(/^HTTP\/1\.1 502 [^]*error=connection_refused/);
});
