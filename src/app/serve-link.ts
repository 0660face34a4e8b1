import { randomBytes } from 'node:crypto';
import { within } from '../core/deadline.ts';
import type { Origin } from '../core/dialer.ts';
import { TunlError, toTunlError } from '../core/errors.ts';
import type { TunnelExchange, TunnelRequest } from '../core/exchange.ts';
import type { Link, Peer } from '../core/link.ts';
import { quote } from '../http/authority.ts';
import { assertHeadSize } from '../http/message.ts';
import { serveRequests } from '../http/request-front.ts';
import { assertNoExpectation, withoutSecrets } from '../http/tunnel-request.ts';
import type { Authenticator } from '../policy/auth.ts';
import type { TunnelGate } from '../policy/tunnel-gate.ts';
import type { TlsAcceptor } from '../tls/server.ts';
import { toShort } from '../words/text.ts';
import type { Limits } from './options.ts';
import { serveProfile, type ServeTerms } from './serve-terms.ts';
import { toLine } from './request-record.ts';
import { secureClient } from './secure-client.ts';
import { carryTunnel, type TunnelEnv } from './tunnel.ts';
import { formatPeer } from './tunnels.ts';

/** What serving one accepted Link needs. */
export interface ServeEnv extends TunnelEnv {
  readonly terms: ServeTerms;
  readonly users: Authenticator;
  readonly gate: TunnelGate;
  readonly acceptor: TlsAcceptor | undefined;
  readonly limits: Limits;
  /** Once aborted, who has not asked for a tunnel yet gets none. */
  readonly draining: AbortSignal;
  /** Requests go on to another proxy, which must see our `Via`. */
  readonly forwardsVia: boolean;
}

/** Says 503: another moment may be better. */
const busyCode = 'proxy_internal_response';

/** Our name in `Via`: a pseudonym, so that it tells nothing and that seeing it again means a loop. */
const pseudonym = `tunl-${randomBytes(4).toString('hex')}`;

/** Serves one accepted Link to its end. Never rejects: what goes wrong is answered and reported. */
export async function serveLink(env: ServeEnv, accepted: Link, origin: Origin): Promise<void> {
  const started = performance.now();
  try {
    const link = env.acceptor ? await secureClient(env.acceptor, accepted, env.limits.tlsMs, env.draining) : accepted;
    const profile = serveProfile(env.terms, env.limits.handshakeMs);
    await serveRequests(link, profile, env.draining, (exchange) => void serveExchange(env, exchange, origin));
  } catch (error) {
    const failure = toTunlError(error);
    // A client that connects and leaves, such as a port check, asked for nothing.
    if (failure.code !== 'connection_terminated') {
      reportRefusal(env, { client: accepted.peer, user: accepted.peer.identity, requested: '-', started }, failure);
    }
  }
}

async function serveExchange(env: ServeEnv, exchange: TunnelExchange, outer: Origin): Promise<void> {
  const started = performance.now();
  const { peer } = exchange;
  let leave: () => void;
  let request: TunnelRequest;
  let user = peer.identity;
  try {
    request = claim(env, exchange);
    if (env.users.required) {
      user = request.credentials?.user ?? user;
      await authenticate(env, request);
    }
    assertServable(env, exchange, request);
    leave = env.gate.enter(request.peer);
  } catch (error) {
    const refusal = toTunlError(error);
    reportRefusal(env, { client: peer, user, requested: formatRequested(exchange), started }, refusal);
    writeRefusal(env, exchange, outer, started, refusal);
    await env.terms.refuse(exchange, refusal);
    return;
  }
  const viaFields = env.forwardsVia ? [...request.via, `${exchange.version} ${pseudonym}`] : [];
  const outcome = await carryTunnel(env, {
    target: request.target,
    origin: {
      ...outer,
      peer: request.peer,
      requested: request.summary,
      request: toLine(exchange),
      headers: request.headers,
      ...(user !== undefined && { user }),
      ...(viaFields.length > 0 && { via: viaFields }),
    },
    gone: request.gone,
    accept: () => request.accept(env.terms.grants(exchange)),
    refuse: (error) => {
      // The answer may take its time; the place is free before it.
      leave();
      return request.reject(error, env.terms.refusals.statusOf(error));
    },
    statusOf: (error) => (error ? env.terms.refusals.statusOf(error) : 200),
  });
  if ('ended' in outcome) void outcome.ended.then(leave);
}

