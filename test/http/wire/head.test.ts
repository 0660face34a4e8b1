import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Link, linkPair, resetError } from '../../../src/core/link.ts';
import { HeadError, readHead, requestHeadError } from '../../../src/http/wire/head.ts';

const maxHeadBytes = 16 * 1024;
const never = new AbortController().signal;

/** Sends the pieces one by one, each in its own write. */
function send(pieces: readonly Buffer[]): Link {
  const [near, far] = linkPair();
  for (const piece of pieces) far.stream.write(piece);
  return near;
}

function readText(text: string, limit = maxHeadBytes): Promise<Buffer> {
  return readHead(send([Buffer.from(text, 'latin1')]).stream, limit, never);
}

async function faultOf(reading: Promise<unknown>): Promise<unknown> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof HeadError ? error.fault : error;
}

/** Cuts bytes into pieces at the given places. */
function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

async function readRest(link: Link, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const chunk = link.stream.read() as Buffer | null;
    if (chunk) size += chunks.push(chunk) && chunk.length;
    else await new Promise((resolve) => link.stream.once('readable', resolve));
  }
  return Buffer.concat(chunks);
}

const head = 'HTTP/1.1 200 OK\r\nServer: x\r\nX-Empty:\r\n\r\n';

test('leaves everything after the head in the stream', async () => {
  const link = send([Buffer.from(`${head}SSH-2.0-x\r\n`)]);
  expect((await readHead(link.stream, maxHeadBytes, never)).toString()).toBe(head);
  expect((await readRest(link, 11)).toString()).toBe('SSH-2.0-x\r\n');
});

test('reads two heads from one stream, one after the other', async () => {
  const link = send([Buffer.from(`HTTP/1.1 103 Early Hints\r\n\r\n${head}`)]);
  expect((await readHead(link.stream, maxHeadBytes, never)).toString()).toBe('HTTP/1.1 103 Early Hints\r\n\r\n');
  expect((await readHead(link.stream, maxHeadBytes, never)).toString()).toBe(head);
});

test('reads the same head and keeps the same rest however the bytes are split', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.array(fc.nat(), { maxLength: 12 }), async (rest, places) => {
      const bytes = Buffer.concat([Buffer.from(head), rest]);
      const link = send(split(bytes, places).filter((piece) => piece.length > 0));
      expect((await readHead(link.stream, maxHeadBytes, never)).toString()).toBe(head);
      expect(await readRest(link, rest.length)).toEqual(Buffer.from(rest));
    }),
  );
});

test('judges any bytes alike however they are split', async () => {
  const near = fc.stringMatching(/^[A-C\r\n\t :]{0,40}$/).map((text) => Buffer.from(text));
  const bytes = fc.oneof(
    near,
    fc.uint8Array({ maxLength: 60 }).map((raw) => Buffer.from(raw)),
  );
  const judge = async (pieces: readonly Buffer[]) => {
    const [link, far] = linkPair();
    for (const piece of pieces) far.stream.write(piece);
    far.stream.end();
    const reading = readHead(link.stream, 32, never);
    return reading.then(
      (found) => found.toString('latin1'),
      (error: HeadError) => error.fault,
    );
  };
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 8 }), async (whole, places) => {
      const pieces = split(whole, places).filter((piece) => piece.length > 0);
      expect(await judge(pieces)).toBe(await judge(whole.length > 0 ? [whole] : []));
    }),
  );
});

