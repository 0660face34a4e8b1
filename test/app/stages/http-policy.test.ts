import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HttpStage } from '../../../src/chain/model/graph.ts';
import { startChain, type TestChain } from '../../support/harness/chain.ts';
import { eventually } from '../../support/eventually.ts';
import { connectHttp2 } from '../../support/peers/h2-peer.ts';
import { answer, httpStage, on, requests, tunnels, upstream } from '../../support/graphs/http-stages.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, listenOnly, startTarget, type Target } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

const users = { single: { user: 'alice', password: 'open:sesame' } };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const right = basic('alice:open:sesame');

const get = (target: string, ...fields: readonly string[]) => ask('GET', target, ...fields);
const ask = (method: string, target: string, ...fields: readonly string[]) =>
  [`${method} ${target} HTTP/1.1`, 'Host: a.test', ...fields, '', ''].join('\r\n');

/** A stage that sends requests on, and ends the tunnels of CONNECT and of POST to /tunnel. */
async function start(target: Target, more: Partial<Omit<HttpStage, 'listen'>>, place = target.address) {
  const routes = [
    on('CONNECT', tunnels()),
    on('/tunnel', tunnels({ post: true })),
    on('/answer', answer('by the file')),
    on('/', requests({ upgrades: ['websocket'] })),
  ];
  const chain = await startChain([httpStage('front', routes, [upstream('main', place)], more)]);
  return { chain, client: await connectPeer(chain.port) };
}

/** The statuses of the requests that failed, and who asked. */
const failuresOf = (chain: TestChain) => chain.eventsOf('tunnel.failed').map(({ status, user }) => [status, user]);

