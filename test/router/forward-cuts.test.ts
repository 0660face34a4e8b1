import { expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { eventually } from '../support/eventually.ts';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import type { RawPeer } from '../support/peers/raw-peer.ts';
import { startTarget } from '../support/targets/plain.ts';

const get = head('GET / HTTP/1.1', 'Host: a');
const ok = head('HTTP/1.1 200 OK', 'content-length: 2') + 'ok';

/** Answers a request that was sent. */
async function answer(upstream: RawPeer, client: RawPeer): Promise<void> {
  await upstream.readHead();
  upstream.send(ok);
  await client.readUntil('ok');
}

const chunk = '3\r\nabc\r\n';

test.each([
  ['is shorter than its length', head('HTTP/1.1 200 OK', 'content-length: 9') + 'abc', 'fin'],
  ['is reset within its length', head('HTTP/1.1 200 OK', 'content-length: 9') + 'abc', 'reset'],
  ['has no last chunk', head('HTTP/1.1 200 OK', 'transfer-encoding: chunked') + chunk, 'fin'],
  [
    'has no last chunk and says that it closes',
    head('HTTP/1.1 200 OK', 'transfer-encoding: chunked', 'connection: close') + chunk,
    'fin',
  ],
  ['is reset where it ends with its connection', head('HTTP/1.1 200 OK') + 'abc', 'reset'],
  ['goes on with a broken chunk', head('HTTP/1.1 200 OK', 'transfer-encoding: chunked') + chunk, 'x\r\n'],
])('an answer that %s is cut for the client too', async (_, beginning, end) => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  const client = bed.connect();
  client.send(get);
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(beginning);
  await client.readUntil('abc');
  if (end === 'fin') upstream.fin();
  else if (end === 'reset') upstream.reset();
  else upstream.send(end);
  expect(await client.waitForEnd()).toBe('reset');
  await eventually(() => bed.ends.length, 1);
  expect(bed.ends[0]).toMatchObject({ status: 200, error: expect.any(Error) });
});

test.each([
  ['closes', 'fin', 503],
  ['resets', 'reset', 503],
  ['answers in another protocol', 'SSH-2.0-x\r\n', 502],
  ['frames its answer in two ways', head('HTTP/1.1 200 OK', 'content-length: 3', 'transfer-encoding: chunked'), 502],
  ['has two lengths', head('HTTP/1.1 200 OK', 'content-length: 3', 'content-length: 4'), 502],
  ['changes the protocol unasked', head('HTTP/1.1 101 Switching Protocols', 'connection: upgrade', 'upgrade: x'), 502],
  [
    'has too large a head',
    head('HTTP/1.1 200 OK', ...Array.from({ length: 20 }, (_, at) => `x-${at}: ${'v'.repeat(4000)}`)),
    502,
  ],
] as const)('where the upstream %s the client is told', async (_, said, status) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(get);
  const upstream = await target.accept();
  await upstream.readHead();
  if (said === 'fin') upstream.fin();
  else if (said === 'reset') upstream.reset();
  else upstream.send(said);
  expect(linesOf(await client.readHead())[0]).toMatch(`HTTP/1.1 ${status} `);
  await eventually(() => target.open, 0);
});

test('an upstream that is not there is 503, with the reason in Proxy-Status', async () => {
  const target = await startTarget();
  const dial = () =>
    Promise.reject(new TunlError('connection_refused', 'refused', { side: 'target', phase: 'connect' }));
  const client = startForwardBed({ target, dial }).connect();
  client.send(get);
  const lines = linesOf(await client.readHead());
  expect(lines[0]).toBe('HTTP/1.1 503 Service Unavailable');
  expect(lines).toContain('Proxy-Status: tunl; error=connection_refused');
});

test('a client that leaves ends its request with the upstream, before and after the answer began', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  for (const beginning of ['', head('HTTP/1.1 200 OK', 'content-length: 9') + 'abc']) {
    const client = bed.connect();
    client.send(get);
    const upstream = await target.accept();
    await upstream.readHead();
    upstream.send(beginning);
    if (beginning) await client.readUntil('abc');
    client.reset();
    expect(await upstream.waitForEnd()).toBe('reset');
  }
  await eventually(() => target.open, 0);
});

test('a body that the client cuts short never ends for the upstream', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}3\r\nabc\r\n`);
  const upstream = await target.accept();
  await upstream.readUntil('abc\r\n');
  client.fin();
  expect(await upstream.waitForEnd()).toBe('reset');
});

test('a connection is used again, for one request at a time', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  const [one, two] = [bed.connect(), bed.connect()];
  one.send(get);
  const first = await target.accept();
  await first.readHead();
  two.send(get);
  const second = await target.accept();
  await second.readHead();
  first.send(ok);
  await one.readUntil('ok');
  second.send(ok);
  await two.readUntil('ok');
  for (const client of [one, two]) {
    client.send(get);
    await answer(first, client);
  }
  expect(target.accepted).toBe(2);
});

test('requests of which the upstream shall see whose they are have connections of their own', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, sessions: 'per-request' }).connect();
  for (let turn = 1; turn <= 2; turn++) {
    client.send(get);
    const upstream = await target.accept();
    await answer(upstream, client);
    expect(await upstream.waitForEnd()).toBe('fin');
  }
});

test.each([
  ['ends', ''],
  ['speaks unasked', 'HTTP/1.1 408 Too Late\r\n\r\n'],
])('a connection on which the upstream %s is closed and not used again', async (_, last) => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(get);
  const first = await target.accept();
  await answer(first, client);
  if (last) first.send(last);
  else first.fin();
  expect(await first.waitForEnd()).toBe('fin');
  client.send(get);
  await answer(await target.accept(), client);
});

test.each([
  ['GET is sent again', get, 'again'],
  ['POST is not', head('POST / HTTP/1.1', 'Host: a'), 'refused'],
  ['PUT whose body has begun is not', head('PUT / HTTP/1.1', 'Host: a', 'content-length: 1') + 'x', 'refused'],
])('where a kept connection dies under it, a %s', async (_, request, outcome) => {
  const target = await startTarget();
  const bed = startForwardBed({ target });
  const client = bed.connect();
  client.send(get);
  const first = await target.accept();
  await answer(first, client);
  client.send(request);
  await first.readHead();
  first.fin();
  if (outcome === 'again') await answer(await target.accept(), client);
  else {
    expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 503 Service Unavailable');
    expect(target.accepted).toBe(1);
  }
});

test('a fresh connection that dies without an answer is not tried again', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect();
  client.send(get);
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.fin();
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 503 Service Unavailable');
  expect(target.accepted).toBe(1);
});
