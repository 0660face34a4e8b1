import { writeFileSync } from 'node:fs';
import { constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import type { ServeOptions } from '../../src/app/commands/options.ts';
import { streamLink } from '../../src/core/link.ts';
import { makeHop, startTestServe } from '../support/harness/app.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { ask, askFor, connectHbone, connectTlsPeer } from '../support/peers/hbone-peers.ts';
import { makeMesh, spiffeId } from '../support/certs/mesh.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, stall, startTarget } from '../support/targets/plain.ts';

const mesh = await makeMesh();

function startHbone(options: Partial<Omit<ServeOptions, 'hops'>> = {}) {
  return startTestServe({ accept: ['hbone'], tls: mesh.serverTls(), ...options });
}

async function startWithClient(options: Partial<Omit<ServeOptions, 'hops'>> = {}) {
  const app = await startHbone(options);
  return { app, session: await connectHbone(mesh, app.port) };
}

/** The fields of an answer, without Node's own. */
function fieldsOf(headers: Record<string, unknown>): Record<string, unknown> {
  const { date: _ofNode, ...fields } = headers;
  return Object.fromEntries(Object.entries(fields));
}

test('answers exactly 200 and nothing else once the target is there', async () => {
  const { session, app } = await startWithClient();
  const target = await startTarget(echo);
  const { headers, ended, stream } = await askFor(session, `127.0.0.1:${target.port}`);
  expect(fieldsOf(headers)).toEqual({ ':status': 200 });
  expect([ended, target.accepted]).toEqual([false, 1]);
  const peer = new RawPeer(streamLink(stream));
  peer.send('ping');
  peer.fin();
  expect((await peer.readToEnd()).toString()).toBe('ping');
  await eventually(() => app.eventsOf('tunnel.closed').length, 1);
});

describe('a refusal is a status and nothing else', () => {
  const connectTo = (authority: string) => ({ ':method': 'CONNECT', ':authority': authority });

  test.each<[string, number, Record<string, string>]>([
    ['a GET', 400, { ':method': 'GET', ':path': '/', ':scheme': 'https', ':authority': 'a:1' }],
    ['an authority without a port', 400, connectTo('db')],
    ['a port that is none', 400, connectTo('db:99999')],
    ['a target that a rule denies', 401, connectTo('denied.example:443')],
    ['an address that a rule denies', 401, connectTo('192.0.2.7:443')],
    ['a target that refuses', 503, connectTo('127.0.0.1:1')],
    ['a name that does not exist', 503, connectTo('nothing.invalid:443')],
  ])('for %s', async (_, status, request) => {
    const { app, session } = await startWithClient({ deny: ['denied.example:*', '192.0.2.0/24:*'] });
    const { headers, ended } = await ask(session, request);
    expect([fieldsOf(headers), ended]).toEqual([{ ':status': status }, true]);
    await eventually(() => app.eventsOf('tunnel.failed').map((event) => event.status), [status]);
  });

  test('of an authority with a user, and nothing is opened', async () => {
    const { app, session } = await startWithClient();
    expect((await ask(session, connectTo('u@db:22'))).headers[':status']).toBe(400);
    const target = await startTarget(echo);
    expect((await askFor(session, `127.0.0.1:${target.port}`)).headers[':status']).toBe(200);
    expect(app.eventsOf('tunnel.opened')).toHaveLength(1);
  });

  test('of itself, which would loop', async () => {
    const { app, session } = await startWithClient();
    const { headers } = await askFor(session, `127.0.0.1:${app.port}`);
    expect(fieldsOf(headers)).toEqual({ ':status': 503 });
    expect(app.eventsOf('tunnel.failed')[0]?.error.code).toBe('proxy_loop_detected');
  });

  test('and the session serves on', async () => {
    const { session } = await startWithClient();
    const target = await startTarget(echo);
    await askFor(session, 'db');
    const { headers } = await askFor(session, `127.0.0.1:${target.port}`);
    expect(headers[':status']).toBe(200);
  });

  test('and HTTP/1.1 is not served at all', async () => {
    const app = await startHbone();
    const socket = await connectTlsPeer(mesh, app.port, { ALPNProtocols: [] });
    const peer = new RawPeer(streamLink(socket));
    peer.send('CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n');
    expect(await peer.readHead()).toMatch(/^HTTP\/1.1 400 /);
  });
});

test('announces what ztunnel announces', async () => {
  const { session } = await startWithClient();
  expect(session.remoteSettings).toMatchObject({
    maxConcurrentStreams: 200,
    initialWindowSize: 4 << 20,
    maxFrameSize: 1 << 20,
    maxHeaderListSize: 65_536,
    enableConnectProtocol: false,
  });
  await eventually(() => session.state.remoteWindowSize, 16 << 20);
});

test('ignores fields that it does not know, and credentials', async () => {
  const { session } = await startWithClient();
  const target = await startTarget(echo);
  const fields = { baggage: 'service.name=cart', forwarded: 'for="10.0.0.1:1"', 'proxy-authorization': 'Basic x' };
  const { headers } = await ask(session, { ':method': 'CONNECT', ':authority': `127.0.0.1:${target.port}`, ...fields });
  expect(headers[':status']).toBe(200);
});

test('records who the client proved to be, with tunnels and with refusals', async () => {
  const { app, session } = await startWithClient();
  const target = await startTarget(echo);
  const { stream } = await askFor(session, `127.0.0.1:${target.port}`);
  await askFor(session, 'db');
  stream.end();
  stream.resume();
  await eventually(() => app.eventsOf('tunnel.closed').length, 1);
  const records = [
    ...app.eventsOf('tunnel.opened'),
    ...app.eventsOf('tunnel.closed'),
    ...app.eventsOf('tunnel.failed'),
  ];
  expect(records.map(({ user }) => user)).toEqual(Array.from({ length: 3 }, () => spiffeId('cart')));
});

describe('a client that cancels before its answer', () => {
  /** A server whose tunnels never come up: the proxy that it goes through says nothing. */
  const startSilent = async () => {
    const silent = await startTarget(stall);
    const app = await startTestServe({
      accept: ['hbone'],
      tls: mesh.serverTls(),
      hops: [makeHop('http', silent.port)],
    });
    return { app, silent, session: await connectHbone(mesh, app.port) };
  };
  const connectHeaders = { ':method': 'CONNECT', ':authority': 'db:22' };

  test('ends the dial that was made for it', async () => {
    const { app, silent, session } = await startSilent();
    const stream = session.request(connectHeaders, { endStream: false });
    stream.on('error', () => {});
    await eventually(() => silent.open, 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => app.eventsOf('tunnel.failed').map(({ error }) => error.code), ['connection_terminated']);
    await eventually(() => app.running.tunnels.size, 0);
  });

  test('again and again loses its session, and nobody else does', async () => {
    const { app, silent, session } = await startSilent();
    const start = performance.now();
    for (let count = 0; count < 200; count++) {
      const stream = session.request(connectHeaders, { endStream: false });
      stream.on('error', () => {});
      // In the same tick its HEADERS would not be sent at all.
      await new Promise((resolve) => setImmediate(resolve));
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await eventually(() => app.running.tunnels.size, 0);
    // At most the free burst, the requests on their way, and the allowed rate for as long as it took.
    expect(silent.accepted).toBeLessThan(120 + 20 * ((performance.now() - start) / 1000));
    const other = await connectHbone(mesh, app.port);
    expect((await askFor(other, 'db')).headers[':status']).toBe(400);
  });
});

describe('--hbone-local', () => {
  const local = { accept: ['hbone', 'hbone-local'] };

  test.each([
    ['the address that the connection came to', '127.0.0.1', 200],
    ['another address', '127.0.0.2', 400],
    ['a name, whatever it leads to', 'localhost', 400],
    ['an IPv6 address', '[::1]', 400],
  ])('serves or refuses %s', async (_, host, status) => {
    const { session } = await startWithClient(local);
    const target = await startTarget(echo);
    const { headers, ended } = await askFor(session, `${host}:${target.port}`);
    expect([headers[':status'], ended]).toEqual([status, status !== 200]);
  });

  test('without it any address is served', async () => {
    const { session } = await startWithClient();
    const target = await startTarget(echo);
    expect((await askFor(session, `localhost:${target.port}`)).headers[':status']).toBe(200);
  });
});

test('drains in two steps: open tunnels go on, and new ones are told to go elsewhere', async () => {
  const { app, session } = await startWithClient();
  const target = await startTarget(echo);
  const { stream } = await askFor(session, `127.0.0.1:${target.port}`);
  const lastIds: number[] = [];
  session.on('goaway', (_code, lastId) => void lastIds.push(lastId));
  app.scope.drain('stop');
  await eventually(() => lastIds, [2 ** 31 - 1, 1]);
  const peer = new RawPeer(streamLink(stream));
  peer.send('still here');
  expect(await peer.readUntil('here')).toBe('still here');
  peer.fin();
  await peer.readToEnd();
  expect(await inTime('the end of the drain', app.running.done)).toBe(0);
});

test('reads its certificates again without cutting tunnels', async () => {
  const certs = makeCopies();
  const app = await startHbone({ tls: certs.tls });
  const session = await connectHbone(mesh, app.port);
  const target = await startTarget(echo);
  const { stream } = await askFor(session, `127.0.0.1:${target.port}`);
  certs.replace(await mesh.issue(spiffeId('gateway-2')));
  await app.running.reload?.();
  const next = await connectTlsPeer(mesh, app.port);
  expect(next.getPeerCertificate().subjectaltname).toBe(`URI:${spiffeId('gateway-2')}`);
  const peer = new RawPeer(streamLink(stream));
  peer.send('still here');
  expect(await peer.readUntil('here')).toBe('still here');
});

test('keeps its certificates when the new ones are wrong', async () => {
  const certs = makeCopies();
  const app = await startHbone({ tls: certs.tls });
  certs.replace({ ...mesh.certs.server, keyPem: mesh.certs.client.keyPem });
  await expect(app.running.reload?.()).rejects.toMatchObject({ code: 'usage' });
  const socket = await connectTlsPeer(mesh, app.port);
  expect(socket.getPeerCertificate().subjectaltname).toBe(`URI:${spiffeId('gateway')}`);
});

/** Files of a server's certificate that can be replaced while it runs. */
function makeCopies() {
  const cert = mesh.certs.write('served.pem', mesh.gateway.cert);
  const key = mesh.certs.write('served.key', mesh.gateway.key);
  return {
    tls: { ...mesh.serverTls(), cert, key },
    replace: ({ certPem, keyPem }: { certPem: string; keyPem: string }) => {
      writeFileSync(cert, certPem);
      writeFileSync(key, keyPem);
    },
  };
}
