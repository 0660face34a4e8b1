import {
  type ForwardStage,
  isFusible,
  type ListenerTls,
  type RouteName,
  type Screen,
} from '../../chain/model/graph.ts';
import { Abort } from '../../core/abort.ts';
import type { Address } from '../../core/address.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import type { Link } from '../../core/link.ts';
import { toTunlError, TunlError, usageError } from '../../core/errors.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import { Doubts } from '../tunnel/doubts.ts';
import { createAccessLog, nearestPlace } from '../tunnel/access-log.ts';
import type { Route } from './route.ts';
import type { StageKind, StageParts } from './stage.ts';
import { secureClient } from './secure-client.ts';
import { carryTunnel, type TunnelEnv } from '../tunnel/tunnel.ts';
import { dialTargets } from './dialled-path.ts';

/**
 * The kind of stages that move bytes:
 *
 *     Link -> tls? -> dial the target through the hops -> relay
 */
export const bytesStage: StageKind<ForwardStage<RouteName>> = {
  async prepare(stage, parts) {
    const [route, acceptor] = await Promise.all([
      parts.routes.get(stage.name, stage.route, 'both'),
      createAcceptor(stage.tls),
    ]);
    const dial = dialTargets(route, stage.to);
    const outside = createEnv(stage, route, stage.screens ? await withScreens(stage.screens, dial) : dial, parts);
    const inside = stage.log ? outside : { ...outside, record: 'none' as const };
    const { tlsMs } = route.options.limits;
    const secure = acceptor && ((link: Link) => secureClient(acceptor, link, tlsMs, parts.scope.draining));
    return {
      stage,
      route,
      ...(acceptor && { acceptor }),
      onLink: async (link, origin, listener) => {
        const served = serveClient(stage, listener ? outside : inside, secure, link, origin);
        // An outer stage waits for the outcome of its Link, unless a handshake must come first.
        return acceptor ? undefined : served;
      },
      dial,
      ...(isFusible({ ...stage, route: route.options }) && { fused: dial }),
    };
  },
};

/** Dials for the clients that pass the screens alone. Their check is loaded for the stages that have some. */
async function withScreens(screens: readonly Screen[], dial: Dial): Promise<Dial> {
  const { createPassScreens } = await import('../requests/screen.ts');
  const pass = createPassScreens(screens);
  return async (target, context) => {
    pass(context.origin.peer);
    return dial(target, context);
  };
}

async function createAcceptor(tls: ListenerTls | undefined): Promise<TlsAcceptor | undefined> {
  if (!tls) return undefined;
  if (tls.spiffe !== undefined)
    throw usageError('spiffe goes with hbone, whose clients have SPIFFE ids', 'write files: cert, key and client-ca');
  const { createTlsServer } = await import('../../tls/server.ts');
  return createTlsServer({ ...tls, alpn: [] });
}

function createEnv(stage: ForwardStage<RouteName>, route: Route, dial: Dial, parts: StageParts): TunnelEnv {
  const write = createAccessLog(stage.accessLogs, parts.logFiles, 'bytes');
  const nearest = (target: Address) => nearestPlace(route.options, target);
  return {
    dial,
    via: route.via,
    limits: route.options.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    doubts: new Doubts(parts.emit),
    record: 'dialled',
    ...(write && { access: { write, cluster: stage.name, nearest } }),
  };
}

/** Created once, because the stack of an error costs more than the rest of an abandoned dial. */
const leftEarly = new TunlError('connection_terminated', 'the client went away before its tunnel was up', {
  side: 'client',
});

async function serveClient(
  stage: ForwardStage<RouteName>,
  env: TunnelEnv,
  secure: ((link: Link) => Promise<Link>) | undefined,
  accepted: Link,
  origin: Origin,
): Promise<TunlError | undefined> {
  const [target] = stage.to.targets;
  if (!target) throw new Error('a stage without targets');
  let client = accepted;
  if (secure) {
    try {
      client = await secure(accepted);
    } catch (error) {
      env.emit({ event: 'notice', level: 'warning', message: toTunlError(error).message });
      return undefined;
    }
  }
  const gone = new Abort();
  const onClose = () => gone.abort(leftEarly);
  client.stream.once('close', onClose);
  const { peer } = client;
  const user = origin.user ?? peer.identity;
  const outcome = await carryTunnel(env, {
    target,
    origin:
      peer === origin.peer && user === origin.user ? origin : { ...origin, peer, ...(user !== undefined && { user }) },
    gone: gone.signal,
    accept: () => client,
    // A clean close would look like an empty answer from the target.
    refuse: (error) => client.reset(error),
  });
  client.stream.off('close', onClose);
  return 'failure' in outcome ? outcome.failure : undefined;
}
