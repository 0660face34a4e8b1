import { type ForwardStage, isFusible } from '../chain/model.ts';
import { Abort } from '../core/abort.ts';
import type { Address } from '../core/address.ts';
import type { Origin } from '../core/dialer.ts';
import type { Link } from '../core/link.ts';
import { toTunlError, TunlError } from '../core/errors.ts';
import { Doubts } from './doubts.ts';
import { createAccessLog, nearestPlace } from './access-log.ts';
import type { Route } from './route.ts';
import type { StageParts, StageRunner } from './stage.ts';
import { secureClient } from './secure-client.ts';
import { carryTunnel, type TunnelEnv } from './tunnel.ts';
import { dialTargets } from './way.ts';

/**
 * Makes what runs a stage that forwards:
 *
 *     Link -> tls? -> dial the target through the hops -> relay
 */
export function createForwardRunner(stage: ForwardStage, route: Route, parts: StageParts): StageRunner {
  const { to } = stage;
  const dial = dialTargets(route, to);
  const write = createAccessLog(stage.accessLogs, parts.logFiles, 'bytes');
  const nearest = (target: Address) => nearestPlace(stage.route, target);
  const env: TunnelEnv = {
    dial,
    via: route.via,
    limits: stage.route.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    doubts: new Doubts(parts.emit),
    record: parts.isInside && !stage.log ? 'none' : 'dialled',
    ...(write && { access: { write, cluster: stage.name, nearest } }),
  };
  return {
    onLink: async (link, origin) => {
      const served = serveClient(stage, env, parts, link, origin);
      // Who opens a Link from inside waits for what it leads to, unless a handshake must come first.
      return stage.tls ? undefined : served;
    },
    dial,
    ...(isFusible(stage) && { fused: dial }),
  };
}

/** Made once: the stack of an error costs more than the rest of a dial that is given up. */
const leftEarly = new TunlError('connection_terminated', 'the client went away before its tunnel was up', {
  side: 'client',
});

async function serveClient(
  stage: ForwardStage,
  env: TunnelEnv,
  { acceptor, scope }: StageParts,
  accepted: Link,
  origin: Origin,
): Promise<TunlError | undefined> {
  const [target] = stage.to.targets;
  if (!target) throw new Error('a stage without targets');
  let client = accepted;
  if (acceptor) {
    try {
      client = await secureClient(acceptor, accepted, stage.route.limits.tlsMs, scope.draining);
    } catch (error) {
      env.emit({ event: 'notice', level: 'warning', message: toTunlError(error).message });
      return undefined;
    }
  }
  const gone = new Abort();
  const onClose = () => gone.abort(leftEarly);
  client.stream.once('close', onClose);
  const user = origin.user ?? client.peer.identity;
  const outcome = await carryTunnel(env, {
    target,
    origin: { ...origin, peer: client.peer, ...(user !== undefined && { user }) },
    gone: gone.signal,
    accept: () => client,
    // A clean close would look like an empty answer of the target.
    refuse: (error) => client.reset(error),
  });
  client.stream.off('close', onClose);
  return 'failure' in outcome ? outcome.failure : undefined;
}
