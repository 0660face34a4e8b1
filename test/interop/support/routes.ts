import { makeCerts } from '../../support/certs.ts';
import { hasEnvoy, startEnvoyTerminator } from '../parts/envoy.ts';
import { startNcatProxy } from '../parts/ncat-proxy.ts';
import { startNghttpx } from '../parts/nghttpx.ts';
import { startSquid } from '../parts/squid.ts';
import { startTinyproxy } from '../parts/tinyproxy.ts';
import type { Part } from './part.ts';
import { startTunlServe } from './tunl.ts';

/** A way through real proxies. */
export interface Route {
  readonly name: string;
  start(): Promise<StartedRoute>;
}

/** A route whose proxies are up. */
export interface StartedRoute {
  /** Values of `-x`, in travel order. */
  readonly hops: readonly string[];
  /** What the proxies said, for the message of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

/** Ways through an Envoy that ends the tunnels itself. */
const envoyRoutes: readonly Route[] = [
  makeEnvoyRoute('http'),
  makeEnvoyRoute('h2c'),
  makeEnvoyRoute('https', ['http/1.1']),
  makeEnvoyRoute('https', ['h2']),
  makeEnvoyRoute('post+http'),
  makeEnvoyRoute('post+h2c'),
  makeEnvoyRoute('post+https', ['http/1.1']),
  makeEnvoyRoute('post+h2', ['h2']),
];

/** Every way that ssh and forward must be able to take: a new proxy is one row. */
export const routes: readonly Route[] = [
  makeRoute('squid', async () => [[await startSquid(), toHop('http')]]),
  makeRoute('tinyproxy', async () => [[await startTinyproxy(), toHop('http')]]),
  makeRoute('ncat', async () => [[await startNcatProxy(), toHop('http')]]),
  makeRoute('tunl serve', async () => [[await startTunlServe(), toHop('http')]]),
  makeRoute('squid, then tunl serve', async () => [
    [await startSquid(), toHop('http')],
    [await startTunlServe(), toHop('http')],
  ]),
  makeRoute('tunl serve, which goes on through squid', async () => {
    const squid = await startSquid();
    return [[await startTunlServe(['-x', toHop('http')(squid)]), toHop('http')], [squid]];
  }),
  makeRoute('squid over TLS', async () => {
    const { server, ca } = await makeCerts();
    return [[await startSquid({ tls: server }), toHop('https', ca.cert)]];
  }),
  makeRoute('tunl serve --tls, known by its printed pin', async () => {
    const proxy = await startTunlServe(['--tls']);
    const [pin] = await proxy.waitForLine(/sha256\/[\w-]{43}=?/);
    return [[proxy, ({ port }) => `https://127.0.0.1:${port}?pin=${pin}`]];
  }),
  makeRoute('tunl serve --tls with a certificate of our authority', async () => {
    const { server, ca } = await makeCerts();
    const proxy = await startTunlServe(['--tls', '--cert', server.cert, '--key', server.key]);
    return [[proxy, toHop('https', ca.cert)]];
  }),
  makeRoute('tunl serve over h2c', async () => [[await startTunlServe(), toHop('h2c')]]),
  makeRoute('tunl serve --post over post+h2c', async () => [[await startTunlServe(['--post']), toHop('post+h2c')]]),
  makeRoute('nghttpx over h2c, in front of squid', async () => {
    const squid = await startSquid();
    return [[await startNghttpx({ backendPort: squid.port, backend: 'http/1.1' }), toHop('h2c')], [squid]];
  }),
  makeRoute('nghttpx over h2, in front of squid', async () => {
    const [{ server, ca }, squid] = [await makeCerts(), await startSquid()];
    const nghttpx = await startNghttpx({ backendPort: squid.port, backend: 'http/1.1', tls: server });
    return [[nghttpx, toHop('h2', ca.cert)], [squid]];
  }),
  makeRoute('nghttpx, which goes on over HTTP/2 through tunl serve', async () => {
    const serve = await startTunlServe();
    return [[await startNghttpx({ backendPort: serve.port, backend: 'h2' }), toHop('http')], [serve]];
  }),
  ...(hasEnvoy ? envoyRoutes : []),
];

/** A part, and how tunl is told to go through it; without that the parts before it do. */
type RouteStep = readonly [part: Part, writeHop?: (part: Part) => string];

/** Writes the hop for `-x`; with an authority by the name that certificates are for. */
function toHop(scheme: string, cacert?: string): (part: Part) => string {
  return ({ port }) =>
    cacert === undefined
      ? `${scheme}://127.0.0.1:${port}`
      : `${scheme}://localhost:${port}?cacert=${encodeURIComponent(cacert)}`;
}

/** With protocols to offer by ALPN over TLS, else in cleartext. */
function makeEnvoyRoute(scheme: string, alpn?: readonly string[]): Route {
  return makeRoute(`Envoy over ${scheme}${alpn ? `, which offers ${alpn.join()}` : ''}`, async () => {
    if (!alpn) return [[await startEnvoyTerminator(), toHop(scheme)]];
    const { server, ca } = await makeCerts();
    return [[await startEnvoyTerminator({ tls: server, alpn }), toHop(scheme, ca.cert)]];
  });
}

function makeRoute(name: string, startHops: () => Promise<readonly RouteStep[]>): Route {
  return {
    name,
    start: async () => {
      const started = await startHops();
      return {
        hops: started.flatMap(([part, writeHop]) => writeHop?.(part) ?? []),
        log: () => started.map(([part]) => `${part.name}:\n${part.log()}`).join('\n'),
        stop: async () => void (await Promise.all(started.map(([part]) => part.stop()))),
      };
    },
  };
}
