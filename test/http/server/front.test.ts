import { describe, expect, test } from 'vitest';
import { TunlError } from '../../../src/core/errors.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import { linkPair, resetError } from '../../../src/core/link.ts';
import { respondAndClose } from '../../../src/http/h1/refuse-head.ts';
import { serverSetup } from '../../../src/http/h2/setup.ts';
import { serveRequests } from '../../../src/http/server/front.ts';
import { inTime } from '../../support/eventually.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';

const http2 = {
  ...serverSetup,
  streamWindowBytes: 65_536,
  sessionWindowBytes: 131_072,
  maxStreams: 10,
  maxHeaderBytes: 16_384,
  pingMs: 0,
};
const never = new AbortController().signal;
const connectHead = 'CONNECT db:22 HTTP/1.1\r\nHost: db:22\r\n\r\n';

/** The options with which `serve` takes requests. */
const profileOf = (headMs: number) =>
  ({
    codec: 'auto',
    perConnection: 'one',
    translatable: false,
    http1: { headMs, keepAliveMs: 0, maxHeadBytes: 16 * 1024, maxLineBytes: 8 * 1024 },
    http2,
  }) as const;

/** A client at one end, the server's reading of its request at the other. */
function startExchange({ headMs = 5000, signal = never } = {}) {
  const [near, far] = linkPair({ first: { address: { kind: 'tcp', host: '192.0.2.1', port: 4711 } } });
  let serving = Promise.resolve();
  const reading = new Promise<Exchange>((resolve, reject) => {
    serving = serveRequests(near, profileOf(headMs), signal, resolve).catch(reject);
  });
  return { client: new RawPeer(far), link: near, reading, serving };
}

test('gives the request with the peer that sent it', async () => {
  const { client, reading } = startExchange();
  client.send('CONNECT db:22 HTTP/1.0\r\nX-A: b\r\n\r\n');
  expect(await reading).toMatchObject({
    method: 'CONNECT',
    target: 'db:22',
    version: '1.0',
    headers: [['x-a', 'b']],
    peer: { address: { host: '192.0.2.1', port: 4711 } },
    gone: { aborted: false },
  });
});

test('hands the rest of the connection over after the answer, early bytes first', async () => {
  const { client, reading } = startExchange();
  client.send(`${connectHead}early`);
  const upgraded = (await reading).upgrade(200, [['Via', '1.1 x']]);
  expect(await client.readHead()).toBe('HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n');
  const server = new RawPeer(upgraded);
  client.send(' and late');
  client.fin();
  expect((await server.readToEnd()).toString()).toBe('early and late');
});

test('answers in full and closes, and reads nothing that came after', async () => {
  const { client, link, reading, serving } = startExchange();
  client.send(`${connectHead}GET /admin HTTP/1.1\r\nHost: a\r\n\r\n`);
  const responding = (await reading).respond(403, [['X-A', 'b']], 'denied ü\n');
  const answer = (await client.readToEnd()).toString();
  expect(answer.split('\r\n')).toEqual([
    'HTTP/1.1 403 Forbidden',
    'X-A: b',
    'Content-Length: 10',
    'Content-Type: text/plain; charset=utf-8',
    'Connection: close',
    '',
    'denied ü\n',
  ]);
  client.fin();
  await inTime('the end of the answer', responding);
  await inTime('the end of the connection', serving);
  expect(link.stream.closed).toBe(true);
});