describe('a stage with users', () => {
  const origin = /^HTTP\/1\.1 401 Unauthorized\r\n.*WWW-Authenticate: Basic realm="tunl", charset="UTF-8"\r\n/s;
  const proxy = /^HTTP\/1\.1 407 Proxy Authentication Required\r\n.*Proxy-Authenticate: Basic realm="tunl"/s;

  test.each([
    ['a request', get('/'), origin],
    ['a request with the credentials for a proxy', get('/', `Proxy-Authorization: ${right}`), origin],
    ['an answer of the file', get('/answer'), origin],
    ['what no route fits', ask('OPTIONS', '*'), origin],
    ['a tunnel in a POST', ask('POST', '/tunnel', 'Transfer-Encoding: chunked'), origin],
    ['a change of protocol', get('/', 'Connection: upgrade', 'Upgrade: websocket'), origin],
    ['a request to a proxy', get('http://a.test/'), proxy],
    ['CONNECT', ask('CONNECT', 'a.test:1'), proxy],
    ['CONNECT with the credentials for a server', ask('CONNECT', 'a.test:1', `Authorization: ${right}`), proxy],
  ])('refuses %s that says not who asks', async (_, request, challenge) => {
    const target = await startTarget(listenOnly);
    const { chain, client } = await start(target, { users });
    client.send(request);
    expect(await client.readUntil('credentials are required\n')).toMatch(challenge);
    await eventually(() => failuresOf(chain).map(([status]) => status), [challenge === origin ? 401 : 407]);
    expect(chain.running.tunnels.size).toBe(0);
    expect(target.accepted).toBe(0);
  });

  test('learns the user of a request, and keeps the password from the upstream', async () => {
    const target = await startTarget();
    const { chain, client } = await start(target, { users });
    client.send(get('/', `Authorization: ${right}`, 'X-Other: 1'));
    const upstreamPeer = await target.accept();
    const head = await upstreamPeer.readHead();
    expect(head).toMatch(/^GET \/ HTTP\/1\.1\r\n.*x-other: 1\r\n/is);
    expect(head).not.toMatch(/authorization|sesame/i);
    upstreamPeer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await client.readUntil('ok');
    await eventually(() => chain.eventsOf('tunnel.closed').map(({ user, status }) => [user, status]), [['alice', 200]]);
  });

  test('takes the credentials for a proxy from a request to one, and passes on those for the server', async () => {
    const target = await startTarget();
    const { client } = await start(target, { users });
    client.send(get('http://a.test/x', `Proxy-Authorization: ${right}`, 'Authorization: Bearer theirs'));
    const head = await (await target.accept()).readHead();
    expect(head).toMatch(/^GET \/x HTTP\/1\.1\r\n.*authorization: Bearer theirs\r\n/is);
    expect(head).not.toMatch(/proxy-authorization/i);
  });

  test('goes on with a connection after a refusal, and asks for each request again', async () => {
    const { chain, client } = await start(await startTarget(), { users });
    for (const [value, status] of [
      [basic('alice:wrong'), 401],
      [right, 200],
      [basic('bob:x'), 401],
    ] as const) {
      client.send(get('/answer', `Authorization: ${value}`));
      expect(await client.readHead()).toContain(`HTTP/1.1 ${status} `);
      await client.read(status === 200 ? 11 : 'tunl: credentials are required\n'.length);
    }
    expect(failuresOf(chain)).toEqual([
      [401, 'alice'],
      [401, 'bob'],
    ]);
  });

  test('opens tunnels for them', async () => {
    const { chain, client } = await start(await startTarget(echo), { users });
    client.send(ask('CONNECT', 'a.test:1', `Proxy-Authorization: ${right}`));
    expect(await client.readHead()).toContain(' 200 ');
    client.send('hello');
    expect(String(await client.read(5))).toBe('hello');
    expect([...chain.running.tunnels]).toMatchObject([{ user: 'alice' }]);
  });

  test('asks over HTTP/2 too', async () => {
    const { chain } = await start(await startTarget(), { users });
    const peer = await connectHttp2(chain.port);
    const path = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a.test'],
      [':path', '/answer'],
    ] as const;
    const asked = [path, [...path, ['authorization', right] as const]].map((fields) => peer.request(fields, 5));
    expect(await peer.outcomesOf([...asked, peer.connect('a.test:1')])).toEqual(
      [401, 200, 407].map((status) => ({ status })),
    );
  });

  test('knows the users of its file as they are after a reload', async () => {
    const authFile = join(makeTempFolder(), 'users');
    writeFileSync(authFile, `alice:{SHA}${'qUqP5cyxm6YcTAhz05Hph5gvu9M='}\n`);
    const { chain, client } = await start(await startTarget(), { users: { authFile } });
    client.send(get('/answer', `Authorization: ${basic('alice:test')}`));
    expect(await client.readUntil('by the file')).toContain(' 200 ');
    writeFileSync(authFile, `bob:{SHA}${'qUqP5cyxm6YcTAhz05Hph5gvu9M='}\n`);
    await chain.running.reload?.();
    client.send(get('/answer', `Authorization: ${basic('alice:test')}`));
    expect(await client.readHead()).toContain(' 401 ');
  });

  test('may be reached by others and let requests choose where they go', async () => {
    const chosen = upstream('main', { field: 'x-target' });
    const listen = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;
    const stage = (more: Partial<HttpStage>) =>
      httpStage('front', [on('/', requests())], [chosen], { listen, ...more });
    await expect(startChain([stage({})])).rejects.toThrow('refusing to let everyone who reaches 0.0.0.0:0');
    const chain = await startChain([stage({ users })]);
    const client = await connectPeer(chain.port);
    // Others reach the listener, so that special addresses need an allow, as with a proxy.
    client.send(get('/', `Authorization: ${right}`, 'X-Target: 127.0.0.1:1'));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 .*error=destination_ip_prohibited/s);
  });
});

