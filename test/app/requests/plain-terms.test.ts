import { once } from 'node:events';
import { connect as connectSession, type Settings } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatAddress } from '../../../src/core/address.ts';
import { eventually } from '../../support/eventually.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { readStream } from '../../support/harness/h2-request-bed.ts';
import { linesOf, type PlainBed, startPlainBed, writeHead } from '../../support/harness/plain-bed.ts';
import { answerPaths, refusedAddress } from '../../support/targets/plain.ts';

const single = { user: 'alice', password: 'right' };
const right = `Proxy-Authorization: Basic ${btoa('alice:right')}`;

function startSession({ serve }: PlainBed, settings: Settings = {}) {
  const session = connectSession(`http://127.0.0.1:${serve.port}`, { settings });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

describe('users', () => {
  test('are asked for a password, for every request of a connection', async () => {
    const bed = await startPlainBed({ users: { single } }, answerPaths);
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/a`, right));
    await client.readUntil('/a');
    client.send(writeHead(`GET ${bed.origin}/b`) + writeHead(`GET ${bed.origin}/c`, right));
    const answer = (await client.readToEnd()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 407 [^]*\r\nProxy-Authenticate: Basic [^]*credentials are required\n$/);
    expect(bed.serve.eventsOf('tunnel.closed')).toMatchObject([{ user: 'alice', status: 200 }]);
    expect(bed.serve.eventsOf('tunnel.failed')).toMatchObject([{ status: 407, target: `GET ${bed.origin}/b` }]);
  });

  test('of the target send their own password through', async () => {
    const bed = await startPlainBed({ users: { single } });
    const client = await bed.connect();
    client.send(writeHead(`GET ${bed.origin}/`, right, 'Authorization: Bearer x'));
    const head = await (await bed.target.accept()).readHead();
    expect(head).toContain('\r\nauthorization: Bearer x\r\n');
    expect(head.toLowerCase()).not.toContain('proxy-');
  });
});

test('requests have places like tunnels, and give them back', async () => {
  const bed = await startPlainBed({ caps: { total: 1 } });
  const first = await bed.connect();
  first.send(writeHead(`GET ${bed.origin}/`));
  const upstream = await bed.target.accept();
  const second = await bed.connect();
  second.send(writeHead(`GET ${bed.origin}/`));
  expect(await second.readHead()).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
  upstream.send('HTTP/1.1 204 No Content\r\n\r\n');
  expect(await first.readHead()).toMatch(/^HTTP\/1\.1 204 /);
  first.send(writeHead(`GET ${bed.origin}/`));
  await upstream.readHead();
  upstream.send('HTTP/1.1 204 No Content\r\n\r\n');
  await upstream.readHead();
  expect(await first.readHead()).toMatch(/^HTTP\/1\.1 204 /);
});

test('requests that run are finished when the proxy stops, and idle clients are let go', async () => {
  const bed = await startPlainBed();
  const [busy, idle] = [await bed.connect(), await bed.connect()];
  idle.send(writeHead(`GET ${bed.origin}/`));
  (await bed.target.accept()).send('HTTP/1.1 204 No Content\r\n\r\n');
  await idle.readHead();
  busy.send(writeHead(`GET ${bed.origin}/`));
  const upstream = await bed.target.accept();
  await upstream.readHead();
  bed.serve.scope.drain('SIGTERM');
  expect(await idle.waitForEnd()).toBe('fin');
  upstream.send('HTTP/1.1 204 No Content\r\n\r\n');
  expect(await busy.readHead()).toMatch(/\r\nConnection: close\r\n/);
  busy.fin();
  idle.fin();
  await bed.serve.running.done;
});

describe('over HTTP/2', () => {
  test('a request for http: is forwarded, with the host of :authority', async () => {
    const bed = await startPlainBed();
    const session = startSession(bed);
    const authority = `127.0.0.1:${bed.target.port}`;
    const asked = readStream(session.request({ ':authority': authority, ':path': '/x?y', cookie: ['a=1', 'b=2'] }));
    const upstream = await bed.target.accept();
    expect(linesOf(await upstream.readHead())).toEqual([
      'GET /x?y HTTP/1.1',
      `host: ${authority}`,
      'cookie: a=1; b=2',
      'via: 2 US',
    ]);
    upstream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await asked).toMatchObject({ head: { ':status': 200 }, body: 'ok' });
  });

  test('a request for https: is 501, and nothing is dialled', async () => {
    const bed = await startPlainBed();
    const session = startSession(bed);
    const authority = `127.0.0.1:${bed.target.port}`;
    const stream = session.request({ ':authority': authority, ':scheme': 'https', ':path': '/' });
    expect((await readStream(stream)).head).toMatchObject({ ':status': 501 });
    expect(bed.target.accepted).toBe(0);
  });

  test('a proxy without plain requests answers 405', async () => {
    const bed = await startPlainBed({ accept: [] });
    const stream = startSession(bed).request({ ':authority': 'a.test', ':path': '/' });
    const { head, body } = await readStream(stream);
    expect(head).toMatchObject({ ':status': 405, allow: 'CONNECT' });
    expect(body).toContain('ask for https://, or for a tunnel');
  });

  test('with POST tunnels a POST is a tunnel, and other methods are plain', async () => {
    const bed = await startPlainBed({ accept: ['plain', 'post'] });
    const session = startSession(bed);
    const authority = `127.0.0.1:${bed.target.port}`;
    const tunnel = session.request({ ':authority': authority, ':path': '/', ':method': 'POST' }, { endStream: false });
    tunnel.write('bytes');
    const end = await bed.target.accept();
    expect(await end.readUntil('bytes')).toBe('bytes');
    session.request({ ':authority': authority, ':path': '/p', ':method': 'PUT' });
    expect(await (await bed.target.accept()).readHead()).toMatch(/^PUT \/p HTTP\/1\.1\r\n/);
  });
});

describe('with POST tunnels over HTTP/1.1', () => {
  test('a POST in absolute form is a plain request', async () => {
    const bed = await startPlainBed({ accept: ['plain', 'post'] });
    (await bed.connect()).send(`${writeHead(`POST ${bed.origin}/x`, 'Content-Length: 1')}1`);
    expect(await (await bed.target.accept()).readHead()).toMatch(/^POST \/x HTTP\/1\.1\r\n/);
  });

  test('a POST in origin form is a tunnel', async () => {
    const bed = await startPlainBed({ accept: ['plain', 'post'] });
    const client = await bed.connect();
    const host = `Host: 127.0.0.1:${bed.target.port}`;
    client.send(`${writeHead('POST /', host, 'Transfer-Encoding: chunked')}3\r\nabc\r\n`);
    expect(await (await bed.target.accept()).readUntil('abc')).toBe('abc');
  });
});

test('an HBONE endpoint forwards none', async () => {
  const limits = calmLimits;
  const start = startPlainBed({ accept: ['hbone', 'plain'], limits, tls: {} });
  await expect(start).rejects.toThrow('--hbone has its address for itself: plain requests cannot go with it');
});

test('a refused request has given its place back before its answer is read', async () => {
  const bed = await startPlainBed({ caps: { total: 1 } });
  // Without a window, the body of an answer has to wait.
  const session = startSession(bed, { initialWindowSize: 0 });
  for (const path of ['/1', '/2']) {
    const stream = session.request({ ':authority': formatAddress(refusedAddress), ':path': path });
    const [head] = (await once(stream, 'response')) as Readonly<Record<string, unknown>>[];
    expect([head?.[':status'], head?.['proxy-status']]).toEqual([502, 'tunl; error=connection_refused']);
  }
});

test('an answer that asks for the password of a proxy is no answer for our client', async () => {
  const bed = await startPlainBed({}, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n')),
  );
  const client = await bed.connect();
  client.send(writeHead(`GET ${bed.origin}/`));
  const head = await client.readHead();
  expect(head).toMatch(/^HTTP\/1\.1 502 [^]*error=http_protocol_error/);
  expect(head).not.toContain('Proxy-Authenticate');
  await eventually(() => bed.serve.running.tunnels.size, 0);
});
