import { randomBytes } from 'node:crypto';
import { h1 } from '../../carriers/h1.ts';
import type { Origin } from '../../core/dialer.ts';
import { requestError, toTunlError, TunlError } from '../../core/errors.ts';
import type { Exchange, TunnelRequest } from '../../core/exchange.ts';
import { findSource, type Link, type Peer } from '../../core/link.ts';
import { chooseFront, type Front, http, type TunnelAsk } from '../../fronts/index.ts';
import type { RequestProfile } from '../../http/server/front.ts';
import { type Login, loginField, readLogin, withoutSecrets } from '../../http/server/tunnel-request.ts';
import type { Authenticator } from '../../policy/auth.ts';
import type { TunnelGate } from '../../policy/tunnel-gate.ts';
import type { TlsAcceptor } from '../../tls/server.ts';
import { carryRequest, makeRefusal, type RequestEnv, type RequestPlan, refuse } from '../requests/http-request.ts';
import type { Limits } from '../../chain/model/graph.ts';
import type { Answer } from '../../resume/far.ts';
import { isSessionAddress, sessionRefusal } from '../../resume/session.ts';
import { acceptTunnel, carry, type TunnelPlan } from '../requests/tunnel-request.ts';
import type { Resuming } from '../tunnel/resuming.ts';
import type { PlainRequests } from '../requests/plain.ts';
import { describeAsked, formatRequest, toLine } from '../requests/request-record.ts';
import type { PassScreens } from '../requests/screen.ts';
import { type Asked, assertServable, recognise } from './recognise.ts';
import { secureClient } from '../secure-client.ts';
import type { ServeTerms } from './serve-terms.ts';
import type { ChangeAnswer } from '../../router/head-changes.ts';
import { openSession } from '../tunnel/sessions.ts';
import type { TunnelEnv } from '../tunnel/tunnel.ts';
import { describeRefused } from '../tunnel/access-log.ts';
import { serveAsk } from '../tunnel/ask.ts';
import { assertLogin, verifyLogin, wrongLogin } from '../tunnel/login.ts';
import { logRefused, reportRefused } from '../tunnel/refused.ts';

/** The parts that a stage that speaks HTTP needs to serve its Links. */
export interface ServeEnv extends RequestEnv {
  readonly terms: ServeTerms;
  /** The front of the terms, with the signal that ends the connections of a replaced stage. */
  readonly front: RequestProfile;
  readonly users: Authenticator;
  /** Present if the number of tunnels and requests is limited. */
  readonly gate?: TunnelGate;
  readonly acceptor: TlsAcceptor | undefined;
  readonly limits: Limits;
  /** Once it has aborted, a proxy refuses new tunnels. */
  readonly draining: AbortSignal;
  /** The hops on the way as URLs without secrets; empty if the routes decide. */
  readonly via: readonly string[];
  /** Carries the tunnels of a proxy, after its rules for targets; absent in a stage that routes requests. */
  readonly tunnel?: TunnelEnv;
  /** The name of the stage. */
  readonly stage: string;
  /** Present if tunnels may outlive their transports. */
  readonly resuming?: Resuming;
  /** The name of the stage in `Via`. Each stage has its own: a request may pass several stages of one process. */
  readonly pseudonym: string;
  /** True if requests go on to another proxy, which must see our `Via`. */
  readonly forwardsVia: boolean;
  /**
   * Decides what is done with a request; `tunnel` is present if a carrier claimed it. Calls `onChange` if the route that
   * it found changes the fields of answers, refusals included.
   * @throws {TunlError} http_request_error or http_request_denied, if the request cannot be served
   */
  readonly route: (
    exchange: Exchange,
    tunnel: TunnelRequest | undefined,
    onChange: (change: ChangeAnswer) => void,
  ) => Plan;
  /** Gives each request the values of the stage; absent if it has none. */
  readonly setState?: (origin: Origin) => Origin;
  /** Lets connections pass before a request is read; absent without screens. */
  readonly pass?: PassScreens;
  /** Starts to forward the plain requests of one Link; absent for a stage whose routes decide. */
  readonly openPlain?: () => PlainRequests;
}

/** The decision about one request: it opens a tunnel, is answered, or is forwarded. */
export type Plan = TunnelPlan | RequestPlan;

/** Makes the name of a stage in `Via`: a random pseudonym reveals nothing, and seeing it again means a loop. */
export function makePseudonym(): string {
  return `tunl-${randomBytes(4).toString('hex')}`;
}

