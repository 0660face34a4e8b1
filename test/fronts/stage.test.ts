import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { startAdmin } from '../support/harness/admin.ts';
import { startTestFront, startTestServe, makeHop } from '../support/harness/app.ts';
import { startChain } from '../support/harness/chain.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, proxyStage } from '../support/graphs/graphs.ts';
import { connectPeer, connectTlsPeer } from '../support/peers/raw-peer.ts';
import { answer5, openSocks5, socks } from '../support/peers/socks-client.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';
import { lateRefusalOf } from '../support/usage.ts';

const request = (method: string, target: string, fields = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

test('one port takes SOCKS and HTTP, and one program may speak both', async () => {
  const target = await startTarget(echo);
  const front = await startTestFront('any');
  const authority = `127.0.0.1:${target.port}`;
  const http = await connectPeer(front.port);
  http.send(request('CONNECT', authority));
  expect(await http.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  const [client, reply] = await openSocks5(front.port, '127.0.0.1', target.port);
  expect(reply).toBe(0);
  for (const peer of [http, client]) {
    peer.send('word');
    expect((await peer.read(4)).toString()).toBe('word');
  }
});

test('each front refuses what the other one takes', async () => {
  const http = await startTestFront('http');
  const client = await connectPeer(http.port);
  client.send(socks.greet(0));
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 400 /);
  const other = await startTestFront('socks');
  const browser = await connectPeer(other.port);
  browser.send(request('CONNECT', 'a:80'));
  expect(await browser.readToEnd()).toHaveLength(0);
});

test('a request in origin form is a 405, whatever its Host says', async () => {
  const target = await startTarget(echo);
  const front = await startTestFront('any');
  const client = await connectPeer(front.port);
  client.send(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\n`);
  expect((await client.readToEnd()).toString()).toMatch(/^HTTP\/1\.1 405 /);
  expect(target.accepted).toBe(0);
});

test.each(['http', 'any'])('%s: takes plain requests, and keeps the password back', async (kind) => {
  const target = await startTarget();
  const single = { user: 'alice', password: 'wonder' };
  const front = await startTestFront(kind, { access: { users: { single }, allow: [], deny: [] } });
  const url = `http://127.0.0.1:${target.port}/page`;
  const stranger = await connectPeer(front.port);
  stranger.send(request('GET', url));
  expect(await stranger.readHead()).toMatch(/^HTTP\/1\.1 407 /);
  const client = await connectPeer(front.port);
  const basic = Buffer.from('alice:wonder').toString('base64');
  client.send(request('GET', url, `Proxy-Authorization: Basic ${basic}\r\n`));
  const origin = await target.accept();
  const head = await origin.readHead();
  expect(head).toMatch(/^GET \/page HTTP\/1\.1\r\n/);
  expect(head).not.toMatch(/proxy-authorization/i);
  origin.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  expect((await client.read(2)).toString()).toBe('hi');
  const own = await connectPeer(front.port);
  own.send(request('GET', `http://127.0.0.1:${front.port}/`, `Proxy-Authorization: Basic ${basic}\r\n`));
  expect(await own.readHead()).toMatch(/^HTTP\/1\.1 (?:403|502) /);
});

test('rules, caps and access logs are those of every proxy', async () => {
  const target = await startTarget(echo);
  const path = join(makeTempFolder(), 'access.log');
  const format = '%REQ(:METHOD)% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %RESPONSE_CODE%\n';
  const stage = proxyStage('front', {
    front: 'socks',
    deny: ['denied.example:80'],
    caps: { total: 1 },
    accessLogs: [{ path, format }],
  });
  const chain = await startChain([stage]);
  const [, denied] = await openSocks5(chain.port, 'denied.example', 80);
  expect(denied).toBe(2);
  const [first, opened] = await openSocks5(chain.port, '127.0.0.1', target.port);
  expect(opened).toBe(0);
  const [, full] = await openSocks5(chain.port, '127.0.0.1', target.port);
  expect(full).toBe(1);
  first.fin();
  await first.readToEnd();
  await eventually(() => chain.running.tunnels.size, 0);
  const [, again] = await openSocks5(chain.port, '127.0.0.1', target.port);
  expect(again).toBe(0);
  await chain.stop();
  expect(readFileSync(path, 'utf8')).toBe('- 127.0.0.1 0\n'.repeat(4));
});

test('no tunnel leads to the admin address', async () => {
  const admin = await startAdmin({ stages: [proxyStage('front', { front: 'any' })], admin: freePort });
  const [, reply] = await openSocks5(admin.port, '127.0.0.1', admin.adminPort);
  expect(reply).toBe(2);
  const [, named] = await openSocks5(admin.port, 'localhost', admin.adminPort);
  expect(named).toBe(2);
});

test('clients may speak SOCKS in TLS', async () => {
  const target = await startTarget(echo);
  const chain = await startChain([proxyStage('front', { front: 'any', tls: {} })]);
  const client = await connectTlsPeer(chain.port, []);
  client.send(Buffer.concat([socks.greet(0), socks.ask5('127.0.0.1', target.port)]));
  expect(await client.read(12)).toEqual(Buffer.concat([Buffer.of(5, 0), answer5(0)]));
});

test('a proxy on the way sees our Via, so that it can find loops', async () => {
  const far = await startTarget();
  const front = await startTestFront('socks', { hops: [makeHop('http', far.port)] });
  const client = await connectPeer(front.port);
  client.send(Buffer.concat([socks.greet(0), socks.ask5('a', 80)]));
  const hop = await far.accept();
  expect(await hop.readHead()).toMatch(/\r\nVia: SOCKS\/5 tunl-[0-9a-f]{8}\r\n/i);
});

test('a tunnel that comes back through the same front is refused', async () => {
  const front = await startTestFront('any', { hops: [] });
  const around = await startTestServe({ hops: [makeHop('http', front.port)] });
  const client = await connectPeer(around.port);
  client.send(request('CONNECT', `127.0.0.1:${front.port}`));
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 (?:403|502) /);
});

describe('the end of the program', () => {
  test('resets clients that have sent no request, and lets tunnels finish', async () => {
    const target = await startTarget(echo);
    const front = await startTestFront('any');
    const idle = await connectPeer(front.port);
    const halfway = await connectPeer(front.port);
    halfway.send(socks.greet(0));
    await halfway.read(2);
    const [client] = await openSocks5(front.port, '127.0.0.1', target.port);
    front.scope.drain('SIGTERM');
    expect([await idle.waitForEnd(), await halfway.waitForEnd()]).toEqual(['reset', 'reset']);
    client.send('word');
    expect((await client.read(4)).toString()).toBe('word');
    client.fin();
    await client.readToEnd();
    expect(await front.running.done).toBe(0);
  });
});

/** The files of a listener that asks clients for certificates. */
async function makeTls() {
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  return { cert: certs.server.cert, key: certs.server.key, clientCa: certs.ca.cert };
}

test('certificates that need not come let nobody use a proxy from other machines', async () => {
  const listen = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;
  const tls = await makeTls();
  await startChain([proxyStage('proxy', { listen, tls })]);
  const optional = { ...tls, clientCert: 'optional' } as const;
  const refusal = await lateRefusalOf(startChain([proxyStage('proxy', { listen, tls: optional })]));
  expect(refusal.message).toBe('refusing to serve 0.0.0.0:0 without authentication');
});

test('no client of hbone may come without a certificate', async () => {
  const tls = { ...(await makeTls()), clientCert: 'optional' } as const;
  const refusal = await lateRefusalOf(startChain([proxyStage('mesh', { accept: ['hbone'], tls })]));
  expect(refusal.message).toBe('clients of hbone always show certificates');
});

test('other machines may use a front with a password or by permission only', async () => {
  const listen = [{ kind: 'tcp', host: '0.0.0.0', port: 0 }] as const;
  const refusal = await lateRefusalOf(startChain([proxyStage('front', { front: 'socks', listen })]));
  expect(refusal.message).toBe('refusing to serve 0.0.0.0:0 without authentication');
  const single = { user: 'a', password: 'b' };
  await startChain([proxyStage('front', { front: 'socks', listen, users: { single } })]);
  const open = await startChain([proxyStage('front', { front: 'socks', listen, open: true })]);
  const [, reply] = await openSocks5(open.port, '127.0.0.1', 80);
  expect(reply).toBe(2);
});
