import { expect, test } from 'vitest';
import { type Pour, pour } from '../support/bulk.ts';
import { eventually, waitForStall } from '../support/eventually.ts';
import { head, linesOf, startForwardBed } from '../support/harness/forward-bed.ts';
import { startHttp2Origin } from '../support/peers/h2-origin.ts';
import { fingerprint } from '../support/payload.ts';
import { type Behaviour, startTarget } from '../support/targets/plain.ts';

const get = head('GET / HTTP/1.1', 'Host: a');

test('an upstream that does not answer in time is 504, counted from the end of the request', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target, timeoutMs: 30 }).connect();
  client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 3')}ab`);
  const upstream = await target.accept();
  await upstream.readUntil('\r\nab');
  expect(upstream.inbox.farEnd).toBe('open');
  client.send('c');
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 504 Gateway Timeout');
  expect(await upstream.waitForEnd()).toBe('reset');
});

test('an answer that is not over in time is cut', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, timeoutMs: 60 });
  const client = bed.connect();
  client.send(get);
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 200 OK', 'content-length: 9') + 'abc');
  await client.readUntil('abc');
  expect(await client.waitForEnd()).toBe('reset');
  expect(await upstream.waitForEnd()).toBe('reset');
  await eventually(
    () => bed.ends.map(({ error }) => error),
    [expect.objectContaining({ code: 'http_response_timeout' })],
  );
});

test('a CONNECT is limited until it is answered, and not afterwards', async () => {
  const target = await startTarget();
  const bed = startForwardBed({ target, timeoutMs: 1000, upgrades: ['connect'] });
  const [one, two] = [bed.connect(), bed.connect()];
  const connect = head('CONNECT db:5 HTTP/1.1', 'Host: db:5');
  one.send(connect);
  const open = await target.accept();
  await open.readHead();
  open.send(head('HTTP/1.1 200 OK'));
  await one.readHead();
  two.send(connect);
  // Once the time of the second request has run out, the first has been open for longer.
  expect(linesOf(await two.readHead())[0]).toBe('HTTP/1.1 504 Gateway Timeout');
  open.send('still here');
  expect(String(await one.read(10))).toBe('still here');
});

/** Far more than the buffers of the system and ours may hold together. */
const floodBytes = 200_000_000;
const keptBytes = 20_000_000;

test('keeps little of an answer that its client does not read, over HTTP/1.1', async () => {
  const target = await startTarget();
  const client = startForwardBed({ target }).connect({ reading: false });
  client.send(get);
  const upstream = await target.accept();
  await upstream.readHead();
  upstream.send(head('HTTP/1.1 200 OK', `content-length: ${floodBytes}`));
  const flood = pour(upstream.stream, floodBytes);
  await waitForStall(() => flood.offered);
  expect(flood.offered).toBeLessThan(keptBytes);
  client.reset();
  await eventually(() => target.open, 0);
});

test('keeps little of an answer that its client does not read, over HTTP/2', async () => {
  let flood: Pour | undefined;
  const target = await startHttp2Origin((stream) => {
    stream.respond({ ':status': 200 });
    flood = pour(stream, floodBytes);
  });
  const client = startForwardBed({ target, version: 'http2' }).connect({ reading: false });
  client.send(get);
  await waitForStall(() => flood?.offered ?? 0);
  expect(flood?.offered).toBeLessThan(keptBytes);
  client.reset();
});

test.each(['http1', 'http2'] as const)(
  'keeps little of a request that its upstream does not read, over %s',
  async (version) => {
    const target =
      version === 'http1' ? await startTarget((socket) => socket.pause()) : await startHttp2Origin(() => {});
    const client = startForwardBed({ target, version }).connect();
    client.send(head('POST / HTTP/1.1', 'Host: a', `content-length: ${floodBytes}`));
    const flood = pour(client.stream, floodBytes);
    await waitForStall(() => flood.offered);
    expect(flood.offered).toBeLessThan(keptBytes);
    client.reset();
  },
);

const bodyBytes = 50_000_000;

/** Answers a request with its own body. */
const mirror: Behaviour = (socket) => {
  socket.once('data', (chunk) => {
    const end = chunk.indexOf('\r\n\r\n') + 4;
    socket.write(head('HTTP/1.1 200 OK', `content-length: ${bodyBytes}`));
    socket.unshift(chunk.subarray(end));
    socket.pipe(socket, { end: false });
  });
};

test.each(['http1', 'http2'] as const)('carries 50 MB each way at the same time, over %s', async (version) => {
  const target =
    version === 'http1'
      ? await startTarget(mirror)
      : await startHttp2Origin((stream) => {
          stream.respond({ ':status': 200, 'content-length': String(bodyBytes) });
          stream.pipe(stream);
        });
  const client = startForwardBed({ target, version }).connect();
  client.send(head('POST / HTTP/1.1', 'Host: a', `content-length: ${bodyBytes}`));
  const sent = pour(client.stream, bodyBytes);
  expect(linesOf(await client.readHead())[0]).toBe('HTTP/1.1 200 OK');
  expect(fingerprint(await client.read(bodyBytes))).toBe(await sent.done);
});
