import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { type Link, linkPair } from '../../../src/core/link.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { Call, Reply } from '../../../src/http/call.ts';
import { openHttp1 } from '../../../src/http/h1/ask.ts';
import { Http1Client } from '../../../src/http/h1/client.ts';
import type { Http1Peer } from '../../../src/http/h1/peer.ts';
import { upstreamPeer } from '../../../src/http/h1/upstream.ts';
import { maxHeadBytes, readProxyAnswer } from '../../../src/http/wire/proxy-answer.ts';

const upstream = upstreamPeer('upstream shop');
const proxy: Http1Peer = {
  name: 'proxy:3128',
  what: 'CONNECT db:5432',
  side: 'hop',
  phase: 'handshake',
  version: '1.1',
  maxHeadBytes,
  readHead: readProxyAnswer,
  isHeadStart: (received) => received.toString().startsWith('H'),
  describeForeign: (received) => ({ words: `speaks ${received.length} bytes of something`, hints: ['ask its owner'] }),
  silentHints: () => ['it may want TLS'],
};
const get: Call = { method: 'GET', target: '/', authority: 'shop', scheme: 'http', headers: [] };
const connect: Call = {
  ...get,
  method: 'CONNECT',
  target: 'db:5432',
  authority: 'db:5432',
  opens: { kind: 'connect' },
};
const { signal } = new AbortController();

/** Calls a proxy by `openHttp1` and an upstream by its client. */
function send(near: Link, peer: Http1Peer, call: Call): Promise<Reply> {
  return peer.side === 'hop' ? openHttp1(near, peer, call, signal) : new Http1Client(near, peer).call(call, signal);
}

/** Makes one Call to a peer that answers with these bytes and, unless `more` is set, ends then. */
async function ask(peer: Http1Peer, call: Call, answer: string, more?: 'more') {
  const [near, far] = linkPair();
  far.stream.write(answer, 'latin1');
  if (!more) far.stream.end();
  const reply = await send(near, peer, call);
  return { reply, near, far };
}

