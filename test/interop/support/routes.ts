import { makeCerts } from '../../support/certs/certs.ts';
import { type EnvoyPart, hasEnvoy, startEnvoyTerminator } from '../parts/envoy.ts';
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
  /** The output of the proxies, for the message of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

/** A way through an Envoy that ends the tunnels itself. */
export interface EnvoyRoute extends Route {
  readonly method: 'CONNECT' | 'POST';
  readonly protocol: 'h1' | 'h2';
  start(): Promise<StartedRoute & { readonly envoy: EnvoyPart }>;
}

/** Every way through Envoy: each method in each protocol, in cleartext and over TLS. */
export const envoyRoutes: readonly EnvoyRoute[] = [
  makeEnvoyRoute('http', 'CONNECT', 'h1'),
  makeEnvoyRoute('h2c', 'CONNECT', 'h2'),
  makeEnvoyRoute('https', 'CONNECT', 'h1'),
  makeEnvoyRoute('https', 'CONNECT', 'h2'),
  makeEnvoyRoute('post+http', 'POST', 'h1'),
  makeEnvoyRoute('post+h2c', 'POST', 'h2'),
  makeEnvoyRoute('post+https', 'POST', 'h1'),
  makeEnvoyRoute('post+h2', 'POST', 'h2'),
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

/** A part, and the hop that leads tunl through it; without a hop, the parts before it lead there. */
type RouteStep = readonly [part: Part, writeHop?: (part: Part) => string];

/** Writes the hop for `-x`; with an authority, it names the host that the certificates are for. */
function toHop(scheme: string, cacert?: string): (part: Part) => string {
  return ({ port }) =>
    cacert === undefined
      ? `${scheme}://127.0.0.1:${port}`
      : `${scheme}://localhost:${port}?cacert=${encodeURIComponent(cacert)}`;
}

function makeEnvoyRoute(scheme: string, method: EnvoyRoute['method'], protocol: EnvoyRoute['protocol']): EnvoyRoute {
  const isSecure = !['http', 'h2c', 'post+http', 'post+h2c'].includes(scheme);
  return {
    name: `Envoy, ${method} over ${protocol} (${scheme}://)`,
    method,
    protocol,
    start: async () => {
      const { server, ca } = await makeCerts();
      const alpn = [protocol === 'h2' ? 'h2' : 'http/1.1'];
      const envoy = await startEnvoyTerminator(isSecure ? { tls: server, alpn } : {});
      const hop = toHop(scheme, isSecure ? ca.cert : undefined);
      return { hops: [hop(envoy)], envoy, log: envoy.log, stop: envoy.stop };
    },
  };
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
