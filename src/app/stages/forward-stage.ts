import {
  demandsCertificate,
  type ForwardStage,
  isFusible,
  type ListenerTls,
  type RouteName,
  type Screen,
} from '../../chain/model/graph.ts';
import { isChosenByName, looksAtHello } from '../../chain/model/chosen.ts';
import { wantHopAnswers, wantHopTrailers } from '../../chain/model/hop-answers.ts';
import { Abort } from '../../core/abort.ts';
import { type Address, formatAddress, hostOf } from '../../core/address.ts';
import type { Dial, HopAnswer, HopTrailers, Layer, Origin } from '../../core/dialer.ts';
import type { Link } from '../../core/link.ts';
import { toTunlError, TunlError, usageError } from '../../core/errors.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import { assertChoiceNotOpen } from '../../policy/exposure.ts';
import type { ScreenCounts } from '../admin/traffic.ts';
import { Doubts } from '../tunnel/doubts.ts';
import { createAccessLog, nearestPlace, type WriteAccess } from '../tunnel/access-log.ts';
import type { Route } from './route.ts';
import { sourceFor } from './routes.ts';
import type { StageKind, StageParts } from './stage.ts';
import { secureClient } from '../secure-client.ts';
import { carryTunnel, type TunnelEnv } from '../tunnel/tunnel.ts';
import type { Preparing } from '../tunnel/format-target.ts';
import { logRefused, reportRefused } from '../tunnel/refused.ts';
import { dialTargets, withDialledPath } from './dialled-path.ts';
import { createSecurity, secureEnd, type Security } from './security.ts';

/**
 * The kind of stages that move bytes:
 *
 *     Link -> tls? -> dial the target through the hops -> relay
 */