test.each([
  ['a bare LF', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['a bare LF at the end of the head', 'GET / HTTP/1.1\r\n\n'],
  ['a bare CR', 'GET / HTTP/1.1\rHost: a\r\n\r\n'],
  ['two CR', 'GET / HTTP/1.1\r\r\n\r\n'],
  ['CR LF CR and something else', '\r\n\rX'],
  ['NUL in a value', 'GET / HTTP/1.1\r\nA: \u0000\r\n\r\n'],
  ['an escape character', 'GET / HTTP/1.1\r\nA: \u001b[0m\r\n\r\n'],
  ['DEL', 'GET / HTTP/1.1\r\nA: \u007f\r\n\r\n'],
  ['a TLS record', '\u0016\u0003\u0001\u0002\u0000'],
  ['a SOCKS5 greeting', '\u0005\u0001\u0000'],
  ['a first byte that starts no method', '{"a":1}'],
  ['a space first', ' GET / HTTP/1.1\r\n\r\n'],
  ['five empty lines', '\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
])('says at once that %s is not HTTP', async (_, text) => {
  // The stream stays open: the verdict must not wait for more.
  expect(await faultOf(readText(text))).toBe('not_http');
});

describe('a head that must begin with HTTP/1.', () => {
  const read = (text: string) =>
    readHead(send([Buffer.from(text, 'latin1')]).stream, maxHeadBytes, never, { prefix: 'HTTP/1.' });

  test.each(['SSH-2.0-OpenSSH_9.2\r\n', '220 smtp ready\r\n', 'H', 'HTTP/2', 'HTTX', 'HTTP\r\n'])(
    'is not waited for after %j, unless that may be its beginning',
    async (text) => {
      if (text !== 'H') return expect(await faultOf(read(text))).toBe('not_http');
      const stop = new AbortController();
      const reading = readHead(send([Buffer.from(text)]).stream, maxHeadBytes, stop.signal, { prefix: 'HTTP/1.' });
      await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      return expect(reading).rejects.toMatchObject({ code: 'interrupted' });
    },
  );

  test('is read with empty lines before it', async () => {
    expect((await read(`\r\n${head}`)).toString()).toBe(`\r\n${head}`);
  });
});

test.each([
  ['one empty line', '\r\n'],
  ['two empty lines', '\r\n\r\n'],
])('takes %s before the first line', async (_, lead) => {
  expect((await readText(lead + head)).toString()).toBe(lead + head);
});

describe('limits', () => {
  test.each([
    { what: 'a first line of 8192 bytes', text: 'x'.repeat(8192), fault: undefined },
    { what: 'a first line of 8193 bytes', text: 'x'.repeat(8193), fault: 'line_too_long' },
    { what: 'another line of 8192 bytes', text: `GET /\r\n${'x'.repeat(8192)}`, fault: undefined },
    { what: 'another line of 8193 bytes', text: `GET /\r\n${'x'.repeat(8193)}`, fault: 'too_large' },
  ])('$what: $fault', async ({ text, fault }) => {
    expect(await faultOf(readText(`${text}\r\n\r\n`))).toBe(fault);
  });

  test('a head of exactly the limit is read, one byte more is not', async () => {
    const exact = `GET /\r\n${'A: b\r\n'.repeat(4)}\r\n`;
    expect(await readText(exact, exact.length)).toHaveLength(exact.length);
    expect(await faultOf(readText(exact, exact.length - 1))).toBe('too_large');
  });

  test('the verdict comes before the head ends', async () => {
    expect(await faultOf(readText(`GET /\r\n${'A: b\r\n'.repeat(4000)}`))).toBe('too_large');
  });
});

describe('a stream that ends in the middle', () => {
  test('is told with what had come', async () => {
    const [near, far] = linkPair();
    const reading = readHead(near.stream, maxHeadBytes, never);
    far.stream.end('HTTP/1.1 2');
    await expect(reading).rejects.toMatchObject({ fault: 'closed', received: Buffer.from('HTTP/1.1 2') });
  });

  test('by a reset is told with its cause', async () => {
    const [near, far] = linkPair();
    const reading = readHead(near.stream, maxHeadBytes, never);
    far.reset(resetError('gone'));
    await expect(reading).rejects.toMatchObject({ fault: 'closed', cause: { code: 'ECONNRESET' } });
  });

  test('before it was read is told too', async () => {
    const [near, far] = linkPair();
    far.reset(resetError('gone'));
    await new Promise((resolve) => near.stream.once('close', resolve));
    expect(await faultOf(readHead(near.stream, maxHeadBytes, never))).toBe('closed');
  });
});

test('stops at the signal with its reason, leaves no listener and reads no further', async () => {
  const [near, far] = linkPair();
  const listeners = () => near.stream.eventNames().map((name) => [name, near.stream.listenerCount(name)]);
  const before = listeners();
  const abort = new AbortController();
  const reading = readHead(near.stream, maxHeadBytes, abort.signal);
  abort.abort(new Error('enough'));
  await expect(reading).rejects.toMatchObject({ code: 'interrupted', cause: { message: 'enough' } });
  expect(listeners()).toEqual(before);
  far.stream.write('x');
  expect(near.stream.isPaused()).toBe(true);
});

test.each([
  ['closed', 'connection_terminated', undefined],
  ['line_too_long', 'http_request_error', 414],
  ['too_large', 'http_request_error', 431],
  ['not_http', 'http_request_error', undefined],
] as const)('answers a client whose head is %s', (fault, code, status) => {
  const error = requestHeadError(new HeadError(fault, Buffer.alloc(0)));
  expect([error.code, error.side, error.phase, error.facts.status]).toEqual([code, 'client', 'request', status]);
});
