import { beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { eventually } from '../support/eventually.ts';
import { startTarget } from '../support/targets/plain.ts';
import { startNghttpx } from './parts/nghttpx.ts';
import { startSquid } from './parts/squid.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import { run } from './support/process.ts';
import { startTunl, startTunlServe } from './support/tunl.ts';
import { exchangeOwnBytes, openTunnel, startEcho } from './support/tunnels.ts';

let certs: Certs;
let web: Origin;

beforeAll(async () => {
  [certs, web] = await Promise.all([makeCerts(), startWebOrigin()]);
  return web.stop;
});

describe.each([
  { name: 'in cleartext', scheme: 'http', hop: 'h2c', isSecure: false },
  { name: 'over TLS', scheme: 'https', hop: 'h2', isSecure: true },
])('one port of tunl serve $name', ({ scheme, hop, isSecure }) => {
  test('takes HTTP/1.1 of curl while a tunnel over HTTP/2 is open', async () => {
    const { server, ca } = certs;
    const serve = await startTunlServe(isSecure ? ['--tls', '--cert', server.cert, '--key', server.key] : []);
    const query = isSecure ? `?cacert=${encodeURIComponent(ca.cert)}` : '';
    const target = await startTarget();
    const url = `${hop}://localhost:${serve.port}${query}`;
    const forward = await startTunl(['forward', '--grace', '0', `:127.0.0.1:${target.port}`, '-x', url]);
    const tunnel = await openTunnel(forward.port, target);
    const proxy = ['-p', '-x', `${scheme}://localhost:${serve.port}`, '--proxy-cacert', ca.cert];
    const page = await run({ file: 'curl', args: ['-q', '-sS', ...proxy, `http://127.0.0.1:${web.port}/page`] });
    expect(page, serve.log()).toMatchObject({ code: 0, stdout: 'GET /page', stderr: '' });
    tunnel.client.send('still');
    expect(String(await tunnel.target.read(5))).toBe('still');
    await Promise.all([forward.stop(), serve.stop()]);
  });
});

describe.each([
  { name: 'nghttpx over HTTP/1.1, which goes on over HTTP/2 through tunl serve', scheme: 'http', backend: 'h2' },
  { name: 'nghttpx over HTTP/2, which goes on over HTTP/2 through tunl serve', scheme: 'h2c', backend: 'h2' },
  { name: 'nghttpx over HTTP/2, in front of squid', scheme: 'h2c', backend: 'http/1.1' },
] as const)('$name', ({ scheme, backend }) => {
  test('carries 201 tunnels at once, each with its own bytes, and passes their resets on', async () => {
    const target = await startEcho();
    const far = backend === 'h2' ? await startTunlServe() : await startSquid();
    const nghttpx = await startNghttpx({ backendPort: far.port, backend });
    const hop = `${scheme}://127.0.0.1:${nghttpx.port}`;
    const forward = await startTunl(['forward', `:127.0.0.1:${target.port}`, '-x', hop]);
    const peers = await exchangeOwnBytes(forward.port, 201);
    expect(target.open).toBe(201);
    // It passes the end of a client on only when the target has ended as well; a reset it does at once.
    for (const peer of peers) peer.reset();
    await eventually(() => target.open, 0);
    await Promise.all([forward, nghttpx, far].map((part) => part.stop()));
  });
});