test('an answer without a body has no type', async () => {
  const { client, reading } = startExchange();
  client.send(connectHead);
  void (await reading).respond(503, []);
  expect((await client.readToEnd()).toString()).toBe(
    'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  );
});

describe('gone', () => {
  test('is aborted when the client is reset before the answer', async () => {
    const { client, reading } = startExchange();
    client.send(connectHead);
    const { gone } = await reading;
    client.reset();
    await inTime('the abort', new Promise((resolve) => gone.addEventListener('abort', resolve)));
    expect(gone.reason).toMatchObject({ code: 'connection_terminated', side: 'client' });
  });

  test('is not aborted by a client that ends its half, nor by the answer', async () => {
    const { client, reading } = startExchange();
    client.send(connectHead);
    client.fin();
    const exchange = await reading;
    await inTime('the answer', exchange.respond(403, []));
    expect(exchange.gone.aborted).toBe(false);
  });

  test('is not aborted by the end of the tunnel', async () => {
    const { client, reading } = startExchange();
    client.send(connectHead);
    const exchange = await reading;
    const { stream } = exchange.upgrade(200, []);
    await client.readHead();
    client.reset();
    await inTime('the end', new Promise((resolve) => stream.once('close', resolve)));
    expect(exchange.gone.aborted).toBe(false);
  });
});

describe('Host', () => {
  test.each([
    ['is missing in HTTP/1.1', '1.1', '', 400],
    ['may be missing in HTTP/1.0', '1.0', '', 200],
    ['stands twice', '1.1', 'Host: db:22\r\nhost: db:22\r\n', 400],
    ['stands twice in HTTP/1.0', '1.0', 'Host: db:22\r\nHost: db:22\r\n', 400],
    ['names something else', '1.1', 'Host: proxy.corp:3128\r\n', 200],
    ['has no port', '1.1', 'Host: db\r\n', 200],
    ['is an IPv6 address', '1.1', 'Host: [::1]:22\r\n', 200],
    ['is empty', '1.1', 'Host:\r\n', 200],
    ['holds a space', '1.1', 'Host: a b\r\n', 400],
    ['holds a slash', '1.1', 'Host: a/b\r\n', 400],
    ['holds user information', '1.1', 'Host: u@a\r\n', 400],
    ['holds bytes above 0x7f', '1.1', 'Host: \u00e4\r\n', 400],
  ])('%s in HTTP/%s', async (_, version, fields, status) => {
    const { client, reading } = startExchange();
    client.send(`CONNECT db:22 HTTP/${version}\r\n${fields}\r\n`);
    client.fin();
    const outcome = await reading.then(
      () => 200,
      (error: TunlError) => error.facts.status ?? 400,
    );
    expect(outcome).toBe(status);
    if (status === 400)
      expect(await client.readHead()).toMatch(
        /^HTTP\/1\.1 400 Bad Request\r\nProxy-Status: tunl; error=http_request_error\r\n/,
      );
  });
});

describe('what is no request', () => {
  test('is answered and closed', async () => {
    const { client, reading } = startExchange();
    const failure = expect(reading).rejects.toMatchObject({ code: 'http_request_error', side: 'client' });
    client.send('\u0005\u0001\u0000');
    expect((await client.readToEnd()).toString()).toMatch(
      /^HTTP\/1\.1 400 .*\r\n\r\ntunl: the request is not HTTP\/1\.1\n$/s,
    );
    client.fin();
    await inTime('the failure', failure);
  });

  test('is answered with 408 when it does not come, however busy the client is', async () => {
    const { client, reading } = startExchange({ headMs: 100 });
    const failure = expect(reading).rejects.toMatchObject({ code: 'http_request_error', facts: { status: 408 } });
    const drip = setInterval(() => client.send('A'), 20);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    clearInterval(drip);
    client.fin();
    await inTime('the failure', failure);
  });

  test('is not answered when the client has gone', async () => {
    const { client, reading } = startExchange();
    client.send('CONNECT');
    client.fin();
    await expect(reading).rejects.toMatchObject({ code: 'connection_terminated', side: 'client' });
    expect(await client.waitForEnd()).toBe('reset');
  });

  test('is not waited for once the server stops', async () => {
    const stop = new AbortController();
    const { client, reading } = startExchange({ signal: stop.signal });
    stop.abort(new TunlError('interrupted', 'stopping'));
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    expect(await client.waitForEnd()).toBe('reset');
  });
});

describe('a client that does not close after its answer', () => {
  test('is read from without end, but not without bound', async () => {
    const [near, far] = linkPair();
    const client = new RawPeer(far);
    const closing = respondAndClose(near, 400, [], '');
    await client.readToEnd();
    client.send(Buffer.alloc(256 * 1024 + 1));
    await inTime('the reset', closing);
    expect(near.stream.destroyed).toBe(true);
  });

  test('is reset after a while', async () => {
    const [near, far] = linkPair();
    const client = new RawPeer(far);
    await inTime('the reset', respondAndClose(near, 400, [], ''));
    expect([client.inbox.farEnd, near.stream.destroyed]).toEqual(['fin', true]);
  });

  test('is not waited for when it is gone already', async () => {
    const [near] = linkPair();
    near.reset(resetError('gone'));
    await inTime('the end', respondAndClose(near, 400, [], ''));
  });
});