/** Serves one accepted Link to its end. Never rejects: failures are answered and reported. */
export async function serveLink(env: ServeEnv, accepted: Link, origin: Origin): Promise<void> {
  const started = performance.now();
  const { acceptor, front: requests, limits, draining, terms, users } = env;
  let front: Front | undefined;
  let claimed: string | undefined;
  let plain: PlainRequests | undefined;
  const findPlain = () => (plain ??= env.openPlain?.());
  try {
    const link = acceptor ? await secureClient(acceptor, accepted, limits.tlsMs, draining) : accepted;
    if (env.pass) passOrReset(env.pass, link);
    front = await chooseFront(terms.fronts, link, { headMs: requests.http1.headMs, draining });
    await front.serve(link, {
      requests,
      draining,
      ...(users.required && {
        authenticate: (credentials, signal) => {
          claimed = credentials.user;
          const peer = link.peer.address ? link.peer : origin.peer;
          return assertLogin(users, { credentials }, peer, limits.handshakeMs, signal);
        },
      }),
      onExchange: (exchange) => void serveExchange(env, exchange, origin, findPlain),
      onTunnel: (ask) => void carryAsk(env, ask, origin, claimed),
    });
  } catch (error) {
    const failure = toTunlError(error);
    // A client that connects and leaves, such as a port check, sent no request to report.
    if (failure.code === 'connection_terminated') return;
    const { peer } = accepted;
    const user = claimed ?? peer.identity ?? origin.user;
    const asker = { ...origin, peer, ...(user !== undefined && { user }) };
    const isAnswered = front?.hasStatuses && failure.phase !== 'tls' && failure.code !== 'interrupted';
    const asked = { id: env.tunnels.nextId(), origin: asker, target: '-', started };
    const { status } = requests.answerFault?.(failure, peer) ?? { status: terms.refusals.statusOf(failure) };
    reportRefused(env, asked, failure, isAnswered ? status : undefined);
  } finally {
    void plain?.close();
  }
}

/** Resets a connection that may not pass. @throws {TunlError} http_request_denied */
function passOrReset(pass: PassScreens, link: Link): void {
  try {
    pass(link.peer);
  } catch (error) {
    link.reset(toTunlError(error));
    throw error;
  }
}

/** Serves a request in a protocol that has nothing but tunnels. */
function carryAsk(env: ServeEnv, ask: TunnelAsk, outer: Origin, claimed: string | undefined): Promise<void> {
  const { tunnel } = env;
  if (!tunnel) throw new TunlError('internal', 'a stage that opens no tunnels has a front for them');
  const user = claimed ?? ask.peer.identity ?? outer.user;
  const origin = { ...outer, peer: ask.peer, ...(user !== undefined && { user }) };
  return serveAsk({ ...env, tunnel }, ask, origin);
}

/**
 * Serves one request to its end. Never rejects.
 *
 *     recognise -> authenticate -> authorise -> route -> a tunnel | an answer | the request goes on
 */
async function serveExchange(
  env: ServeEnv,
  exchange: Exchange,
  outer: Origin,
  findPlain: () => PlainRequests | undefined,
): Promise<void> {
  const started = performance.now();
  const { terms, gate } = env;
  const { peer } = exchange;
  let user = peer.identity ?? outer.user;
  let leave: (() => void) | undefined;
  let asked: Asked = {};
  let plan: Plan;
  let resumable: Answer<Link> | undefined;
  let changeAnswer: ChangeAnswer | undefined;
  const onChange = (change: ChangeAnswer) => void (changeAnswer = change);
  const originOf = (pseudonym: string | undefined): OwnOrigin => {
    const own = toOrigin(exchange, outer, user, asked, pseudonym);
    return env.setState?.(own) ?? own;
  };
  try {
    asked = recognise(terms, exchange);
    const request = asked.tunnel ?? asked.plain;
    if (env.users.required) {
      const login = request ?? asked.transfer ?? readLogin(exchange);
      user = login.digest?.user ?? login.credentials?.user ?? user;
      await authenticate(env, login, peer.address ? peer : outer.peer, exchange.gone);
    }
    if (asked.transfer) return await asked.transfer.serve({ stage: env.stage, user, source: findSource(peer) });
    if (asked.tunnel && env.resuming?.attach(exchange, asked.tunnel, { user, peer })) return;
    if (request) assertServable(env, exchange, request);
    if (asked.tunnel && isSessionAddress(asked.tunnel.target)) {
      const session = openSession(env.resuming, exchange, asked.tunnel, { user, peer });
      const asker = { ...outer, peer, ...(user !== undefined && { user }) };
      return void serveLink(insideOf(env), session.link, asker).finally(session.onAsked);
    }
    leave = gate?.enter(peer);
    plan = (asked.plain && findPlain()?.plan(asked.plain)) ?? env.route(exchange, asked.tunnel, onChange);
    if (asked.tunnel) resumable = env.resuming?.open(exchange, asked.tunnel, { user, peer });
  } catch (error) {
    leave?.();
    const failure = markRefusal(toTunlError(error), asked);
    const origin = originOf(undefined);
    const refused = { id: env.tunnels.nextId(), origin, target: formatRequest(exchange), started };
    const describe = () => describeRefused(describeAsked(refused, origin), failure);
    const refusal = makeRefusal(env, exchange, failure, describe, changeAnswer);
    const { status } = refusal;
    reportRefused(env, refused, failure, failure.code === 'interrupted' ? undefined : status);
    logRefused(env, refused, failure, status);
    return refuse(env, exchange, failure, refusal);
  }
  const origin = originOf(env.forwardsVia ? env.pseudonym : undefined);
  // Logs and formats have the request as it goes on.
  if (plan.kind !== 'answer' && plan.rewritten) {
    const { target, authority, headers } = plan.rewritten;
    origin.request = { ...toLine(exchange), target, authority };
    origin.headers = withoutSecrets(headers);
  }
  if (plan.kind === 'tunnel') {
    const accept = acceptTunnel(terms.tunnels?.grants(exchange) ?? [], exchange, asked.tunnel, resumable, changeAnswer);
    return carry(env, plan, exchange, { origin, accept, leave, changeAnswer });
  }
  // The upstream must not see the passwords of our users.
  const keptBack = env.users.required ? loginField(exchange) : undefined;
  return carryRequest(env, exchange, plan, { origin, keptBack, leave, changeAnswer });
}

