import { loadPatterns } from '../../../src/chain/model/pattern.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { Source } from '../../../src/chain/read/document.ts';
import type { LoadedGraph } from '../../../src/chain/read/load.ts';
import type {
  ForwardStage,
  HttpRoute,
  HttpStage,
  RouteOptions,
  Target,
  TargetChoice,
  Upstream,
} from '../../../src/chain/model/graph.ts';
import type { Hop } from '../../../src/core/hop.ts';
import type { RefusalName } from '../../../src/envoy/schema/refusals.ts';
import { loadBootstrap } from '../../../src/envoy/import/load.ts';

// As `chain` does for files with patterns.
await loadPatterns();

/** Loads the text of a bootstrap file as `chain -c envoy.yaml` does. */
export function loadEnvoy(text: string, allowUnknownFields = false): LoadedGraph {
  return loadBootstrap(new Source(text, 'envoy.yaml'), { allowUnknownFields });
}

/** Returns the text of a file in test/envoy/fixtures. */
export function readFixture(name: string): string {
  return readFileSync(new URL(`../../envoy/fixtures/${name}.yaml`, import.meta.url), 'utf8');
}

const corpus = new URL('../../interop/envoy-files/', import.meta.url);

/** The names of the files in test/interop/envoy-files. */
export const corpusNames: readonly string[] = readdirSync(corpus).map((file) => file.replace('.yaml', ''));

/** Returns the text of a file in test/interop/envoy-files, with a port or a folder for each word. */
export function readCorpus(name: string): string {
  const text = readFileSync(new URL(`${name}.yaml`, corpus), 'utf8');
  const words = [...new Set(text.match(/\$\w+/g))];
  return text.replaceAll(/\$\w+/g, (word) => (word === '$folder' ? '/tmp' : String(20_001 + words.indexOf(word))));
}

/** Makes an address on loopback. */
export function localPort(port: number) {
  return { kind: 'tcp', host: '127.0.0.1', port } as const;
}

/** Makes a route with the defaults of Envoy; a TcpProxy ends idle tunnels after an hour. */
export function envoyRoute(
  limits: Partial<RouteOptions['limits']> = {},
  more: Partial<RouteOptions> = {},
): RouteOptions {
  return {
    hops: [],
    limits: {
      dnsMs: 5000,
      connectMs: 5000,
      tlsMs: limits.connectMs ?? 5000,
      handshakeMs: 15_000,
      idleMs: 3_600_000,
      lingerMs: 60_000,
      halfCloseWaitMs: 2000,
      ...limits,
    },
    ...more,
  };
}

/** Makes the stage that a TcpProxy becomes. */
export function tcpStage(
  name: string,
  listen: ForwardStage['listen'][number],
  to: ForwardStage['to']['targets'][number],
  route: RouteOptions = envoyRoute(),
): ForwardStage {
  return { name, job: 'forward', listen: [listen], to: { targets: [to], balance: 'first' }, route, log: false };
}

/** Makes the hop that a cluster becomes. */
export function envoyHop(scheme: string, port: number, more: Partial<Hop> = {}): Hop {
  // Envoy passes an end on at once; the other schemes do so by default.
  const isConnect = ['http', 'https', 'h2', 'h2c'].includes(scheme);
  const halfClose = isConnect ? { halfClose: 'now' as const } : {};
  return { scheme, address: localPort(port), tls: {}, headers: [], ...halfClose, settings: {}, ...more };
}

/** Makes the stage that an HttpConnectionManager with one virtual host for all names becomes. */
export function httpStage(
  name: string,
  listen: HttpStage['listen'][number],
  routes: readonly HttpRoute[],
  upstreams: readonly Upstream[] = [],
): HttpStage {
  return {
    name,
    job: 'http',
    listen: [listen],
    codec: 'auto',
    hosts: [{ name: 'everybody', domains: ['*'], routes }],
    upstreams,
    route: envoyRoute({ idleMs: 0 }),
    log: false,
    ...(upstreams.some(({ to }) => 'field' in to) && { open: true }),
  };
}

/** Makes the upstream that a cluster becomes. */
export function upstream(name: string, to: Upstream['to'], more: Partial<Upstream> = {}): Upstream {
  return { name, to, route: envoyRoute({ idleMs: 0 }), version: 'http1', ...more };
}

/** Makes a choice of one target. */
export function only(target: Target): TargetChoice {
  return { targets: [target], balance: 'first' };
}

/** Returns the text of a fixture with one piece replaced; `from` must occur in it. */
export function editFixture(name: string, from: string, to: string): string {
  const text = readFixture(name);
  if (!text.includes(from)) throw new Error(`${name}.yaml has no ${from}`);
  return text.replace(from, to);
}

/** A change to a file in test/envoy/fixtures after which it must be refused. */
export interface RefusedEdit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The message after the name of the file. */
  readonly says: string;
  /** The reason that the message goes on with; its hint is what runs instead. */
  readonly because?: RefusalName;
  readonly hints?: readonly string[];
  /** True if Envoy runs it, but fails when a client connects, or does something that we cannot. */
  readonly envoyTakesIt?: true;
}
