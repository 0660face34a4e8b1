import type {
  HttpAction,
  HttpRoute,
  HttpStage,
  RequestMatch,
  Target,
  Upstream,
  VirtualHost,
} from '../../../src/chain/model/graph.ts';
import { calmLimits } from '../harness/app.ts';
import { freePort, internal } from './graphs.ts';

/** Makes an upstream with fixed addresses, reached directly. */
export function upstream(name: string, to: Target | Upstream['to'], more: Partial<Upstream> = {}): Upstream {
  return {
    name,
    to: 'kind' in to ? { targets: [to], balance: 'first' } : to,
    route: { hops: [], limits: calmLimits },
    version: 'http1',
    ...more,
  };
}

/** Requests to the upstream `main`. */
export function requests(more: Partial<Extract<HttpAction, { kind: 'requests' }>> = {}): HttpAction {
  return { kind: 'requests', upstream: 'main', timeoutMs: 0, upgrades: [], ...more };
}

/** Tunnels to the upstream `main`. */
export function tunnels(more: Partial<Extract<HttpAction, { kind: 'tunnels' }>> = {}): HttpAction {
  return { kind: 'tunnels', upstream: 'main', post: false, ...more };
}

/** An answer of our own. */
export function answer(body: string, status = 200): HttpAction {
  return { kind: 'answer', status, body };
}

/** Makes a route that matches a prefix of the path, or `CONNECT`. */
export function on(path: string, action: HttpAction, fields: RequestMatch['fields'] = []): HttpRoute {
  return {
    match: { path: path === 'CONNECT' ? { kind: 'connect' } : { kind: 'prefix', value: path }, fields },
    action,
  };
}

/** Makes an HTTP stage for all hosts; an internal listener has the name of its stage. */
export function httpStage(
  name: string,
  routes: readonly HttpRoute[],
  upstreams: readonly Upstream[] = [],
  more: Partial<Omit<HttpStage, 'listen'>> & { readonly listen?: HttpStage['listen'] | 'internal' } = {},
): HttpStage {
  const { listen = [freePort], ...rest } = more;
  const all: VirtualHost = { name: 'all', domains: ['*'], routes };
  return {
    job: 'http',
    name,
    route: { hops: [], limits: calmLimits },
    log: false,
    codec: 'auto',
    hosts: [all],
    upstreams,
    ...rest,
    listen: listen === 'internal' ? [internal(name)] : listen,
  };
}
