import { describe, expect, test } from 'vitest';
import { h1 } from '../../src/carriers/h1.ts';
import type { DialContext } from '../../src/core/dialer.ts';
import { exitOf, TunlError } from '../../src/core/errors.ts';
import { type Link, linkPair } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { version } from '../../src/core/program.ts';
import { makeHop } from '../support/harness/app.ts';
import { eventually } from '../support/eventually.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { oddHeads } from '../support/peers/odd-heads.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';

const target = { kind: 'tcp', host: 'db.example', port: 5432 } as const;
const hop = makeHop('http', 8080);

/** A tunnel that is being asked for, with the test as the proxy. */
async function ask(more: Partial<typeof hop> = {}, ctx: Partial<DialContext> = {}) {
  const [near, far] = linkPair();
  const context = { ...makeContext(target), ...ctx };
  const session = await h1.open(async () => near, { ...hop, ...more }, context);
  const opening = session.tunnel(target, context);
  opening.catch(() => {});
  const proxy = new RawPeer(far);
  return { proxy, opening, session, link: near, request: await proxy.readHead() };
}

/** Sends an answer of the proxy, and returns the tunnel that opens with it, or the failure. */
async function answer(text: string, end: 'open' | 'fin' | 'reset' = 'open') {
  const { proxy, opening, link } = await ask();
  if (text !== '') proxy.send(text);
  if (end === 'fin') proxy.fin();
  if (end === 'reset') proxy.stream.write('', () => proxy.reset());
  const outcome: { opened?: Link; error?: unknown } = await opening.then(
    (opened) => ({ opened }),
    (error: unknown) => ({ error }),
  );
  return { ...outcome, link, proxy };
}

describe('the request', () => {
  test('is CONNECT with the target, Host and our name', async () => {
    const { request } = await ask();
    expect(request).toBe(
      `CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\nUser-Agent: tunl/${version}\r\n\r\n`,
    );
  });

  test('carries the credentials of its hop, the fields of the user and the proxies on the way', async () => {
    const credentials = { user: 'alice', password: new Secret('sesame') };
    const { request } = await ask(
      { credentials, headers: [['X-Team', 'db']] },
      { origin: { peer: {}, via: ['1.1 a', '1.1 b'] } },
    );
    expect(request.split('\r\n').slice(3, -2)).toEqual([
      'Proxy-Authorization: Basic YWxpY2U6c2VzYW1l',
      'Via: 1.1 a',
      'Via: 1.1 b',
      'X-Team: db',
    ]);
  });

  test.each([
    ['a name', ['X\r\nY', 'z']],
    ['a value', ['X-A', 'y\r\nProxy-Authorization: z']],
  ] as const)('is not sent with %s of the user that would be more than one field', async (_, field) => {
    const [near, far] = linkPair();
    const session = await h1.open(async () => near, { ...hop, headers: [field] }, makeContext(target));
    await expect(session.tunnel(target, makeContext(target))).rejects.toMatchObject({ code: 'usage' });
    await session.close('now');
    await eventually(() => far.stream.destroyed, true);
    expect(far.stream.readableLength).toBe(0);
  });

  test("has the user's Host in the place of ours, and no other", async () => {
    const { request } = await ask({
      headers: [
        ['X-Team', 'db'],
        ['host', 'proxy.corp'],
      ],
    });
    expect(request).toBe(
      `CONNECT db.example:5432 HTTP/1.1\r\nhost: proxy.corp\r\nUser-Agent: tunl/${version}\r\nX-Team: db\r\n\r\n`,
    );
  });

  test('is for one tunnel', async () => {
    const { session } = await ask();
    expect([session.capacity, session.load, session.usable]).toEqual([1, 1, false]);
  });
});

