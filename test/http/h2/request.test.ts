import { constants } from 'node:http2';
import { expect, test } from 'vitest';
import { eventually, inTime } from '../../support/eventually.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../support/peers/h2-peer.ts';
import { readStream, startSession } from '../../support/harness/h2-request-bed.ts';
import { readBody, startRequestBed } from '../../support/harness/request-bed.ts';

test('a stream is a request, with its body and its trailers', async () => {
  const { session, take } = startSession();
  const stream = session.request(
    { ':method': 'POST', ':authority': 'a.test', ':path': '/x?y', 'x-a': 'b' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
  stream.write('one ');
  stream.end('two');
  const request = await take();
  expect(request).toMatchObject({
    method: 'POST',
    target: '/x?y',
    authority: 'a.test',
    version: '2',
    scheme: 'http',
    isBodiless: false,
    contentLength: undefined,
    headers: [['x-a', 'b']],
  });
  expect(await readBody(request)).toBe('one two');
  expect(request.trailers()).toEqual([['x-sum', '1']]);
  const answer = request.answer(201, [
    ['X-B', 'c'],
    ['Transfer-Encoding', 'chunked'],
  ]);
  answer.write('three');
  answer.setTrailers([['x-end', '2']]);
  answer.end();
  const { head, body, trailers } = await readStream(stream);
  expect(head).toMatchObject({ ':status': 201, 'x-b': 'c' });
  expect(head).not.toHaveProperty('transfer-encoding');
  expect([body, trailers]).toMatchObject(['three', { 'x-end': '2' }]);
  expect(await inTime('the end', request.done)).toEqual({ status: 201 });
  expect([request.sent, request.received]).toEqual([7, 5]);
});

test.each([
  ['GET', 204, ''],
  ['GET', 304, ''],
  ['HEAD', 200, ''],
  ['GET', 200, 'hello'],
])('the answer to %s with %i has the body %j', async (method, status, body) => {
  const { session, take } = startSession();
  const stream = session.request({ ':method': method, ':path': '/' });
  const request = await take();
  expect([request.isBodiless, request.contentLength]).toEqual([true, 0]);
  request.answer(status, []).end('hello');
  expect(await readStream(stream)).toMatchObject({ head: { ':status': status }, body });
  expect(await inTime('the end', request.done)).toEqual({ status });
});

test('an answer before the end of the body tells the client to stop, trailers and all', async () => {
  const { session, take } = startSession();
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  stream.write('begin');
  const request = await take();
  const answer = request.answer(413, []);
  answer.write('too much');
  answer.setTrailers([['x-end', '1']]);
  answer.end();
  const { head, body, trailers, error } = await readStream(stream);
  expect([head[':status'], body, trailers, error]).toMatchObject([413, 'too much', { 'x-end': '1' }, undefined]);
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  expect(await inTime('the end', request.done)).toEqual({ status: 413 });
});

const { NGHTTP2_NO_ERROR: NO_ERROR, NGHTTP2_PROTOCOL_ERROR: PROTOCOL_ERROR, NGHTTP2_CANCEL: CANCEL } = constants;

test.each<[string, readonly number[], (peer: Http2Peer, stream: number) => void]>([
  ['does not end is told to stop', [NO_ERROR], () => {}],
  ['ends soon is not reset', [], (peer, stream) => peer.send('data', stream, 'rest', flags.endStream)],
  [
    'has trailers without its end is a fault',
    [PROTOCOL_ERROR],
    (peer, stream) => peer.sendFields(stream, [['x-a', '1']]),
  ],
  ['is taken back has had its answer', [], (peer, stream) => peer.reset(stream, CANCEL)],
])('a body after the answer that %s', async (_, expected, proceed) => {
  const { client, take } = startRequestBed();
  const peer = new Http2Peer(client);
  peer.start();
  const stream = peer.request([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  ]);
  const request = await take();
  request.answer(405, []).end('no');
  expect(await peer.endOf(stream)).toBe('end');
  proceed(peer, stream);
  expect(await inTime('the end', request.done)).toEqual({ status: 405 });
  const resets: number[] = [];
  peer.send('ping', 0, Buffer.alloc(8));
  await peer.until('the answer to PING', ({ type, payload }) => {
    if (type === 'reset') resets.push(payload.readUInt32BE(0));
    return type === 'ping';
  });
  expect(resets).toEqual(expected);
});

test('a body that is reset fails, and so does the request', async () => {
  const { session, take } = startSession();
  // Else Node sends an end before the reset.
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
  stream.on('error', () => {});
  stream.write('begin');
  const request = await take();
  const reading = readBody(request);
  await eventually(() => request.sent, 5);
  stream.close(constants.NGHTTP2_CANCEL);
  await expect(reading).rejects.toMatchObject({ code: 'http_request_error', side: 'client' });
  expect(await inTime('the end', request.done)).toMatchObject({ error: { code: 'connection_terminated' } });
  expect(request.gone.aborted).toBe(true);
});

test.each([
  ['longer', '6'],
  ['shorter', '4'],
])('a body that is not as long as its content-length of %s fails', async (_, length) => {
  const { session, take } = startSession();
  const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': length });
  stream.on('error', () => {});
  const request = await take();
  const reading = readBody(request);
  stream.end('hello');
  await expect(reading).rejects.toMatchObject({ code: 'http_request_error' });
});

test('an answer that is cut is no end for the client', async () => {
  const { session, take } = startSession();
  const stream = session.request({ ':path': '/' });
  const request = await take();
  const answer = request.answer(200, []);
  answer.write('half');
  await inTime('the first half', new Promise((resolve) => stream.once('data', resolve)));
  answer.destroy();
  const { error } = await readStream(stream);
  expect(error).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

test('a session that is lost in the middle of an answer ends it', async () => {
  const { session, take } = startSession();
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => {});
  const request = await take();
  const answer = request.answer(200, []);
  answer.write('half');
  session.destroy();
  expect(await inTime('the end', request.done)).toMatchObject({ status: 200, error: { side: 'client' } });
  await eventually(() => answer.destroyed, true);
});

test('a client that does not read holds the answer up', async () => {
  const { session, take } = startSession();
  const stream = session.request({ ':path': '/' });
  stream.pause();
  const request = await take();
  const answer = request.answer(200, []);
  let written = 0;
  while (answer.write(Buffer.alloc(10_000)) && written < 10_000_000) written += 10_000;
  expect(written).toBeLessThan(10_000_000);
});

test('interim answers go before the answer, 100 when the body is read', async () => {
  const { session, take } = startSession();
  const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' });
  const interim: unknown[] = [];
  stream.on('headers', (fields) => interim.push(fields[':status']));
  stream.on('continue', () => interim.push('continue'));
  const request = await take();
  request.inform(103, [['link', '</a>']]);
  const reading = readBody(request);
  await eventually(() => interim.length > 1, true);
  stream.end('x');
  await reading;
  request.answer(200, []).end();
  await readStream(stream);
  expect(interim).toContain(103);
  expect(interim).toContain('continue');
});

test('a hundred streams at once are a hundred requests', async () => {
  const { session, count } = startSession({
    onRequest: (request) => void readBody(request).then((body) => request.respond(200, [], body)),
  });
  const answers = Array.from({ length: 100 }, (_, index) => {
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end(`body ${index}`);
    return readStream(stream);
  });
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(answers.map((_, index) => `body ${index}`));
  expect(count()).toBe(100);
});

test('when we stop, the session takes no more streams and ends behind the last', async () => {
  const { session, take, drain, serving } = startSession();
  const stream = session.request({ ':path': '/' });
  const request = await take();
  const goaway = new Promise((resolve) => session.once('goaway', resolve));
  drain();
  await inTime('GOAWAY', goaway);
  request.answer(200, []).end('last');
  expect(await readStream(stream)).toMatchObject({ body: 'last' });
  await inTime('the end', serving);
});

test('a client that has ended its connection and still reads sees an end in good order', async () => {
  const { client, serving } = startRequestBed();
  const peer = new Http2Peer(client);
  peer.start();
  client.fin();
  expect(await client.waitForEnd()).toBe('fin');
  await inTime('the end', serving);
});