describe('a stage with rules', () => {
  test.each([
    [{ deny: ['a.test'] }, 403],
    [{ deny: ['a.test:443'] }, 200],
    [{ allow: ['*.test'] }, 200],
    [{ allow: ['*.test:80'] }, 200],
    [{ allow: ['*.test:443'] }, 403],
    [{ allow: ['b.test'], deny: ['a.test'] }, 403],
    [{ allow: ['b.test'] }, 403],
  ])('%j answers a request for a.test with %d', async (rules, status) => {
    const target = await startTarget((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n')));
    const { chain, client } = await start(target, rules);
    client.send(get('/'));
    expect(await client.readHead()).toContain(`HTTP/1.1 ${status} `);
    expect(target.accepted).toBe(status === 200 ? 1 : 0);
    expect(chain.eventsOf('tunnel.failed').map((event) => event.status)).toEqual(status === 200 ? [] : [403]);
  });

  test('judges tunnels by what they ask for, and answers of its own not at all', async () => {
    const { client } = await start(await startTarget(echo), { deny: ['a.test'] });
    client.send(get('/answer'));
    expect(await client.readUntil('by the file')).toContain(' 200 ');
    client.send(ask('CONNECT', 'a.test:1'));
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 403 .*error=http_request_denied/s);
  });

  test.each([
    [{ deny: ['127.0.0.0/8'] }, 403],
    [{ allow: ['10.0.0.0/8'] }, 403],
    [{ allow: ['127.0.0.1'] }, 503],
  ])('%j judges a place that the request chose', async (rules, status) => {
    const chosen = upstream('main', { field: 'x-target' });
    const chain = await startChain([httpStage('front', [on('/', requests())], [chosen], rules)]);
    const client = await connectPeer(chain.port);
    client.send(get('/', 'X-Target: 127.0.0.1:1'));
    expect(await client.readHead()).toContain(`HTTP/1.1 ${status} `);
  });

  test('does not know a host that cannot be read', async () => {
    const target = await startTarget();
    const { client } = await start(target, { deny: ['b.test'] });
    client.send('GET / HTTP/1.1\r\nHost: a~b\r\n\r\n');
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 503 .*error=http_request_error/s);
    expect(target.accepted).toBe(0);
  });
});

describe('a stage with caps', () => {
  const refusal = /^HTTP\/1\.1 503 .*error=connection_limit_reached\r\nRetry-After: 1\r\n/s;

  test('refuses a request more than it may have, and has a place again when one is over', async () => {
    const target = await startTarget();
    const { chain, client } = await start(target, { caps: { total: 1 } });
    const other = await connectPeer(chain.port);
    client.send(get('/'));
    const upstreamPeer = await target.accept();
    other.send(get('/answer'));
    expect(await other.readUntil('limit reached\n')).toMatch(refusal);
    upstreamPeer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await client.readUntil('ok');
    await eventually(() => chain.running.tunnels.size, 0);
    other.send(get('/answer'));
    expect(await other.readUntil('by the file')).toContain(' 200 ');
    expect(failuresOf(chain)).toEqual([[503, undefined]]);
  });

  test.each([
    ['a tunnel', ask('CONNECT', 'a.test:1'), ''],
    [
      'a protocol that both switched to',
      get('/', 'Connection: upgrade', 'Upgrade: websocket'),
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
  ])('counts %s until it has ended', async (_, request, opening) => {
    const target = await startTarget((socket) =>
      socket
        .on('end', () => socket.end())
        .resume()
        .write(opening),
    );
    const { chain, client } = await start(target, { caps: { perClient: 1 } });
    client.send(request);
    await client.readHead();
    const other = await connectPeer(chain.port);
    other.send(get('/answer'));
    expect(await other.readUntil('limit reached\n')).toMatch(refusal);
    client.fin();
    await client.waitForEnd();
    await eventually(() => chain.running.tunnels.size, 0);
    other.send(get('/answer'));
    expect(await other.readUntil('by the file')).toContain(' 200 ');
  });

  test('gives the place of a request back that fails', async () => {
    const { client } = await start(
      await startTarget(),
      { caps: { total: 1 } },
      { kind: 'tcp', host: '127.0.0.1', port: 1 },
    );
    for (let round = 0; round < 3; round++) {
      client.send(get('/'));
      expect(await client.readUntil('refused\n')).toMatch(/^HTTP\/1\.1 503 .*error=connection_refused/s);
    }
  });

  test('tells each HTTP/2 session how much it may have', async () => {
    const { chain } = await start(await startTarget(), { caps: { perSession: 3 } });
    const peer = await connectHttp2(chain.port);
    const { payload } = await peer.until('SETTINGS', (frame) => frame.type === 'settings' && frame.payload.length > 0);
    // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, section 6.5.2).
    expect(payload.toString('hex')).toContain('000300000003');
  });
});
