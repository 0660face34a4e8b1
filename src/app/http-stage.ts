import type { HttpStage, RouteName } from '../chain/model.ts';
import type { Address } from '../core/address.ts';
import type { Origin } from '../core/dialer.ts';
import { toTunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { requestServerSetup } from '../http/h2-setup.ts';
import { type RequestProfile, serveRequests } from '../http/request-front.ts';
import { assertChoiceNotOpen } from '../policy/exposure.ts';
import { createFindRoute } from '../router/match.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import { createAccessLog, nearestPlace } from './access-log.ts';
import { type HttpEnv, serveRequest } from './http-request.ts';
import type { Route } from './route.ts';
import { secureClient } from './secure-client.ts';
import type { StageKind, StageParts } from './stage.ts';
import { formatPeer } from './tunnels.ts';
import { createUpstream, type ReadyUpstream } from './upstream.ts';

/** How long a connection may wait for its next request: an hour, as Envoy lets it. */
const keepAliveMs = 3_600_000;

/**
 * Stages that look at requests:
 *
 *     Link -> tls? -> front -> route -> an answer | a tunnel to an upstream | the request goes on to it
 */
export const httpStage: StageKind<HttpStage<RouteName>> = {
  async prepare(stage, parts) {
    const isChosen = stage.upstreams.some(({ to }) => 'field' in to);
    const exposure = { hasClientCa: stage.tls?.clientCa !== undefined, open: stage.open ?? false };
    const assertListen = (listen: readonly Address[]) => isChosen && assertChoiceNotOpen({ listen, ...exposure });
    assertListen(stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
    const [route, acceptor] = await Promise.all([parts.routes.get(stage.name, stage.route), createAcceptor(stage)]);
    const upstreams = await createUpstreams(stage, parts);
    const outside = createEnv(stage, route, upstreams, parts);
    const inside = stage.log ? outside : { ...outside, record: 'none' as const };
    const { tlsMs } = route.options.limits;
    const secure = (link: Link) => (acceptor ? secureClient(acceptor, link, tlsMs, parts.scope.draining) : link);
    const front = { ...frontOptions(stage, route), retired: parts.retired };
    return {
      stage,
      route,
      ...(acceptor && { acceptor }),
      async onLink(link, origin, listener) {
        void serveLink(listener ? outside : inside, front, secure, link, origin);
        return undefined;
      },
      assertListen: ({ address }) => void assertListen([address]),
      reload: () => forEach(upstreams, (upstream) => upstream.reload()),
      close: () => forEach(upstreams, (upstream) => upstream.close()),
    };
  },
};

type Upstreams = ReadonlyMap<string, ReadyUpstream>;

async function createUpstreams(
  { upstreams }: HttpStage<RouteName>,
  { routes, listeners }: StageParts,
): Promise<Upstreams> {
  const made = upstreams.map(async (upstream) => {
    const route = await routes.get(upstream.name, upstream.route);
    const sessions = routes.isOriginSeen(upstream) ? 'per-request' : 'shared';
    return [upstream.name, await createUpstream(upstream, { route, sessions, listeners })] as const;
  });
  return new Map(await Promise.all(made));
}

function createEnv(stage: HttpStage<RouteName>, route: Route, upstreams: Upstreams, parts: StageParts): HttpEnv {
  const write = createAccessLog(stage.accessLogs, parts.logFiles, 'http');
  const nearest = (name: string, target: Address) =>
    nearestPlace((upstreams.get(name)?.route ?? route).options, target);
  return {
    findRoute: createFindRoute(stage.hosts),
    upstreams,
    limits: route.options.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    record: 'asked',
    ...(write && { access: { write, nearest } }),
    draining: parts.scope.draining,
  };
}

async function forEach(upstreams: Upstreams, act: (upstream: ReadyUpstream) => Promise<void>): Promise<void> {
  await Promise.all([...upstreams.values()].map(act));
}

async function createAcceptor({ tls, codec }: HttpStage<RouteName>): Promise<TlsAcceptor | undefined> {
  if (!tls) return undefined;
  const { createTlsServer } = await import('../tls/server.ts');
  const alpn = { auto: ['h2', 'http/1.1'], http1: ['http/1.1'], http2: ['h2'] }[codec];
  return createTlsServer({ ...tls, alpn });
}

function frontOptions({ codec, hosts }: HttpStage<RouteName>, { options }: Route): RequestProfile {
  const { handshakeMs: headMs } = options.limits;
  const { maxHeaderBytes: maxHeadBytes } = requestServerSetup;
  const takesProtocols = hosts.some(({ routes }) =>
    routes.some(
      ({ action }) =>
        // `bytestream` asks for a tunnel.
        action.kind === 'tunnels' || (action.kind === 'requests' && action.upgrades.some((name) => name !== 'connect')),
    ),
  );
  return {
    codec,
    perConnection: 'many',
    translatable: true,
    http1: { headMs, keepAliveMs, maxHeadBytes, maxLineBytes: maxHeadBytes },
    http2: { ...requestServerSetup, extendedConnect: takesProtocols },
  };
}

/** Serves one accepted Link to its end. Never rejects: what goes wrong is answered and reported. */
async function serveLink(
  env: HttpEnv,
  front: RequestProfile,
  secure: (link: Link) => Link | Promise<Link>,
  accepted: Link,
  origin: Origin,
): Promise<void> {
  const started = performance.now();
  try {
    const link = await secure(accepted);
    await serveRequests(link, front, env.draining, (request) => void serveRequest(env, request, origin));
  } catch (error) {
    const failure = toTunlError(error);
    // A client that connects and leaves, such as a port check, asked for nothing.
    if (failure.code === 'connection_terminated' || env.record === 'none') return;
    env.emit({
      event: 'tunnel.failed',
      id: env.tunnels.nextId(),
      client: formatPeer(accepted.peer),
      target: '-',
      via: [],
      ms: Math.round(performance.now() - started),
      error: failure,
    });
  }
}
