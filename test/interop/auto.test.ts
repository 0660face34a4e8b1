import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { amount } from '../support/amounts.ts';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';
import { startSquid } from './parts/squid.ts';
import { startHaproxy, startNginx } from './parts/web-fronts.ts';
import type { Part } from './support/part.ts';
import { openTunnel } from './support/tunnels.ts';
import { startTunl, startTunlServe, type TunlPart } from './support/tunl.ts';
import { expectSent, makeWay, startDigester } from './support/way.ts';

const bulkBytes = amount(5_000_000, 200_000_000);
const modes = ['--resume', '1m', '--ws', '--post', '--poll'];

let certs: Certs;
beforeAll(async () => {
  certs = await makeCerts();
});
afterAll(() => certs.remove());

const withTls = () => ['--tls', '--cert', certs.server.cert, '--key', certs.server.key];

/** Sends bytes through `forward -x auto+https` to a target, and its digest back, and returns the part and its time. */
async function sendThrough(hops: readonly string[], parts: readonly Part[]): Promise<TunlPart> {
  const target = await startDigester();
  const words = hops.flatMap((hop) => ['-x', hop]);
  const trust = ['--cacert', certs.ca.cert, '--no-cache'];
  const forward = await startTunl(['forward', '-v', ...words, ...trust, `:127.0.0.1:${target.port}`]);
  await expectSent(makeWay(forward, ...parts), bulkBytes);
  expect(target.accepted).toBe(1);
  return forward;
}

test('nginx passes nothing but requests and Upgrade: WebSocket works', async () => {
  const serve = await startTunlServe(modes);
  const nginx = await startNginx(serve.port, certs.server);
  const forward = await sendThrough([`auto+https://127.0.0.1:${nginx.port}`], [nginx, serve]);
  expect(forward.log()).toMatch(/: HTTP\/2: .* refused CONNECT tunl\.invalid:443: 4\d\d /);
  expect(forward.log()).toMatch(/: HTTP\/1\.1: .* refused CONNECT tunl\.invalid:443: 4\d\d /);
  expect(forward.log()).toMatch(/: WebSocket: works \(\d+ms\)/);
});

test('haproxy passes what it knows, and a mode works', async () => {
  const serve = await startTunlServe(modes);
  const haproxy = await startHaproxy(serve.port, certs.server);
  const forward = await sendThrough([`auto+https://127.0.0.1:${haproxy.port}`], [haproxy, serve]);
  expect(forward.log()).toMatch(/: works \(\d+ms\)/);
});

test('squid in front of serve denies CONNECT: another mode works', async () => {
  const serve = await startTunlServe(modes);
  const squid = await startSquid({
    tls: certs.server,
    backendPort: serve.port,
    rules: 'http_access deny CONNECT\nhttp_access allow all\nhttp_upgrade_request_protocols websocket allow all',
  });
  const forward = await sendThrough([`auto+https://127.0.0.1:${squid.port}`], [squid, serve]);
  expect(forward.log()).toMatch(/: HTTP\/1\.1: .* refused CONNECT tunl\.invalid:443: \d+ /);
  expect(forward.log()).toMatch(/: WebSocket: works \(\d+ms\)/);
});

test('nginx drops Upgrade and keeps requests until they are whole: poll works, and is remembered', async () => {
  const serve = await startTunlServe(modes);
  const nginx = await startNginx(serve.port, certs.server, { dropsUpgrade: true });
  const target = await startDigester();
  const hop = `auto+https://127.0.0.1:${nginx.port}`;
  const words = ['forward', '-v', '-x', hop, '--cacert', certs.ca.cert, `:127.0.0.1:${target.port}`];
  const env = { XDG_CACHE_HOME: makeTempFolder() };
  const forward = await startTunl(words, env);
  await expectSent(makeWay(forward, nginx, serve), bulkBytes);
  expect(forward.log()).toMatch(/: HTTP\/2: .* refused CONNECT tunl\.invalid:443: 4\d\d /);
  expect(forward.log()).toMatch(/: HTTP\/1\.1: .* refused CONNECT tunl\.invalid:443: 4\d\d /);
  expect(forward.log()).toMatch(/: WebSocket: /);
  expect(forward.log()).toMatch(/: poll: works \(\d+ms\)/);
  const again = await startTunl(words, env);
  await expectSent(makeWay(again), 1000);
  expect(again.log()).toMatch(/poll worked last in this network/);
  expect(again.log()).not.toMatch(/refused CONNECT/);
  expect(target.accepted).toBe(2);
});

test('squid in front of serve passes GET and POST only, and no Upgrade: a mode works', async () => {
  const serve = await startTunlServe(modes);
  const rules = 'acl pages method GET POST\nhttp_access allow pages\nhttp_access deny all';
  const squid = await startSquid({ tls: certs.server, backendPort: serve.port, rules });
  const forward = await sendThrough([`auto+https://127.0.0.1:${squid.port}`], [squid, serve]);
  expect(forward.log()).toMatch(/: WebSocket: /);
  expect(forward.log()).toMatch(/: (POST|poll): works \(\d+ms\)/);
});

test('squid allows CONNECT to one port only: the far end is there', async () => {
  const serve = await startTunlServe([...withTls(), ...modes]);
  const rules = `acl far port ${serve.port}\nhttp_access deny CONNECT !far\nhttp_access allow all`;
  const squid = await startSquid({ rules });
  const hops = [`http://127.0.0.1:${squid.port}`, `auto+https://127.0.0.1:${serve.port}`];
  const forward = await sendThrough(hops, [squid, serve]);
  expect(forward.log()).toMatch(/: HTTP\/[12.]+: works \(\d+ms\)/);
});

test('a tunnel through nginx goes on when nginx is started anew', async () => {
  const serve = await startTunlServe(modes);
  const nginx = await startNginx(serve.port, certs.server);
  const target = await startTarget();
  const hop = `auto+https://127.0.0.1:${nginx.port}?resume=1m`;
  const trust = ['--cacert', certs.ca.cert, '--no-cache'];
  const forward = await startTunl(['forward', '-v', '-x', hop, ...trust, `:127.0.0.1:${target.port}`]);
  onTestFinished(async () => {
    for (const part of [forward, serve]) await part.stop();
  });
  const ends = await openTunnel(forward.port, target);
  await nginx.stop();
  const again = await startNginx(serve.port, certs.server, { port: nginx.port });
  onTestFinished(() => again.stop());
  ends.client.send('still here');
  expect((await ends.target.read(10)).toString(), forward.log()).toBe('still here');
  ends.client.fin();
  expect(await ends.target.waitForEnd()).toBe('fin');
  ends.target.fin();
  expect(await ends.client.waitForEnd()).toBe('fin');
});