/** What was asked for, as the access record names it: a user in it is nobody's business. */
function formatRequested({ method, target }: TunnelExchange): string {
  return `${method} ${quote(target.replace(/^.*@/s, '***@')).slice(1, -1)}`;
}

function claim({ terms: { carriers, switches, http2, refusals } }: ServeEnv, exchange: TunnelExchange): TunnelRequest {
  // HTTP/1.1 has its limit where heads are read; HTTP/2 counts only once the peer has acknowledged ours.
  if (exchange.version === '2') assertHeadSize(exchange.headers, http2.maxHeaderBytes);
  for (const carrier of carriers) {
    const request = carrier.claim?.(exchange, switches);
    if (request && request !== 'handled') return request;
  }
  const allow = ['Allow', [...new Set(carriers.flatMap(({ methods }) => methods))].join(', ')] as const;
  throw new TunlError('http_request_error', `${exchange.method} is not served here`, {
    side: 'client',
    phase: 'request',
    status: refusals.unserved,
    ...(refusals.unserved === 405 && { headers: [allow] }),
  });
}

/** The client learns nothing of what was wrong, and our records nothing of whether there is such a user. */
async function authenticate(
  { users, limits }: ServeEnv,
  { credentials, challenge, gone }: TunnelRequest,
): Promise<void> {
  // Passwords are verified one after the other: a burst of wrong ones must not hold up this one for ever.
  const limit = { ms: limits.handshakeMs, phase: 'policy', option: '--handshake-timeout', code: busyCode } as const;
  const user = await within(limit, gone, 'the password was not verified', (signal) =>
    users.authenticate(credentials, signal),
  );
  if (user !== undefined) return;
  const told = 'credentials are required';
  throw new TunlError('http_request_error', credentials ? 'wrong password, or there is no such user' : told, {
    side: 'client',
    phase: 'policy',
    status: challenge.status,
    headers: [challenge.field],
    told,
  });
}

function assertServable({ draining, terms }: ServeEnv, exchange: TunnelExchange, request: TunnelRequest): void {
  if (terms.refusals.checksExpect) assertNoExpectation(exchange);
  if (request.via.some((value) => value.includes(pseudonym))) {
    throw new TunlError('proxy_loop_detected', 'the request has been here before', { side: 'client', phase: 'policy' });
  }
  if (draining.aborted) {
    throw new TunlError('proxy_internal_response', 'the proxy is stopping', { side: 'self', phase: 'policy' });
  }
}

/** The client and its request, as far as they are known; the user may be no more than a name that somebody gave. */
interface Asked {
  readonly client: Peer;
  readonly user: string | undefined;
  readonly requested: string;
  readonly started: number;
}

/** The access record of a request that never became a tunnel. */
function reportRefusal(env: ServeEnv, { client, user, requested, started }: Asked, error: TunlError): void {
  const answered = error.phase !== 'tls' && error.code !== 'interrupted';
  env.emit({
    event: 'tunnel.failed',
    id: env.tunnels.nextId(),
    client: formatPeer(client),
    ...(user !== undefined && { user: toShort(user) }),
    target: requested,
    via: env.via,
    ms: Math.round(performance.now() - started),
    error,
    ...(answered && { status: env.terms.refusals.statusOf(error) }),
  });
}

function writeRefusal(
  env: ServeEnv,
  exchange: TunnelExchange,
  outer: Origin,
  started: number,
  failure: TunlError,
): void {
  const { peer, headers } = exchange;
  env.access?.write({
    tunnel: { id: env.tunnels.nextId(), started },
    origin: { ...outer, peer, request: toLine(exchange), headers: withoutSecrets(headers) },
    status: env.terms.refusals.statusOf(failure),
    failure,
  });
}
