import type { ProxyStage } from '../chain/model.ts';
import type { Address } from '../core/address.ts';
import { type Dial, pipe, type Stage } from '../core/dialer.ts';
import { placesOf } from '../core/listener.ts';
import { withProxyHeader } from '../dial/proxy-header.ts';
import { type Authenticator, createAuthenticator } from '../policy/auth.ts';
import { isLoopback } from '../policy/exposure.ts';
import { guard, guardText } from '../policy/guard.ts';
import { createPolicy, parseRule } from '../policy/rules.ts';
import { TunnelGate } from '../policy/tunnel-gate.ts';
import { createAccessLog, nearestPlace } from './access-log.ts';
import type { Route } from './route.ts';
import { serveLink, type ServeEnv } from './serve-link.ts';
import type { ServeTerms } from './serve-terms.ts';
import type { StageParts, StageRunner } from './stage.ts';
import { dialTargets, withWay } from './way.ts';

/** The rules of a stage, read. */
interface Rules {
  readonly allow: readonly ReturnType<typeof parseRule>[];
  readonly deny: readonly ReturnType<typeof parseRule>[];
}

/** What must be read before a proxy stage can run; nothing listens yet. */
export interface ProxyMaterial {
  readonly users: Authenticator;
  readonly rules: Rules;
  readonly gate: TunnelGate;
}

/**
 * Reads users and rules.
 * @throws {TunlError} usage
 */
export async function readProxyMaterial(stage: ProxyStage): Promise<ProxyMaterial> {
  const rules = { allow: stage.allow.map(parseRule), deny: stage.deny.map(parseRule) };
  return { users: await createAuthenticator(stage.users), rules, gate: new TunnelGate(stage.caps ?? {}) };
}

/**
 * Makes what runs a stage that is a proxy:
 *
 *     Link -> tls? -> front -> carrier -> authenticate -> authorise -> dial -> accept -> relay
 */
export function createProxyRunner(
  stage: ProxyStage,
  route: Route,
  terms: ServeTerms,
  { users, rules, gate }: ProxyMaterial,
  parts: StageParts,
): StageRunner {
  const envs = new Map<'allow-all' | 'deny-special', ServeEnv>();
  const envOf = (address: Address | undefined): ServeEnv => {
    const base = address === undefined || isLoopback(address) ? 'allow-all' : 'deny-special';
    const known = envs.get(base);
    if (known) return known;
    const policy = createPolicy({
      ...rules,
      base,
      ownAddresses: () => parts.listeners().flatMap(placesOf),
    });
    // Where the names are for others to resolve, or are not dialled at all, they are judged as text.
    const isNameOurs = stage.route.hops.length === 0 && !stage.route.entry && !stage.to;
    const check = isNameOurs ? guard(policy, route.resolve) : guardText(policy);
    const env = createEnv(stage, route, terms, users, gate, check, parts);
    envs.set(base, env);
    return env;
  };
  return {
    async onLink(link, origin, listener) {
      void serveLink(envOf(listener?.address), link, origin);
      return undefined;
    },
    reload: () => users.reload(),
  };
}

function createEnv(
  stage: ProxyStage,
  route: Route,
  terms: ServeTerms,
  users: Authenticator,
  gate: TunnelGate,
  check: Stage,
  parts: StageParts,
): ServeEnv {
  const write = createAccessLog(stage.accessLogs, parts.logFiles, 'http');
  const nearest = (target: Address) => nearestPlace(stage.route, stage.to?.targets[0] ?? target);
  const dial: Dial = stage.to ? dialTargets(route, stage.to) : withWay(route);
  // Inside the check: it must see the addresses that the check found.
  const announce = stage.proxyProtocol ? [withProxyHeader(stage.proxyProtocol)] : [];
  return {
    dial: pipe(dial, ...announce, check),
    via: route.via,
    limits: stage.route.limits,
    tunnels: parts.tunnels,
    emit: parts.emit,
    ...(write && { access: { write, cluster: stage.name, nearest } }),
    terms,
    users,
    gate,
    acceptor: parts.acceptor,
    draining: parts.scope.draining,
    forwardsVia: stage.route.hops.length > 0,
  };
}