async function fail(peer: Http1Peer, call: Call, answer: string): Promise<TunlError> {
  const error = await ask(peer, call, answer).then(
    () => expect.fail('it answered'),
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(TunlError);
  return error as TunlError;
}

test.each([proxy, upstream])(
  'a tunnel is the very Link, and nothing of the exchange hangs on it (%#)',
  async (peer) => {
    const [near, far] = linkPair();
    const counts = () => near.stream.eventNames().map((name) => [name, near.stream.listenerCount(name)]);
    const before = counts();
    far.stream.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes');
    const reply = await send(near, peer, connect);
    expect(reply.link).toBe(near);
    expect(reply.body).toBe(near.stream);
    expect(counts()).toEqual(before);
    expect(String(near.stream.read())).toBe('bytes');
  },
);

test('a client that waits hangs nothing on its connection either', () => {
  const [near] = linkPair();
  const before = near.stream.eventNames().map((name) => near.stream.listenerCount(name));
  const client = new Http1Client(near, upstream);
  expect(near.stream.eventNames().map((name) => near.stream.listenerCount(name))).toEqual(before);
  expect(client.usable).toBe(true);
  near.stream.destroy();
  expect(client.usable).toBe(false);
});

test.each([
  ['the authority', proxy, connect, 'CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n'],
  [
    'a Host that stands first',
    proxy,
    { ...connect, headers: [['HOST', 'x'] as const] },
    'CONNECT db:5432 HTTP/1.1\r\nHOST: x\r\n\r\n',
  ],
  ['HTTP/1.0', { ...proxy, version: '1.0' as const }, connect, 'CONNECT db:5432 HTTP/1.0\r\nhost: db:5432\r\n\r\n'],
])('%s is written', async (_, peer, call, head) => {
  const { far } = await ask(peer, call, 'HTTP/1.1 200 OK\r\n\r\n', 'more');
  expect(String(far.stream.read())).toBe(head);
});

test('what a proxy refuses with is read tolerantly, and its body comes as it is', async () => {
  const answer = 'HTTP/1.1  403 No way\nbroken line\nTransfer-Encoding: chunked\n\n2\r\nno\r\n0\r\n\r\n';
  const { reply } = await ask(proxy, connect, answer);
  expect(reply).toMatchObject({ status: 403, reason: 'No way', headers: [['transfer-encoding', 'chunked']] });
  expect(reply.link).toBeUndefined();
  expect(await text(reply.body)).toBe('2\r\nno\r\n0\r\n\r\n');
});

test('a refusal whose head breaks off is one, and nothing behind it is a body', async () => {
  const { reply } = await ask(proxy, connect, 'HTTP/1.1 407 Who are you\r\nProxy-Authen');
  expect(reply).toMatchObject({ status: 407, isCut: true, headers: [] });
});

test('a change of protocol that nobody asked for is a refusal of a proxy, and a fault of an upstream', async () => {
  const { reply } = await ask(proxy, connect, 'HTTP/1.1 101 Switching\r\n\r\n');
  expect(reply).toMatchObject({ status: 101, reason: 'Switching' });
  expect((await fail(upstream, get, 'HTTP/1.1 101 Switching\r\n\r\n')).message).toBe(
    'upstream shop: it changes the protocol without being asked',
  );
});

const interim = 'HTTP/1.1 102 Wait\r\n\r\n'.repeat(70);

test.each([
  [proxy, '', 'http_response_incomplete', 'proxy:3128 closed the connection without an answer to CONNECT db:5432'],
  [
    proxy,
    'HT',
    'http_response_incomplete',
    'proxy:3128 closed the connection in the middle of its answer to CONNECT db:5432',
  ],
  [proxy, '\r\n', 'http_protocol_error', 'proxy:3128 speaks 2 bytes of something'],
  [proxy, 'SSH-2.0', 'http_protocol_error', 'proxy:3128 speaks 7 bytes of something'],
  [
    proxy,
    'HTTP/2.0 200 OK\r\n\r\n',
    'http_protocol_error',
    /^proxy:3128 opened no tunnel for CONNECT db:5432: its answer, /,
  ],
  [proxy, interim, 'http_protocol_error', 'proxy:3128 sends interim answers without end'],
  [
    proxy,
    `HTTP/1.1 200 ${'x'.repeat(70_000)}`,
    'http_response_header_section_size',
    'proxy:3128 answered CONNECT db:5432 with a head above 65536 bytes',
  ],
  [upstream, '', 'http_response_incomplete', 'upstream shop closed the connection without an answer'],
  [upstream, '\r\n', 'http_response_incomplete', 'upstream shop closed the connection in the middle of its answer'],
  [upstream, 'SSH-2.0', 'http_protocol_error', 'upstream shop does not answer in HTTP/1.1'],
  [upstream, 'HTTP/1.1 200 OK\r\nx\r\n\r\n', 'http_protocol_error', 'upstream shop: its answer has a broken field'],
  [upstream, interim, 'http_protocol_error', 'upstream shop sends interim answers without end'],
  [
    upstream,
    `HTTP/1.1 200 ${'x'.repeat(70_000)}`,
    'http_response_header_section_size',
    'upstream shop answered with a head above 61440 bytes',
  ],
])('a failure names the peer and what happened (%#)', async (peer, answer, code, message) => {
  const error = await fail(peer, peer === proxy ? connect : get, answer);
  expect(error).toMatchObject({ code, side: peer.side, phase: peer.phase });
  expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
});

test('hints come with the failures that they explain', async () => {
  expect((await fail(proxy, connect, '')).facts).toMatchObject({ unanswered: true, hints: ['it may want TLS'] });
  expect((await fail(proxy, connect, 'SSH-2.0')).facts).toMatchObject({ hints: ['ask its owner'] });
  expect((await fail(upstream, get, '')).facts).toMatchObject({ unanswered: true, hints: [] });
});

test('a failure resets the connection, which is of no use then', async () => {
  const [near, far] = linkPair();
  const client = new Http1Client(near, upstream);
  far.stream.end('SSH-2.0');
  await expect(client.call(get, signal)).rejects.toThrow('does not answer in HTTP/1.1');
  expect(near.stream.destroyed).toBe(true);
  expect(client.usable).toBe(false);
});

test('a failure to open resets the connection', async () => {
  const [near, far] = linkPair();
  far.stream.end('SSH-2.0');
  await expect(openHttp1(near, proxy, connect, signal)).rejects.toThrow('speaks');
  expect(near.stream.destroyed).toBe(true);
});

test('bodies that cannot be told apart open nothing', async () => {
  const post: Call = { ...connect, method: 'POST', opens: { kind: 'bodies' } };
  const error = await fail({ ...proxy, what: 'POST db:5432' }, post, 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n');
  expect(error.message).toMatch(/^proxy:3128 opened no tunnel for POST db:5432: the answer is refused: /);
});