export const bytesStage: StageKind<ForwardStage<RouteName>> = {
  async prepare(stage, parts) {
    const [route, acceptor, security] = await Promise.all([
      parts.routes.get(stage.name, stage.route, sourceFor(stage)),
      createAcceptor(stage.tls),
      stage.targetTls && createSecurity(stage.targetTls),
    ]);
    const secureTarget = security && secureTargets(security, route.options.limits.tlsMs);
    const assertListen = judgeListeners(stage);
    assertListen(stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
    const preparing = await loadPreparing(stage, route.options.limits.handshakeMs);
    const dialAsked = preparing?.isNamed
      ? withDialledPath(secureTarget ? { ...route, dial: secureTarget(route.dial) } : route)
      : dialTargets(route, stage.to, secureTarget);
    const dial = preparing ? preparing.before(dialAsked) : dialAsked;
    const outside = createEnv(
      stage,
      route,
      stage.screens
        ? await withScreens(stage.screens, dialAsked, parts.countScreens?.(stage.name, 'connections'))
        : dialAsked,
      parts,
    );
    const inside = stage.log ? outside : { ...outside, record: 'none' as const };
    const { tlsMs } = route.options.limits;
    const { draining } = parts.scope;
    const needsBytes = acceptor !== undefined || (preparing !== undefined && looksAtHello(stage));
    const secure = acceptor && ((link: Link) => secureClient(acceptor, link, tlsMs, draining));
    return {
      stage,
      route,
      ...(acceptor && { acceptor }),
      onLink: async (link, origin, listener) => {
        const served = serveClient(
          { stage, env: listener ? outside : inside, secure, preparing, draining },
          link,
          origin,
        );
        // An outer stage waits for the outcome of its Link, and sends nothing until then.
        return needsBytes ? undefined : served;
      },
      ...(!preparing?.isNamed && { dial }),
      ...(isFusible({ ...stage, route: route.options }) && { fused: dial }),
      assertListen: ({ address }) => assertListen([address]),
      ...(security && { reload: () => security.reload(), close: async () => security.close() }),
    };
  },
};

/** Makes the layer that puts TLS on connections to targets; no protocol is offered, because any may follow. */
function secureTargets(security: Security, tlsMs: number): Layer {
  const describe = (address: Address) => {
    const place = formatAddress(address);
    return {
      host: hostOf(address) ?? place,
      place,
      alpn: [],
      ...(hostOf(address) === undefined && { sni: false as const }),
    };
  };
  return secureEnd(security, { tlsMs, describe, isStep: true });
}

/** Dials for the clients that pass the screens alone. Their check is loaded for the stages that have some. */
async function withScreens(screens: readonly Screen[], dial: Dial, counts: ScreenCounts | undefined): Promise<Dial> {
  const { createPassScreens } = await import('../requests/screen.ts');
  const pass = createPassScreens(screens, counts);
  return async (target, context) => {
    pass(context.origin.peer);
    return dial(target, context);
  };
}

/** Makes a check that refuses listeners on which everybody could choose the target by the server name of TLS. */
function judgeListeners(stage: ForwardStage<RouteName>): (listen: readonly Address[]) => void {
  const { tls, open = false } = stage;
  const isChosen = isChosenByName(stage);
  const exposure = { hasUsers: false, hasClientCa: demandsCertificate(tls), open };
  const why = 'a target with the server name of a client turns the stage into an open proxy';
  return (listen) => isChosen && assertChoiceNotOpen({ listen, ...exposure }, why);
}

/** Prepares what depends on each connection, which is loaded for the stages that have some of it. */
async function loadPreparing(stage: ForwardStage<RouteName>, helloMs: number): Promise<Preparing | undefined> {
  if (stage.targetFormat === undefined && !stage.state) return undefined;
  const { createPreparing } = await import('../tunnel/format-target.ts');
  return createPreparing({ ...stage, peeks: looksAtHello(stage), helloMs });
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
  const env = {
    dial,
    via: route.via,
    limits: route.options.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    doubts: new Doubts(parts.emit),
    record: 'dialled',
    ...(write && { access: { write, cluster: stage.name, nearest } }),
  } as const;
  const logs = stage.accessLogs;
  const wantTrailers = wantHopTrailers(logs);
  return write && (wantTrailers || wantHopAnswers(logs)) ? keepHopAnswers(env, write, wantTrailers) : env;
}

/** Lets access logs have the answers and trailers of the last hop, by the origins of tunnels: each has its own. */
function keepHopAnswers(env: TunnelEnv, write: WriteAccess, wantTrailers: boolean): TunnelEnv {
  const answers = new WeakMap<Origin, HopAnswer>();
  const trailers = new WeakMap<Origin, HopTrailers>();
  const { dial, access } = env;
  const keepTrailers = (origin: Origin) => (given: HopTrailers) => {
    // The tunnels to nearer hops end as well, and they may do so later.
    if ((given.hop ?? 0) >= (trailers.get(origin)?.hop ?? 0)) trailers.set(origin, given);
  };
  return {
    ...env,
    dial: (address, ctx) =>
      dial(address, {
        ...ctx,
        onAnswer: (answer) => void answers.set(ctx.origin, answer),
        ...(wantTrailers && { onTrailers: keepTrailers(ctx.origin) }),
      }),
    ...(access && {
      access: {
        ...access,
        write: (entry) => {
          const hopAnswer = answers.get(entry.origin);
          const given = trailers.get(entry.origin);
          write({ ...entry, hopAnswer, ...(given?.hop === hopAnswer?.hop && { hopTrailers: given?.fields }) });
        },
      },
    }),
  };
}

/** Created once, because the stack of an error costs more than the rest of an abandoned dial. */
const leftEarly = new TunlError('connection_terminated', 'the client went away before its tunnel was up', {
  side: 'client',
});

interface ServeParts {
  readonly stage: ForwardStage<RouteName>;
  readonly env: TunnelEnv;
  readonly secure: ((link: Link) => Promise<Link>) | undefined;
  readonly preparing: Preparing | undefined;
  readonly draining: AbortSignal;
}

async function serveClient(parts: ServeParts, accepted: Link, outer: Origin): Promise<TunlError | undefined> {
  const { stage, env, secure, preparing, draining } = parts;
  const started = performance.now();
  let client = accepted;
  if (secure) {
    try {
      client = await secure(accepted);
    } catch (error) {
      env.emit({ event: 'notice', level: 'warning', message: toTunlError(error).message });
      return undefined;
    }
  }
  const { peer } = client;
  const user = outer.user ?? peer.identity;
  let origin: Origin =
    peer === outer.peer && user === outer.user ? outer : { ...outer, peer, ...(user !== undefined && { user }) };
  let [target] = stage.to.targets as readonly Address[];
  if (preparing) {
    try {
      ({ origin, target } = await preparing.prepare(origin, client, draining));
    } catch (error) {
      return refuseUnprepared(env, origin, started, client, toTunlError(error));
    }
  }
  if (!target) throw new Error('a stage without targets');
  const gone = new Abort();
  const stopWatching = watch(client, () => gone.abort(leftEarly));
  const outcome = await carryTunnel(env, {
    target,
    origin,
    gone: gone.signal,
    accept: () => client,
    // A clean close would look like an empty answer from the target.
    refuse: (error) => client.reset(error),
  });
  stopWatching?.();
  return 'failure' in outcome ? outcome.failure : undefined;
}

/** Tells when a client leaves before its tunnel is up. Returns a function that stops, if it does not stop by itself then. */
function watch(client: Link, onGone: () => void): (() => void) | undefined {
  const { flow } = client;
  if (flow?.watch) {
    flow.watch(onGone);
    return undefined;
  }
  const { stream } = client;
  stream.once('close', onGone);
  return () => void stream.off('close', onGone);
}

/** Resets a client whose target is not known, and reports it. */
function refuseUnprepared(
  env: TunnelEnv,
  origin: Origin,
  started: number,
  client: Link,
  failure: TunlError,
): TunlError {
  const refused = { id: env.tunnels.nextId(), origin, target: '-', started };
  reportRefused(env, refused, failure);
  logRefused(env, refused, failure);
  client.reset(failure);
  return failure;
}
