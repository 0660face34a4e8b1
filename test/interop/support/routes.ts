import { makeCerts } from '../../support/certs.ts';
import { startNcatProxy } from '../parts/ncat-proxy.ts';
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

/** Every way that ssh and forward must be able to take: a new proxy is one row. */
export const routes: readonly Route[] = [
  makeRoute('squid', async () => [[await startSquid(), makeHttpHop]]),
  makeRoute('tinyproxy', async () => [[await startTinyproxy(), makeHttpHop]]),
  makeRoute('ncat', async () => [[await startNcatProxy(), makeHttpHop]]),
  makeRoute('tunl serve', async () => [[await startTunlServe(), makeHttpHop]]),
  makeRoute('squid, then tunl serve', async () => [
    [await startSquid(), makeHttpHop],
    [await startTunlServe(), makeHttpHop],
  ]),
  makeRoute('tunl serve, which goes on through squid', async () => {
    const squid = await startSquid();
    return [[await startTunlServe(['-x', makeHttpHop(squid)]), makeHttpHop], [squid]];
  }),
  makeRoute('squid over TLS', async () => {
    const { server, ca } = await makeCerts();
    return [[await startSquid({ tls: server }), ({ port }) => formatSecureHop(port, ca.cert)]];
  }),
  makeRoute('tunl serve --tls, known by its printed pin', async () => {
    const proxy = await startTunlServe(['--tls']);
    const [pin] = await proxy.waitForLine(/sha256\/[\w-]{43}=?/);
    return [[proxy, ({ port }) => `https://127.0.0.1:${port}?pin=${pin}`]];
  }),
  makeRoute('tunl serve --tls with a certificate of our authority', async () => {
    const { server, ca } = await makeCerts();
    const proxy = await startTunlServe(['--tls', '--cert', server.cert, '--key', server.key]);
    return [[proxy, ({ port }) => formatSecureHop(port, ca.cert)]];
  }),
];

/** A part, and how tunl is told to go through it; without that the parts before it do. */
type RouteStep = readonly [part: Part, writeHop?: (part: Part) => string];

function formatSecureHop(port: number, cacert: string): string {
  return `https://localhost:${port}?cacert=${encodeURIComponent(cacert)}`;
}

function makeHttpHop({ port }: Part): string {
  return `http://127.0.0.1:${port}`;
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
