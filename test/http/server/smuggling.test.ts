import { describe, expect, test } from 'vitest';
import { startRequestBed } from '../../support/harness/request-bed.ts';

const second = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

/** Sends a head with bytes behind it, and returns the status and the number of requests that came through. */
async function ask(head: string, rest = second): Promise<{ status: number; requests: number; end: string }> {
  const { client, count } = startRequestBed({ onRequest: (request) => void request.respond(200, []) });
  client.send(`${head}\r\n\r\n${rest}`);
  const answer = (await client.readToEnd()).toString('latin1');
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
  expect(statuses).toHaveLength(1);
  return { status: statuses[0] ?? 0, requests: count(), end: 'fin' };
}

// Requests that two readers could read in two different ways.
describe('refused with 400 and the end of the connection, nothing behind it is read', () => {
  test.each([
    ['Content-Length and Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['Transfer-Encoding and Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['identity behind chunked', 'Transfer-Encoding: chunked, identity'],
    ['chunked twice', 'Transfer-Encoding: chunked, chunked'],
    ['gzip before chunked', 'Transfer-Encoding: gzip, chunked'],
    ['two Transfer-Encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['an empty Transfer-Encoding', 'Transfer-Encoding:'],
    ['chunked in quotes', 'Transfer-Encoding: "chunked"'],
    ['a vertical tab', 'Transfer-Encoding: \u000bchunked'],
    ['a signed length', 'Content-Length: +5'],
    ['a negative length', 'Content-Length: -5'],
    ['a length twice in one field', 'Content-Length: 5, 5'],
    ['two lengths in one field', 'Content-Length: 5, 6'],
    ['two equal lengths', 'Content-Length: 5\r\nContent-Length: 5'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['a hexadecimal length', 'Content-Length: 0x5'],
    ['a length with a leading zero', 'Content-Length: 05'],
    ['a length with a fraction', 'Content-Length: 5.0'],
    ['a length beyond all numbers', 'Content-Length: 99999999999999999999'],
    ['an empty length', 'Content-Length:'],
    ['a folded line', 'X: a\r\n b'],
    ['a folded Transfer-Encoding', 'Transfer-Encoding:\r\n chunked'],
    ['a line without a colon', 'chunked'],
    ['a field without a name', ': x'],
    ['a second Host', 'Host: b'],
    ['a NUL', 'X: a\u0000b'],
    ['a bare LF', 'X: a\nY: b'],
    ['a bare CR', 'X: a\rY: b'],
  ])('%s', async (_, fields) => {
    expect(await ask(`POST / HTTP/1.1\r\nHost: a\r\n${fields}`)).toMatchObject({ status: 400, requests: 0 });
  });

  test.each([
    ['no Host', 'GET / HTTP/1.1'],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a'],
    ['a path without its slash', 'GET a HTTP/1.1\r\nHost: a'],
    ['an authority for GET', 'GET a:80 HTTP/1.1\r\nHost: a'],
    ['user information', 'GET http://u@a/ HTTP/1.1\r\nHost: a'],
    ['an empty host', 'GET http:///x HTTP/1.1\r\nHost: a'],
    ['another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a'],
    ['* for GET', 'GET * HTTP/1.1\r\nHost: a'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: a'],
    ['a tab instead of a space', 'GET\t/ HTTP/1.1\r\nHost: a'],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked'],
    ['CONNECT with a length', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5'],
    ['CONNECT with chunks', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked'],
    ['CONNECT without a port', 'CONNECT a HTTP/1.1\r\nHost: a'],
    ['CONNECT with an empty port', 'CONNECT a: HTTP/1.1\r\nHost: a'],
    ['CONNECT with a port that is none', 'CONNECT a:65536 HTTP/1.1\r\nHost: a'],
    ['CONNECT of a path', 'CONNECT /x HTTP/1.1\r\nHost: a'],
    ['CONNECT of a URL', 'CONNECT http://a:1/ HTTP/1.1\r\nHost: a'],
  ])('%s', async (_, head) => {
    expect(await ask(head)).toMatchObject({ status: 400, requests: 0 });
  });

  test('bytes that are no HTTP', async () => {
    expect(await ask('\u0016\u0003\u0001')).toMatchObject({ status: 400, requests: 0 });
  });

  test('a broken second request is refused as well, and the first is answered', async () => {
    const { client, count } = startRequestBed({ onRequest: (request) => void request.respond(200, []) });
    client.send(
      'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    );
    const answer = (await client.readToEnd()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*HTTP\/1\.1 400 Bad Request\r\n/s);
    expect(count()).toBe(1);
  });
});

test('a tab before chunked is white space', async () => {
  const outcome = await ask(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: \tchunked',
    '0\r\n\r\n',
  );
  expect(outcome).toMatchObject({ status: 200, requests: 1 });
});

describe('heads that are too large', () => {
  const fields = (count: number, size: number) =>
    Array.from({ length: count }, (_, index) => `X-${index}: ${'x'.repeat(size)}`).join('\r\n');

  test.each([
    ['one field of 60 KiB', `GET / HTTP/1.1\r\nHost: a\r\n${fields(1, 60 * 1024)}`],
    ['many that make 60 KiB', `GET / HTTP/1.1\r\nHost: a\r\n${fields(60, 1024)}`],
    ['a path of 60 KiB', `GET /${'x'.repeat(60 * 1024)} HTTP/1.1\r\nHost: a`],
    ['101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${fields(100, 1)}`],
  ])('%s', async (_, head) => {
    expect(await ask(head, '')).toMatchObject({ status: 431, requests: 0 });
  });

  test.each([
    ['one field of 59 KiB', `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields(1, 59 * 1024)}`],
    ['100 fields', `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields(98, 1)}`],
  ])('do not include %s', async (_, head) => {
    expect(await ask(head, '')).toMatchObject({ status: 200, requests: 1 });
  });
});