describe('an answer that opens the tunnel', () => {
  test.each([200, 201, 204, 206, 299])('is %i, with whatever follows the head as the first bytes', async (status) => {
    const { opened } = await answer(`HTTP/1.1 ${status} OK\r\nServer: x\r\n\r\nSSH-2.0-x\r\n`);
    expect(await new RawPeer(opened as Link).readUntil('\r\n')).toBe('SSH-2.0-x\r\n');
  });

  test.each([
    ['Content-Length', 'Content-Length: 5'],
    ['an empty length', 'Content-Length: 0'],
    ['Transfer-Encoding', 'Transfer-Encoding: chunked'],
    ['Connection: close', 'Connection: close'],
    ['a session cookie', 'Set-Cookie: a=b'],
  ])('may carry %s: it means nothing', async (_, field) => {
    const { opened } = await answer(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n5\r\nhello world`);
    const tunnel = new RawPeer(opened as Link);
    expect(await tunnel.readUntil('world')).toBe('5\r\nhello world');
  });

  test.each([
    ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['103', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'],
    ['several', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('may come after %s', async (_, interim) => {
    const { opened } = await answer(`${interim}HTTP/1.1 200 OK\r\n\r\nfirst`);
    expect(await new RawPeer(opened as Link).readUntil('first')).toBe('first');
  });

  test.each(['HTTP/1.0 200 Connection established', 'HTTP/1.1 200', 'HTTP/1.1 200 '])('may be %j', async (line) => {
    const { opened } = await answer(`${line}\r\n\r\n`);
    expect(opened).toBeDefined();
  });

  test('may be split anywhere', async () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: x\r\n\r\nfirst';
    for (let at = 1; at < text.length; at++) {
      const { proxy, opening } = await ask();
      proxy.send(text.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      proxy.send(text.slice(at));
      expect(await new RawPeer(await opening).readUntil('first')).toBe('first');
    }
  });

  test('may be followed by an end at once', async () => {
    const { opened } = await answer('HTTP/1.1 200 OK\r\n\r\nall there is', 'fin');
    expect((await new RawPeer(opened as Link).readToEnd()).toString()).toBe('all there is');
  });
});

describe('an answer that opens nothing', () => {
  test.each([
    [302, 'hop_refused', 97],
    [400, 'hop_refused', 97],
    [403, 'hop_refused', 97],
    [407, 'auth_required', 67],
    [401, 'auth_required', 67],
    [500, 'hop_failed', 97],
    [502, 'hop_failed', 97],
    [503, 'hop_failed', 97],
    [101, 'hop_refused', 97],
  ])('is %i: %s, exit %i', async (status, code, exit) => {
    const { error, link } = await answer(`HTTP/1.1 ${status} No\r\nContent-Length: 3\r\n\r\nno\n`);
    expect(error).toMatchObject({ code, side: 'hop', facts: { received: status } });
    expect(exitOf(error as TunlError)).toBe(exit);
    expect(link.stream.destroyed).toBe(true);
  });

  test('tells what the proxy said about it', async () => {
    const { error } = await answer('HTTP/1.1 403 Forbidden\r\nContent-Length: 24\r\n\r\nonly port 443, says IT.\n');
    expect(error).toMatchObject({
      message: '127.0.0.1:8080 refused CONNECT db.example:5432: 403 Forbidden',
      facts: { hints: ['the proxy said: "only port 443, says IT."'] },
    });
  });

  test('is the end of its connection: nothing more is sent on it', async () => {
    const { proxy, error } = await answer('HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n');
    expect(error).toBeDefined();
    expect(await proxy.waitForEnd()).toBe('reset');
    expect(proxy.inbox.size).toBe(0);
  });
});

describe('a head that is not as the standard has it', () => {
  const opening = oddHeads.filter(({ tunl }) => tunl === 'tunnel');
  const refusing = oddHeads.filter(({ tunl }) => typeof tunl === 'number');
  const useless = oddHeads.filter(({ tunl }) => tunl === 'none');

  test.each(opening)("opens a tunnel with $what, and every byte behind it is the tunnel's", async ({ head }) => {
    const { opened } = await answer(`${head}\rfirst\n`, 'fin');
    expect((await new RawPeer(opened as Link).readToEnd()).toString()).toBe('\rfirst\n');
  });

  test.each(refusing)('is told as $tunl: $what', async ({ head, tunl }) => {
    const { error } = await answer(head, 'fin');
    expect(error).toMatchObject({ side: 'hop', facts: { received: tunl } });
    expect(exitOf(error as TunlError)).toBe(tunl === 407 ? 67 : 97);
  });

  test.each(useless)('opens nothing: $what', async ({ head }) => {
    const { error } = await answer(head, 'fin');
    expect(error).toMatchObject({ code: expect.stringMatching(/^http_(?:protocol_error|response_incomplete)$/) });
    expect(error).not.toHaveProperty('facts.received');
  });

  test('is read the same however it is cut', async () => {
    const text = 'HTTP/1.1  200\nA : b\r\n c\r\r\n\r\r\n\rfirst\n';
    for (let at = 1; at < text.length; at++) {
      const { proxy, opening: opened } = await ask();
      proxy.send(text.slice(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      proxy.send(text.slice(at));
      expect(await new RawPeer(await opened).readUntil('first\n')).toBe('\rfirst\n');
    }
  });

  test('still says what the proxy wants, and nothing of a broken head is taken for a page', async () => {
    const fields = 'Proxy-Authenticate : NTLM\nX Y: z\nProxy-Authenticate: Nego\n  tiate\n';
    const { error } = await answer(`HTTP/1.1 407 Who\n${fields}${'A: b\n'.repeat(20_000)}\n`);
    expect(error).toMatchObject({ facts: { received: 407 } });
    const { hints } = (error as TunlError).facts;
    expect(hints?.[0]).toBe('it offers NTLM, Nego authentication');
    expect(hints?.join(' ')).not.toContain('A: b');
  });
});

describe('what is no answer', () => {
  test.each([
    ['nothing, then an end', '', 'fin', 'http_response_incomplete', 'closed the connection without an answer'],
    ['nothing, then a reset', '', 'reset', 'http_response_incomplete', 'reset the connection without an answer'],
    [
      'half a head, then an end',
      'HTTP/1.1 200 OK\r\nServ',
      'fin',
      'http_response_incomplete',
      'in the middle of its answer',
    ],
    [
      'a 1xx, then an end',
      'HTTP/1.1 100 Continue\r\n\r\n',
      'fin',
      'http_response_incomplete',
      'closed the connection without',
    ],
    [
      'another protocol that waits for us',
      'SSH-2.0-OpenSSH_9.2\r\n',
      'open',
      'http_protocol_error',
      'is not an HTTP proxy',
    ],
    [
      'a TLS alert',
      '\u0015\u0003\u0003\u0000\u0002\u0002\u0046',
      'open',
      'http_protocol_error',
      'is not an HTTP proxy',
    ],
    ['bytes without meaning', '\u0000\u0001\u0002\u0003', 'open', 'http_protocol_error', 'is not an HTTP proxy'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n', 'open', 'http_protocol_error', '"HTTP/2 200 OK", is not in HTTP/1.1'],
    ['a status of our own making', 'HTTP/1.1 2OO OK\r\n\r\n', 'open', 'http_protocol_error', 'is not an HTTP proxy'],
    [
      'a head above 64 KiB',
      `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(11_000)}\r\n`,
      'open',
      'http_response_header_section_size',
      'above 65536 bytes',
    ],
    [
      'a line above 64 KiB',
      `HTTP/1.1 200 ${'x'.repeat(66_000)}`,
      'open',
      'http_response_header_section_size',
      'above 65536 bytes',
    ],
    [
      '1xx without end',
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(70),
      'open',
      'http_protocol_error',
      'interim answers without end',
    ],
  ] as const)('%s is said to be so, and its connection is reset', async (_, text, end, code, words) => {
    const { error, link } = await answer(text, end);
    expect(error).toMatchObject({ name: 'TunlError', code, message: expect.stringContaining(words) });
    expect(exitOf(error as TunlError)).toBe(97);
    expect(link.stream.destroyed).toBe(true);
  });

  test('is given up when the caller says so, with the reason of the caller', async () => {
    const caller = new AbortController();
    const { proxy, opening } = await ask({}, { signal: caller.signal });
    caller.abort(new TunlError('http_response_timeout', 'too late'));
    await expect(opening).rejects.toThrow('too late');
    expect(await proxy.waitForEnd()).toBe('reset');
  });
});