/**
 * The same stage as a session leads to: it takes one CONNECT in HTTP/1.1, from a user who has proved who it is. The time
 * for the request is that for every other.
 */
function insideOf(env: ServeEnv): ServeEnv {
  const { resuming: _noFurther, openPlain: _none, ...rest } = env;
  const { terms, front, users } = env;
  const tunnels = terms.tunnels && { tunnels: { ...terms.tunnels, carriers: [h1] } };
  return {
    ...rest,
    acceptor: undefined,
    users: { ...users, required: false },
    front: { ...front, codec: 'http1', perConnection: 'one' },
    terms: { ...terms, fronts: [http], plain: false, ...tunnels },
  };
}

/** Marks the refusal of a session as ours, and not one of a front end before us. */
function markRefusal(failure: TunlError, { tunnel }: Asked): TunlError {
  if (!tunnel || !isSessionAddress(tunnel.target)) return failure;
  const { code, message, facts } = failure;
  return new TunlError(code, message, { ...facts, headers: [...(facts.headers ?? []), sessionRefusal] });
}

/** The facts about a client and its request while they are put together. */
type OwnOrigin = { -readonly [Key in keyof Origin]: Origin[Key] };

/** Describes the client and its request, and with a pseudonym also the path of the request, for another proxy. */
function toOrigin(
  exchange: Exchange,
  outer: Origin,
  user: string | undefined,
  { tunnel, plain }: Asked,
  pseudonym: string | undefined,
): OwnOrigin {
  const { via } = tunnel ?? plain ?? {};
  // Field by field: V8 caches nothing of a literal that goes on behind the fields of another object.
  const origin: OwnOrigin = {
    peer: exchange.peer,
    request: toLine(exchange),
    headers: tunnel?.headers ?? withoutSecrets(exchange.headers),
  };
  if (outer.stages) origin.stages = outer.stages;
  if (outer.onResumable) origin.onResumable = outer.onResumable;
  if (outer.state) origin.state = outer.state;
  if (user !== undefined) origin.user = user;
  if (via && pseudonym !== undefined) origin.via = [...via, `${exchange.version} ${pseudonym}`];
  else if (outer.via) origin.via = outer.via;
  return origin;
}

/**
 * Verifies credentials. The client does not learn what was wrong, and our records do not show whether the user exists.
 */
async function authenticate({ users, limits }: ServeEnv, login: Login, peer: Peer, gone: AbortSignal): Promise<void> {
  const verdict = await verifyLogin(users, login, peer, limits.handshakeMs, gone);
  if (verdict === 'right') return;
  const { credentials, digest, challenge } = login;
  const told = 'credentials are required';
  const { status, field } = challenge;
  const isStale = verdict === 'stale';
  const what = isStale ? 'the digest has an old nonce' : wrongLogin;
  throw requestError(credentials || digest ? what : told, {
    phase: 'policy',
    status,
    headers: [...users.digestChallenges(isStale).map((value) => [field[0], value] as const), field],
    told,
  });
}
