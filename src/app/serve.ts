import type { Address } from '../core/address.ts';
import { throwIfAborted } from '../core/deadline.ts';
import { pipe, type Stage } from '../core/dialer.ts';
import type { Link } from '../core/link.ts';
import type { Listener } from '../core/listener.ts';
import { withProxyHeader } from '../dial/proxy-header.ts';
import { listen } from '../listeners/socket.ts';
import { type Authenticator, createAuthenticator } from '../policy/auth.ts';
import { guard, guardText } from '../policy/guard.ts';
import { assertNotOpen, isLoopback } from '../policy/exposure.ts';
import { createPolicy, parseRule, type Policy } from '../policy/rules.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import { formatListening, runUntilDrained } from './forward.ts';
import type { Running, Runtime, ServeOptions } from './options.ts';
import { createRoute, type Route } from './route.ts';
import { serveLink, type ServeEnv } from './serve-link.ts';
import { createAcceptor, createTerms, type ServeTerms } from './serve-terms.ts';
import { Tunnels } from './tunnels.ts';

/**
 * Runs the proxy:
 *
 *     listener -> tls? -> front -> carrier -> authenticate -> authorise -> dial -> accept -> relay
 *
 * @throws {TunlError} usage or address_in_use; then no listener is left open
 */
export async function startServe(options: ServeOptions, runtime: Runtime): Promise<Running> {
  const { scope, emit, graceMs } = runtime;
  const rules = { allow: options.allow.map(parseRule), deny: options.deny.map(parseRule) };
  const terms = createTerms(options);
  const [users, acceptor, route] = await Promise.all([
    createAuthenticator(options.users),
    createAcceptor(options, terms),
    createRoute(options),
  ]);
  const exposure = { hasUsers: users.required, hasClientCa: options.tls?.clientCa !== undefined, open: options.open };
  // Before anything listens, as far as the words tell; descriptors are judged once they are bound.
  assertNotOpen({ listen: options.listen.filter(({ kind }) => kind !== 'fd'), ...exposure });

  scope.defer(() => route.close());
  const tunnels = new Tunnels(emit);
  const listeners: Listener[] = [];
  const envs = new Map<'loopback' | 'exposed', ServeEnv>();
  const envOf = (address: Address): ServeEnv => {
    const base = isLoopback(address) ? 'loopback' : 'exposed';
    const known = envs.get(base);
    if (known) return known;
    const policy = createPolicy({
      ...rules,
      base: base === 'loopback' ? 'allow-all' : 'deny-special',
      ownAddresses: () => listeners.map((listener) => listener.address),
    });
    const env = createEnv({ options, runtime, tunnels, route, terms, users, acceptor, policy });
    envs.set(base, env);
    return env;
  };

  try {
    for (const address of options.listen) {
      const early: Link[] = [];
      let onLink = (link: Link): void => void early.push(link);
      const listener = await listen(address, (link) => onLink(link));
      scope.defer(() => listener.close());
      assertNotOpen({ listen: [listener.address], ...exposure });
      listeners.push(listener);
      const env = envOf(listener.address);
      onLink = (link) => void serveLink(env, link);
      early.forEach(onLink);
      scope.draining.addEventListener('abort', () => void listener.close(), { once: true });
    }
    throwIfAborted(scope.forced);
    runtime.onReady?.(listeners.map(({ address }) => address));
  } catch (error) {
    await scope.close();
    throw error;
  }
  const addresses = listeners.map(({ address }) => address);
  if (acceptor?.development) {
    emit({ event: 'notice', level: 'warning', message: `development certificate, pin ${acceptor.pin}` });
  }
  for (const address of addresses)
    emit({ event: 'listening', role: 'serve', ...formatListening(address), via: route.via });
  const reload = async () => {
    await Promise.all([users.reload(), acceptor?.reload(), route.reload()]);
  };
  return { addresses, tunnels, reload, done: runUntilDrained({ scope, emit, graceMs }, tunnels) };
}

interface EnvParts {
  readonly options: ServeOptions;
  readonly runtime: Runtime;
  readonly tunnels: Tunnels;
  readonly route: Route;
  readonly terms: ServeTerms;
  readonly users: Authenticator;
  readonly acceptor: TlsAcceptor | undefined;
  readonly policy: Policy;
}

function createEnv({ options, runtime, tunnels, route, terms, users, acceptor, policy }: EnvParts): ServeEnv {
  // With hops the names are theirs to resolve; without, what was checked is what is dialled.
  const check: Stage = options.hops.length > 0 ? guardText(policy) : guard(policy, route.resolve);
  // Inside the check: it must see the addresses that the check found.
  const announce = options.proxyProtocol ? [withProxyHeader(options.proxyProtocol)] : [];
  const { idleMs, lingerMs, handshakeMs, tlsMs } = options.limits;
  return {
    dial: pipe(route.dial, ...announce, check),
    via: route.via,
    limits: { idleMs, lingerMs },
    tunnels,
    emit: runtime.emit,
    terms,
    users,
    acceptor,
    handshakeMs,
    tlsMs,
    draining: runtime.scope.draining,
    forwardsVia: options.hops.length > 0,
  };
}
