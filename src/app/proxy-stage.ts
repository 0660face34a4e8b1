import type { ProxyStage, RouteName } from '../chain/model.ts';
import type { Address } from '../core/address.ts';
import { type Dial, pipe, type Stage } from '../core/dialer.ts';
import { placesOf } from '../core/listener.ts';
import { isLoopback } from '../core/loopback.ts';
import { withProxyHeader } from '../dial/proxy-header.ts';
import { createAuthenticator } from '../policy/auth.ts';
import { assertNotOpen } from '../policy/exposure.ts';
import { guard, guardText } from '../policy/guard.ts';
import { createPolicy, parseRule, type PolicyBase } from '../policy/rules.ts';
import { TunnelGate } from '../policy/tunnel-gate.ts';
import { createAccessLog, nearestPlace } from './access-log.ts';
import type { Route } from './route.ts';
import { serveLink, type ServeEnv } from './serve-link.ts';
import { createAcceptor, createTerms } from './serve-terms.ts';
import type { StageKind, StageParts } from './stage.ts';
import { dialTargets, withWay } from './way.ts';

/**
 * Stages that are proxies:
 *
 *     Link -> tls? -> front -> carrier -> authenticate -> authorise -> dial -> accept -> relay
 */
export const proxyStage: StageKind<ProxyStage<RouteName>> = {
  async prepare(stage, parts) {
    const terms = createTerms(stage);
    const rules = { allow: stage.allow.map(parseRule), deny: stage.deny.map(parseRule) };
    const [route, users, acceptor] = await Promise.all([
      parts.routes.get(stage.name, stage.route),
      createAuthenticator(stage.users),
      createAcceptor(stage, terms),
    ]);
    const exposure = { hasUsers: users.required, hasClientCa: stage.tls?.clientCa !== undefined, open: stage.open };
    const outside = stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal');
    // As far as the words tell; descriptors are judged once they are bound.
    assertNotOpen({ listen: outside, ...exposure });
    const gate = new TunnelGate(stage.caps ?? {});
    const envs = new Map<PolicyBase, ServeEnv>();
    const envOf = (address: Address | undefined): ServeEnv => {
      const base = address === undefined || isLoopback(address) ? 'allow-all' : 'deny-special';
      const known = envs.get(base);
      if (known) return known;
      const policy = createPolicy({ ...rules, base, ownAddresses: () => parts.listeners().flatMap(placesOf) });
      // Where the names are for others to resolve, or are not dialled at all, they are judged as text.
      const { hops, entry } = route.options;
      const isNameOurs = hops.length === 0 && !entry && !stage.to;
      const check = isNameOurs ? guard(policy, route.resolve) : guardText(policy);
      const env = { ...createEnv(stage, route, check, parts), terms, users, gate, acceptor };
      envs.set(base, env);
      return env;
    };
    return {
      stage,
      route,
      ...(acceptor && { acceptor }),
      async onLink(link, origin, listener) {
        void serveLink(envOf(listener?.address), link, origin);
        return undefined;
      },
      assertListen: ({ address }) => assertNotOpen({ listen: [address], ...exposure }),
      reload: () => users.reload(),
    };
  },
};

function createEnv(
  stage: ProxyStage<RouteName>,
  route: Route,
  check: Stage,
  parts: StageParts,
): Omit<ServeEnv, 'terms' | 'users' | 'gate' | 'acceptor'> {
  const write = createAccessLog(stage.accessLogs, parts.logFiles, 'http');
  const nearest = (target: Address) => nearestPlace(route.options, stage.to?.targets[0] ?? target);
  const dial: Dial = stage.to ? dialTargets(route, stage.to) : withWay(route);
  // Inside the check: it must see the addresses that the check found.
  const announce = stage.proxyProtocol ? [withProxyHeader(stage.proxyProtocol)] : [];
  return {
    dial: pipe(dial, ...announce, check),
    via: route.via,
    limits: route.options.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    ...(write && { access: { write, cluster: stage.name, nearest } }),
    draining: parts.scope.draining,
    forwardsVia: route.options.hops.length > 0,
  };
}
