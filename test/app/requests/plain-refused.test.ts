import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type PlainBed, startPlainBed, writeHead } from '../../support/harness/plain-bed.ts';
import { answerPaths } from '../../support/targets/plain.ts';
import { startAdmin } from '../../support/harness/admin.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { proxyStage } from '../../support/graphs/graphs.ts';

/** Sends the bytes, and returns the whole answer, which must end the connection. */
async function ask({ connect }: Pick<PlainBed, 'connect'>, bytes: string): Promise<string> {
  const client = await connect();
  client.send(bytes);
  return (await client.readToEnd()).toString('latin1');
}

/** Asserts that nothing came to the target, and that there is one record of a refusal. */
async function expectRefused({ serve, target }: PlainBed, status: number, code: string): Promise<void> {
  const record = { status, error: expect.objectContaining({ code }) };
  await eventually(() => serve.eventsOf('tunnel.failed'), [expect.objectContaining(record)]);
  expect(target.accepted).toBe(0);
  expect(serve.running.tunnels.size).toBe(0);
}

describe('a request in origin form is 405', () => {
  test.each(['GET', 'POST', 'OPTIONS', 'PUT'])('with %s, whatever its Host says', async (method) => {
    const bed = await startPlainBed();
    const answer = await ask(bed, writeHead(`${method} /admin`, `Host: 127.0.0.1:${bed.target.port}`));
    expect(answer).toMatch(/^HTTP\/1\.1 405 [^]*\r\nAllow: CONNECT\r\n[^]*\r\nConnection: close\r\n/);
    expect(answer).toMatch(/tunl: this is a proxy and no web server; .*\n$/);
    await expectRefused(bed, 405, 'http_request_error');
  });

  test('as a page for a browser, without what the browser sent', async () => {
    const bed = await startPlainBed();
    const answer = await ask(bed, writeHead('GET /<script>', 'Accept: text/html,application/xhtml+xml'));
    expect(answer).toMatch(/\r\nContent-Type: text\/html; charset=utf-8\r\n/);
    expect(answer).toContain('<p>tunl: this is a proxy');
    expect(answer).not.toContain('script');
  });
});

test.each([
  ['as text', [], /\r\nContent-Type: text\/plain; charset=utf-8\r\n[^]*tunl: this proxy opens tunnels.*curl -p/],
  ['as a page', ['Accept: text/html'], /\r\nContent-Type: text\/html; charset=utf-8\r\n[^]*<p>tunl: this proxy opens/],
])('a proxy without plain requests says %s what to do', async (_, fields, expected) => {
  const bed = await startPlainBed({ accept: [] });
  const answer = await ask(bed, writeHead(`GET ${bed.origin}/`, ...fields));
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  expect(answer).toMatch(expected);
  await expectRefused(bed, 405, 'http_request_error');
});

