import { constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { inTime } from '../../support/eventually.ts';
import { flags } from '../../support/peers/h2-frames.ts';
import { Http2Peer } from '../../support/peers/h2-peer.ts';
import { readStream, startSession } from '../../support/harness/h2-request-bed.ts';
import { RawPeer } from '../../support/peers/raw-peer.ts';
import { startRequestBed } from '../../support/harness/request-bed.ts';

describe('tunnels and other protocols', () => {
  test('CONNECT hands its stream over', async () => {
    const { session, take } = startSession();
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'db:22' });
    const reading = readStream(stream);
    const request = await take();
    expect(request).toMatchObject({ method: 'CONNECT', target: 'db:22', authority: 'db:22', isBodiless: true });
    const server = new RawPeer(request.upgrade(200, []));
    stream.write('ping');
    expect(String(await server.read(4))).toBe('ping');
    server.send('pong');
    server.fin();
    stream.end();
    expect(await reading).toMatchObject({ head: { ':status': 200 }, body: 'pong' });
  });

  test('a refused CONNECT ends its stream, though the client has not', async () => {
    const { session, take } = startSession();
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'db:22' });
    void (await take()).respond(403, [], 'no');
    expect(await readStream(stream)).toMatchObject({ head: { ':status': 403 }, body: 'no' });
  });

  test('extended CONNECT reads as an upgrade, and its 101 as 200', async () => {
    const { session, take } = startSession({ extendedConnect: true });
    await inTime('the settings', new Promise((resolve) => session.once('remoteSettings', resolve)));
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'WebSocket', ':path': '/chat' });
    const request = await take();
    expect(request).toMatchObject({ method: 'GET', target: '/chat', upgradeTo: 'websocket', isBodiless: true });
    const server = new RawPeer(request.upgrade(101, []));
    server.send('frame');
    server.fin();
    stream.end();
    expect(await readStream(stream)).toMatchObject({ head: { ':status': 200 }, body: 'frame' });
  });

  test('extended CONNECT is not announced where it is not allowed', async () => {
    const { session } = startSession();
    await inTime('the settings', new Promise((resolve) => session.once('remoteSettings', resolve)));
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
  });
});

describe('what cannot be written in HTTP/1.1 is refused with 400', () => {
  const pseudo = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', '/'],
  ] as const;

  test.each([
    ['a Host that is not the authority', [...pseudo, ['host', 'b.test']]],
    ['an authority with user information', [...pseudo.slice(0, 2), [':authority', 'u@a'], [':path', '/']]],
    ['no authority at all', [...pseudo.slice(0, 2), [':path', '/']]],
    ['a path with a fragment', [...pseudo.slice(0, 3), [':path', '/a#b']]],
    ['a path with a space', [...pseudo.slice(0, 3), [':path', '/a b']]],
    [
      'CONNECT without a port',
      [
        [':method', 'CONNECT'],
        [':authority', 'a.test'],
      ],
    ],
    ['a method with a slash', [[':method', 'GE/T'], ...pseudo.slice(1)]],
  ] as const)('%s', async (_, fields) => {
    const { client, count } = startRequestBed({ codec: 'http2' });
    const peer = new Http2Peer(client);
    peer.start();
    const outcome = await peer.outcomeOf(peer.request(fields, flags.endHeaders | flags.endStream));
    // Some of it the engine refuses by itself.
    expect([{ status: 400 }, { reset: constants.NGHTTP2_PROTOCOL_ERROR }]).toContainEqual(outcome);
    expect(count()).toBe(0);
  });

  test('more than 100 fields, or 60 KiB of them, are refused with 431', async () => {
    const { client, count } = startRequestBed({ codec: 'http2' });
    const peer = new Http2Peer(client);
    peer.start();
    const many = Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'y'] as const);
    expect(await peer.outcomeOf(peer.request([...pseudo, ...many], flags.endHeaders | flags.endStream))).toEqual({
      status: 431,
    });
    expect(count()).toBe(0);
  });
});

test('the preface is recognised among the first bytes, and not by a stage that speaks HTTP/1.1 only', async () => {
  const { client, take } = startRequestBed();
  const peer = new Http2Peer(client);
  peer.start();
  peer.request([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/'],
  ]);
  expect((await take()).version).toBe('2');
  const old = startRequestBed({ codec: 'http1' });
  new Http2Peer(old.client).start();
  expect(await old.client.readHead()).toMatch(/^HTTP\/1\.1 505 /);
});
