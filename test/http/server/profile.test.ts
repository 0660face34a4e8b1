import { describe, expect, test } from 'vitest';
import { expectCollected } from '../../support/collected.ts';
import { inTime } from '../../support/eventually.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../support/peers/h2-peer.ts';
import { readStream, startSession } from '../../support/harness/h2-request-bed.ts';
import { type RequestBed, startRequestBed } from '../../support/harness/request-bed.ts';

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

const getFields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a.test'],
  [':path', '/'],
] as const;

describe('requests on one HTTP/1.1 connection', () => {
  test('may be one: its answer closes, and the next is not looked at', async () => {
    const { client, take, count, serving } = startRequestBed({ perConnection: 'one' });
    client.send(get('/') + get('/next'));
    (await take()).answer(200, [['Content-Length', '2']]).end('ok');
    expect((await client.readToEnd()).toString()).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
    );
    client.fin();
    await inTime('the end of the connection', serving);
    expect(count()).toBe(1);
  });

  test('may be many', async () => {
    const { client, take } = startRequestBed({ perConnection: 'many' });
    client.send(get('/') + get('/next'));
    void (await take()).respond(200, []);
    expect((await take()).target).toBe('/next');
  });
});

describe('a line', () => {
  test.each([
    ['of a request', get(`/${'x'.repeat(8192)}`), 414],
    ['of a field', get('/', `X-A: ${'x'.repeat(8192)}\r\n`), 431],
  ])('%s above the limit is refused', async (_, head, status) => {
    const { client, serving } = startRequestBed({ maxLineBytes: 8192 });
    const failure = expect(serving).rejects.toMatchObject({ facts: { status } });
    client.send(head);
    expect(await client.readHead()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    client.fin();
    await inTime('the failure', failure);
  });

  test('is as long as a head where nothing else is said', async () => {
    const { client, take } = startRequestBed();
    client.send(get(`/${'x'.repeat(50_000)}`));
    expect((await take()).target).toHaveLength(50_001);
  });
});

describe('a request that cannot go on in the other version of HTTP', () => {
  test.each([
    ['a target in no form', get('nowhere'), { target: 'nowhere', authority: 'a' }],
    ['a target in absolute form', get('http://b/x'), { target: 'http://b/x', authority: 'a' }],
    ['CONNECT without a port', 'CONNECT db HTTP/1.1\r\nHost: a\r\n\r\n', { target: 'db', authority: 'a' }],
    [
      'CONNECT with content',
      'CONNECT db:22 HTTP/1.1\r\nHost: db:22\r\nContent-Length: 1\r\n\r\nx',
      {
        target: 'db:22',
        headers: [
          ['host', 'db:22'],
          ['content-length', '1'],
        ],
      },
    ],
  ])('is taken as it was sent, with %s', async (_, head, facts) => {
    const { client, take } = startRequestBed({ translatable: false, perConnection: 'one' });
    client.send(head);
    const request = await take();
    expect(request).toMatchObject(facts);
    void request.respond(405, []);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 405 /);
  });

  test.each(['one', 'many'] as const)(
    'is answered where not even its length can be read: %s per connection',
    async (perConnection) => {
      const { client, take, count, serving } = startRequestBed({ translatable: false, perConnection });
      client.send(get('/', 'Content-Length: 1, 2\r\nExpect: 100-continue\r\n') + get('/next'));
      await inTime('the answer', (await take()).respond(405, [], 'no'));
      expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 405 .*\r\n\r\nno$/s);
      client.fin();
      await inTime('the end of the connection', serving);
      expect(count()).toBe(1);
    },
  );

  test('is taken over HTTP/2 too, or refused with 400', async () => {
    const fields = [...getFields, ['host', 'b.test']] as const;
    for (const translatable of [true, false]) {
      const { client, take } = startRequestBed({ codec: 'http2', translatable });
      const peer = new Http2Peer(client);
      peer.start();
      const stream = peer.request(fields, flags.endHeaders | flags.endStream);
      if (!translatable) void (await take()).respond(405, [], 'no');
      expect(await peer.outcomeOf(stream)).toEqual({ status: translatable ? 400 : 405 });
    }
  });
});

describe('over HTTP/2 an answer without a body', () => {
  test('has no field that nobody gave it', async () => {
    const { session, take } = startSession();
    const reading = readStream(session.request({ ':method': 'CONNECT', ':authority': 'db:22' }));
    void (await take()).respond(401, []);
    expect(Object.keys((await reading).head)).toEqual([':status']);
  });

  test('ends with its head', async () => {
    const { client, take } = startRequestBed({ codec: 'http2' });
    const peer = new Http2Peer(client);
    peer.start();
    const stream = peer.connect('db:22');
    await inTime('the answer', (await take()).respond(401, []));
    expect((await peer.frameOf(stream, 'headers')).flags & flags.endStream).toBe(flags.endStream);
  });
});

describe('a tunnel does not keep the request that asked for it', () => {
  /** Takes a request, makes a tunnel of it and forgets it. */
  async function grant({ take }: RequestBed): Promise<WeakRef<object>> {
    const request = await take();
    request.gone.addEventListener('abort', () => {});
    request.upgrade(200, []);
    return new WeakRef(request);
  }

  test.each(['http1', 'http2'] as const)('over %s', async (codec) => {
    const bed = startRequestBed({ codec, perConnection: 'one' });
    const peer = new Http2Peer(bed.client);
    if (codec === 'http2') peer.start();
    if (codec === 'http2') peer.connect('db:22');
    else bed.client.send('CONNECT db:22 HTTP/1.1\r\nHost: db:22\r\n\r\n');
    await expectCollected(await grant(bed));
    expect(bed.link.stream.destroyed).toBe(false);
  });
});
