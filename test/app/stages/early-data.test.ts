import { describe, expect, test } from 'vitest';
import { makeHop, startTestServe } from '../../support/harness/app.ts';
import { startBlackhole } from '../../support/peers/blackhole.ts';
import { measureKept } from '../../support/bulk.ts';
import { fingerprint, makePayload } from '../../support/payload.ts';
import { startProxyBed } from '../../support/harness/proxy-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { startTarget } from '../../support/targets/plain.ts';

const connectTo = (port: number) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('bytes that come with the request', () => {
  test('are the first that the target gets, once', async () => {
    const bed = await startProxyBed();
    const client = await bed.connect();
    const hello = Buffer.from('16030100050100000100', 'hex');
    client.send(Buffer.concat([Buffer.from(connectTo(bed.target.port)), hello]));
    await client.readHead();
    client.send(' and more');
    client.fin();
    expect(await client.readToEnd()).toEqual(Buffer.concat([hello, Buffer.from(' and more')]));
  });

  test('may be a MiB: they wait until the tunnel is up, and most of them where they come from', async () => {
    const serve = await startTestServe();
    const target = await startTarget();
    const client = await connectPeer(serve.port);
    const payload = makePayload(1 << 20);
    client.send(connectTo(target.port));
    client.send(payload);
    const server = await target.accept();
    expect(fingerprint(await server.read(payload.length))).toBe(fingerprint(payload));
  });

  test('and an end with them are an end at the target', async () => {
    const serve = await startTestServe();
    const target = await startTarget();
    const client = await connectPeer(serve.port);
    client.send(`${connectTo(target.port)}all of it`);
    client.fin();
    const server = await target.accept();
    expect((await server.readToEnd()).toString()).toBe('all of it');
    server.send('answer');
    server.fin();
    await client.readHead();
    expect((await client.readToEnd()).toString()).toBe('answer');
  });

  test.each([
    ['a length', 'Content-Length: 5\r\n\r\nhello'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['both', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['a broken coding', 'Transfer-Encoding: xchunked\r\n\r\nhello'],
  ])('with %s are a body, which CONNECT has not: 400, and none of them goes anywhere', async (_, rest) => {
    const bed = await startProxyBed();
    const answer = await bed.ask(`CONNECT ${bed.authority} HTTP/1.1\r\nHost: a\r\n${rest}`);
    expect(answer.status).toBe(400);
    await bed.expectUnharmed();
  });

  test.each(['GET /admin HTTP/1.1', 'POST /upload HTTP/1.1', 'CONNECT AUTHORITY HTTP/1.1'])(
    'that look like %s are no request after one that was denied',
    async (line) => {
      const bed = await startProxyBed({ deny: ['denied.test'] });
      const second = `${line.replace('AUTHORITY', bed.authority)}\r\nHost: a\r\n\r\n`;
      const { status } = await bed.ask(`CONNECT denied.test:443 HTTP/1.1\r\nHost: a\r\n\r\n${second}`);
      expect(status).toBe(403);
      expect(bed.serve.eventsOf('tunnel.failed')).toHaveLength(1);
      await bed.expectUnharmed();
    },
  );
});

describe('through a further proxy', () => {
  /** Our `serve`, which goes on through a proxy that the test plays. */
  async function startChain() {
    const parent = await startTarget();
    const serve = await startTestServe({ hops: [makeHop('http', parent.port)] });
    const client = await connectPeer(serve.port);
    client.send('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test\r\n\r\nearly');
    const proxy = await parent.accept();
    return { serve, client, proxy, request: await proxy.readHead() };
  }

  test('the request is ours: the target, our name and Via, nothing of the client', async () => {
    const { request } = await startChain();
    expect(request.split('\r\n')).toEqual([
      'CONNECT db.test:5432 HTTP/1.1',
      'Host: db.test:5432',
      expect.stringMatching(/^User-Agent: tunl\//),
      expect.stringMatching(/^Via: 1\.1 tunl-[0-9a-f]{8}$/),
      '',
      '',
    ]);
  });

  test.each([
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  ])('early bytes wait for its yes, which may be %j', async (yes) => {
    const { client, proxy } = await startChain();
    expect(proxy.inbox.size).toBe(0);
    proxy.send(`${yes}greeting`);
    expect(await client.readHead()).toBe('HTTP/1.1 200 Connection established\r\nTunl-Half-Close: 1\r\n\r\n');
    expect(await client.readUntil('greeting')).toBe('greeting');
    expect(await proxy.readUntil('early')).toBe('early');
  });

  test.each([
    ['407', 'HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="inner"\r\nContent-Length: 0\r\n\r\n', 502],
    ['403', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ninner\n', 502],
    ['302', 'HTTP/1.1 302 Found\r\nLocation: http://inner/\r\nContent-Length: 0\r\n\r\n', 502],
    [
      '504 and what it means',
      'HTTP/1.1 504 Timeout\r\nProxy-Status: inner; error=connection_timeout\r\nContent-Length: 0\r\n\r\n',
      504,
    ],
    ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 502],
    ['noise', '\u0000\u0001\u0002', 502],
  ])('its answer of %s is our own refusal, and early bytes are dropped', async (_, no, status) => {
    const { client, proxy } = await startChain();
    proxy.send(no);
    const answer = (await client.readToEnd()).toString();
    client.fin();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).not.toMatch(/inner|Proxy-Authenticate|Location/);
    await proxy.waitForEnd();
    expect(proxy.inbox.size).toBe(0);
  });

  test('a request that has been here before is refused', async () => {
    const { serve, client, request } = await startChain();
    const via = /^Via: .*$/m.exec(request)?.[0] ?? '';
    const again = await connectPeer(serve.port);
    again.send(`CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test\r\n${via}\r\n\r\n`);
    expect(await again.readHead()).toMatch(/^HTTP\/1\.1 502 .*\r\nProxy-Status: tunl; error=proxy_loop_detected\r\n/);
    again.fin();
    client.reset();
  });
});

test('early bytes of a dial that goes on and on stay bounded', async () => {
  const hole = await startBlackhole();
  const serve = await startTestServe();
  const client = await connectPeer(serve.port);
  client.send(connectTo(hole.address.port));
  expect(await measureKept(client.stream)).toBeLessThan(16 << 20);
});