describe('a target', () => {
  test.each([
    ['of https', 'https://HOST/', 501],
    ['of ftp', 'ftp://HOST/', 501],
    ['of a scheme with odd letters', 'a+b.c-d://HOST/', 501],
    ['of a file', 'file:///etc/passwd', 501],
    ['with a user', 'http://alice:hunter2@HOST/', 400],
    ['with a fragment', 'http://HOST/#x', 400],
    ['with port 0', 'http://127.0.0.1:0/', 400],
    ['with an empty port', 'http://127.0.0.1:/', 400],
    ['with a large port', 'http://127.0.0.1:65536/', 400],
    ['without a host', 'http:///x', 400],
    ['without slashes', 'http:HOST/', 405],
    ['that is an authority', 'HOST', 405],
    ['in a decimal number', 'http://2130706433/', 400],
    ['in a short form', 'http://127.1/', 400],
    ['with an escape in its host', 'http://a%2eb/', 400],
    ['with a backslash', 'http://a\\@HOST/', 400],
    ['with a zone', 'http://[fe80::1%25lo]/', 400],
  ])('%s is refused', async (_, target, status) => {
    const bed = await startPlainBed();
    const place = target.replace('HOST', bed.origin.slice('http://'.length));
    expect(await ask(bed, writeHead(`GET ${place}`))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await expectRefused(bed, status, 'http_request_error');
    expect(JSON.stringify(bed.serve.events)).not.toContain('hunter2');
  });
});

describe('a message that can be read in two ways', () => {
  test.each([
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4']],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5']],
    ['two equal lengths', ['Content-Length: 4', 'Content-Length: 4']],
    ['a list of lengths', ['Content-Length: 4, 5']],
    ['a sign before the length', ['Content-Length: +4']],
    ['a length in hexadecimal digits', ['Content-Length: 0x4']],
    ['a space before the colon', ['Transfer-Encoding : chunked']],
    ['an unknown coding', ['Transfer-Encoding: xchunked']],
    ['chunks that are coded', ['Transfer-Encoding: chunked, identity']],
    ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['a folded line', ['X: a', ' Transfer-Encoding: chunked']],
    ['two Host', ['Host: a', 'Host: b']],
    ['a Host with a path', ['Host: a/b']],
  ])('is refused: %s', async (_, fields) => {
    const bed = await startPlainBed();
    const hidden = `0\r\n\r\n${writeHead(`GET ${bed.origin}/hidden`)}`;
    const answer = await ask(bed, writeHead(`POST ${bed.origin}/`, ...fields) + hidden);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    // The hidden request is neither served nor answered.
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    await expectRefused(bed, 400, 'http_request_error');
  });

  test.each([
    [
      'chunks in HTTP/1.0',
      (origin: string) => `POST ${origin}/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['CONNECT in small letters', (origin: string) => writeHead(`connect ${origin}/`)],
    ['a bare line feed', (origin: string) => `GET ${origin}/ HTTP/1.1\nHost: a\n\n`],
  ])('is refused: %s', async (_, write) => {
    const bed = await startPlainBed();
    expect(await ask(bed, write(bed.origin))).toMatch(/^HTTP\/1\.1 400 /);
    await expectRefused(bed, 400, 'http_request_error');
  });

  test('an expectation that nobody knows is 417', async () => {
    const bed = await startPlainBed();
    expect(await ask(bed, writeHead(`GET ${bed.origin}/`, 'Expect: the-moon'))).toMatch(/^HTTP\/1\.1 417 /);
    await expectRefused(bed, 417, 'http_request_error');
  });

  test.each(['OPTIONS', 'TRACE'])('%s goes as far as Max-Forwards says', async (method) => {
    const bed = await startPlainBed();
    expect(await ask(bed, writeHead(`${method} ${bed.origin}/`, 'Max-Forwards: 0'))).toMatch(/^HTTP\/1\.1 405 /);
    await expectRefused(bed, 405, 'http_request_error');
    (await bed.connect()).send(writeHead(`${method} ${bed.origin}/`, 'Max-Forwards: 3'));
    expect(await (await bed.target.accept()).readHead()).toContain('\r\nmax-forwards: 2\r\n');
  });
});

test('the second of three pipelined requests is refused, and the third is not served', async () => {
  const bed = await startPlainBed({ deny: ['127.0.0.2'] }, answerPaths);
  const urls = [`${bed.origin}/first`, 'http://127.0.0.2:9/', `${bed.origin}/third`];
  const answer = await ask(bed, urls.map((url) => writeHead(`GET ${url}`)).join(''));
  expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n\/firstHTTP\/1\.1 403 [^]*\r\nConnection: close\r\n/);
  expect(answer).not.toContain('third');
  expect(bed.target.accepted).toBe(1);
  expect(bed.serve.eventsOf('tunnel.closed')).toHaveLength(1);
});

describe('rules', () => {
  test('are about the address that a name resolves to', async () => {
    const bed = await startPlainBed({ deny: ['127.0.0.0/8'] });
    expect(await ask(bed, writeHead(`GET ${bed.origin}/`))).toMatch(/^HTTP\/1\.1 403 /);
    await expectRefused(bed, 403, 'destination_ip_prohibited');
  });

  test('are asked for every request of a connection', async () => {
    const bed = await startPlainBed({ allow: ['127.0.0.1'], deny: ['127.0.0.1:1'] }, answerPaths);
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/a`));
    await client.readUntil('/a');
    client.send(writeHead('GET http://127.0.0.1:1/b'));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 /);
  });
});

test('a request that has been here before is refused', async () => {
  const bed = await startPlainBed();
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/`));
  const upstream = await bed.target.accept();
  const [, pseudonym = ''] = /^via: 1\.1 (tunl-\w+)/m.exec(await upstream.readHead()) ?? [];
  const answer = await ask(bed, writeHead(`GET ${bed.origin}/`, 'Via: 1.1 other', `Via: 1.0 x, 1.1 ${pseudonym}`));
  expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*error=proxy_loop_detected/);
  expect(bed.target.accepted).toBe(1);
});

test('a request to the proxy itself is refused', async () => {
  const bed = await startPlainBed();
  const answer = await ask(bed, writeHead(`GET http://127.0.0.1:${bed.serve.port}/`));
  expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*error=proxy_loop_detected/);
  await expectRefused(bed, 502, 'proxy_loop_detected');
});

test('a request to the admin address is refused', async () => {
  const admin = await startAdmin({ stages: [proxyStage('p', { accept: ['plain'] })] });
  const answer = await ask(
    { connect: () => connectPeer(admin.port) },
    writeHead(`GET http://127.0.0.1:${admin.adminPort}/stats`, 'Connection: close'),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 403 [^]*error=destination_ip_prohibited/);
});
