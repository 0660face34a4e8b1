import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { HelloReader, peekServerName } from '../../src/tls/hello.ts';
import { makeHello } from '../support/hello.ts';

const signal = new AbortController().signal;

const readHello = (bytes: Buffer) => new HelloReader().read(bytes);

test('the name that a client asks for is read from its first bytes, however they are cut', async () => {
  const hello = await makeHello('Db.Example.com');
  expect(readHello(hello)).toEqual({ serverName: 'db.example.com' });
  for (let end = 0; end < hello.length; end++) expect(readHello(hello.subarray(0, end))).toBe('more');
  // The same message in three records.
  const body = hello.subarray(5);
  const cut = [body.subarray(0, 2), body.subarray(2, 60), body.subarray(60)].map((part) =>
    Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part]),
  );
  expect(readHello(Buffer.concat(cut))).toEqual({ serverName: 'db.example.com' });
});

test.each([
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\n')],
  ['a record that is no handshake', Buffer.of(23, 3, 3, 0, 1, 0)],
  ['a message that is no ClientHello', Buffer.of(22, 3, 3, 0, 4, 2, 0, 0, 0)],
  ['a ClientHello that is too short', Buffer.of(22, 3, 3, 0, 5, 1, 0, 0, 1, 3)],
  ['a version that is none', Buffer.of(22, 4)],
  ['an empty record', Buffer.of(22, 3, 1, 0, 0)],
])('%s names no server', (_what, bytes) => {
  expect(readHello(bytes)).toEqual({});
});

test('a client may name no server, and any bytes are read without failure', async () => {
  expect(readHello(await makeHello(''))).toEqual({});
  const odd = await makeHello('db.example.com');
  odd[odd.indexOf('db.example')] = 10;
  expect(readHello(odd)).toEqual({});
  const start = fc.constantFrom([], [22, 3, 1], [22, 3, 3, 0, 200, 1, 0, 0, 196]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const hello = readHello(Buffer.from([...head, ...rest]));
      expect(hello === 'more' || typeof hello === 'object').toBe(true);
    }),
  );
});

test('all bytes stay in the stream', async () => {
  const hello = await makeHello('db.example');
  const stream = new PassThrough();
  const found = peekServerName(stream, signal);
  stream.write(hello.subarray(0, 20));
  stream.write(Buffer.concat([hello.subarray(20), Buffer.from('more')]));
  expect(await found).toBe('db.example');
  stream.end();
  expect(Buffer.concat(await stream.toArray())).toEqual(Buffer.concat([hello, Buffer.from('more')]));
});

test.each([
  ['at once', true],
  ['after a while', false],
])('what a client sends before it ends in the middle of its hello stays in the stream: %s', async (_when, isAtOnce) => {
  const part = (await makeHello('db.example')).subarray(0, 60);
  const stream = new PassThrough();
  if (isAtOnce) stream.end(part);
  const found = peekServerName(stream, signal);
  if (!isAtOnce) {
    stream.write(part.subarray(0, 20));
    setImmediate(() => {
      stream.write(part.subarray(20));
      setImmediate(() => stream.end());
    });
  }
  expect(await found).toBeUndefined();
  expect(Buffer.concat(await stream.toArray())).toEqual(part);
});

test('a client that leaves names no server, and one that is too slow is given up', async () => {
  const gone = new PassThrough();
  gone.end();
  expect(await peekServerName(gone, signal)).toBeUndefined();
  const controller = new AbortController();
  const late = peekServerName(new PassThrough(), controller.signal);
  controller.abort(new TunlError('http_request_error', 'too slow'));
  await expect(late).rejects.toThrow('too slow');
});
