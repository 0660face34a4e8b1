import { authName } from '../auth/allowed.ts';
import { recall } from '../auth/knowledge.ts';
import { type Address, formatAddress } from '../core/address.ts';
import type { Carrier, HopReach, Reach, Session } from '../core/carrier.ts';
import { Deadline, type Limit, throwIfAborted, tlsLimit, within } from '../core/deadline.ts';
import type { Dial, DialContext, Layer } from '../core/dialer.ts';
import { type HopPosition, type Phase, TunlError } from '../core/errors.ts';
import { formatHop, type HeaderField, type Hop } from '../core/hop.ts';
import { describeTls, type Link, type Resumption, resetError } from '../core/link.ts';
import { isOverWithin } from '../core/waiting.ts';
import { ProxyLink } from '../http/h1/proxy-link.ts';
import { unansweredHints, unreachedHints, unsecuredHints } from './hints.ts';
import { SessionPool, type SessionSource } from './pool.ts';
import { Pool } from '../core/pool.ts';

/** A hop with everything that is needed to open tunnels through it. */
export interface HopRoute {
  readonly hop: Hop;
  readonly position: HopPosition;
  readonly carrier: Carrier;
  /** `target`: the hop before this one finds it by the address that the tunnel leads to. */
  readonly reachedBy: HopReach;
  /** `per-tunnel`: the path to the hop depends on the client of the tunnel. */
  readonly sessions: 'shared' | 'per-tunnel';
  /** Finds the pool whose sessions are to be used; absent if it is a new one. */
  readonly takePool?: (make: () => Pool<Session>) => Pool<Session>;
  /** Puts TLS on a Link to the hop; absent if the scheme has none. */
  readonly secure?: (link: Link, signal: AbortSignal, alpn?: readonly string[]) => Promise<Link>;
  /** Fills in the fields that differ for each tunnel; absent if there are none. */
  readonly fill?: (ctx: DialContext) => readonly HeaderField[];
  readonly tlsMs: number;
  readonly handshakeMs: number;
}

/** The layer of a hop, with control over the sessions that it keeps. */
export interface ViaLayer {
  readonly layer: Layer;
  /** Opens further tunnels in new sessions only; tunnels in the present ones live on. */
  renew(): void;
  /** Ends the idle sessions that are kept for later tunnels. */
  close(): Promise<void>;
}

/**
 * Makes the layer that goes through one hop:
 *
 *     next(hop address) -> secure -> carrier.open -> session.tunnel(address)
 *
 * A hop that is reached by the target is dialled as `next(address)`, for each tunnel anew. Failures below get the
 * hop's position, so that messages name the hop of a chain that failed.
 */
export function via(route: HopRoute): ViaLayer {
  const pools = new Set<SessionPool>();
  const source = (next: Dial): SessionSource => ({
    open: (address, ctx) => {
      const place = route.reachedBy === 'target' ? address : route.hop.address;
      return openSession(route, place, next, ctx);
    },
    tunnel: (session, address, ctx) => {
      tellBelow(route, session, ctx);
      session.adopt?.(route.hop);
      return openTunnel(route, session, address, ctx);
    },
    keyOf: ({ origin }) => (route.carrier.pooling === 'identity' ? (origin.peer.identity ?? '') : ''),
    isShared: route.reachedBy === 'address' && route.sessions === 'shared',
  });
  const layer: Layer = (next) => {
    const own = source(next);
    const pool = new SessionPool(own, own.isShared ? route.takePool?.(() => new Pool(true)) : undefined);
    pools.add(pool);
    const { hop, position } = route;
    const openTunnels: Dial = (address, ctx) => pool.tunnel(address, ctx);
    const tunnel = hop.credentials
      ? tryPasswordOf(hop, position, openTunnels)
      : asksWho(route)
        ? letFirstAsk(hop, openTunnels)
        : openTunnels;
    return (address, ctx) => {
      if (ctx.anonymous) return openTunnels(address, ctx);
      return (ctx.form && openRequests(route, next, ctx)) ?? tunnel(address, ctx);
    };
  };
  return {
    layer,
    renew: () => pools.forEach((pool) => pool.renew()),
    close: async () => {
      for (const pool of pools) await pool.close();
    },
  };
}

/** The longest that tunnels wait for the first one to find out whether a hop asks who we are, in milliseconds. */
const askMs = 500;

/** True for a hop that may be told who the user is by what the system knows. */
function asksWho({ carrier }: HopRoute): boolean {
  return carrier.settings.some(({ name }) => name === authName);
}

/**
 * Lets the first tunnel find out whether the hop asks who we are, and by which scheme: the others, if there are some by
 * then, wait for what it learns, so that each need not be asked.
 */
function letFirstAsk(hop: Hop, dial: Dial): Dial {
  let first: Promise<unknown> | undefined;
  let isOver = false;
  const ask: Dial = async (address, ctx) => {
    if (first) {
      await isOverWithin(askMs, first, ctx.signal);
      return dial(address, ctx);
    }
    const opening = dial(address, ctx);
    first = opening;
    try {
      return await opening;
    } finally {
      isOver = true;
    }
  };
  return (address, ctx) => (isOver || recall(hop).scheme !== undefined ? dial(address, ctx) : ask(address, ctx));
}

/** What all tunnels of a session share. */
interface Below {
  /** The hops on the way to the hop of the session, and its own if that is asked in a mode. */
  readonly hops: ReadonlyMap<number, string | undefined>;
  /** The parts of that way that outlive their transports. */
  readonly parts: readonly Resumption[];
}

const waysBelow = new WeakMap<Session, Below>();
const findBelow = (session: Session): Below => waysBelow.get(session) as Below;

/** Tells which hops a tunnel in a session takes, and for what it has to wait. */
function tellBelow({ hop, position }: HopRoute, session: Session, { onHop, onResumable }: DialContext): void {
  const { hops, parts } = findBelow(session);
  for (const part of parts) onResumable?.(part);
  for (const [place, name] of hops) onHop?.(place, name);
  if (!hops.has(position.index)) onHop?.(position.index, formatHop(hop));
}

function tryPasswordOf(hop: Hop, { index }: HopPosition, dial: Dial): Dial {
  return async (address, ctx) => {
    const { tryPassword } = await import('../auth/trial.ts');
    return tryPassword(hop, index, ctx.signal, () => dial(address, ctx));
  };
}

/** Opens a connection for plain requests to the hop; undefined if its protocol has no form for them. */
function openRequests(route: HopRoute, next: Dial, ctx: DialContext): Promise<Link> | undefined {
  const { hop, position, carrier, fill } = route;
  const reached = carrier.takesRequests?.(hop);
  if (!reached) return undefined;
  const { form: _ofTheTarget, ...own } = ctx;
  const open = async () => {
    const link = await secureLink(route, await reachHop(route, hop.address, next, own), own, reached.alpn);
    ctx.onHop?.(position.index, formatHop(hop));
    // `Host` is that of each target.
    const fields = [...hop.headers, ...(fill?.(ctx) ?? [])].filter(([name]) => name.toLowerCase() !== 'host');
    return new ProxyLink(link, { hop, position }, fields);
  };
  return open();
}

async function openSession(route: HopRoute, address: Address, next: Dial, given: DialContext): Promise<Session> {
  const { hop, position, carrier } = route;
  const hops = new Map<number, string | undefined>();
  const parts: Resumption[] = [];
  const ctx: DialContext = {
    ...given,
    onHop: hops.set.bind(hops),
    onResumable: (part) => parts.push(part),
  };
  const what = `${formatAddress(hop.address)} did not start a session`;
  // A limit for the hop alone, without the dial below: it starts anew with each connection that the carrier asks for.
  const deadline = new Deadline(handshakeLimit(route), ctx.signal, what);
  let isOpening = true;
  const reach: Reach = async ({ form, alpn, ctx: later = ctx }) => {
    const { fields: _ofThisHop, anonymous: _here, form: _ofTheTarget, ...own } = later;
    // In TLS nobody on the way sees a request.
    const asked = form === 'requests' && !route.secure ? { ...own, form } : own;
    const link = await secureLink(route, await reachHop(route, address, next, asked), own, alpn);
    // Later the limit is that of the tunnel which needs the connection.
    if (isOpening) deadline.start();
    return link;
  };
  try {
    const session = await carrier.open(reach, hop, numberSteps(ctx, position, { signal: deadline.signal }));
    waysBelow.set(session, { hops, parts });
    return session;
  } catch (error) {
    throw atHop(error, route, 'handshake');
  } finally {
    isOpening = false;
    deadline.end();
  }
}

/** The limit on the time that a hop takes for its answer. */
export function handshakeLimit({ handshakeMs }: Pick<HopRoute, 'handshakeMs'>): Limit {
  return { ms: handshakeMs, phase: 'handshake', option: '--handshake-timeout', code: 'http_response_timeout' };
}

/** Adds the hop and its position to an error; facts that it already has are nearer to the cause and stay. */
function atHop(error: unknown, { hop, position }: HopRoute, phase?: Phase): unknown {
  if (!(error instanceof TunlError)) return error;
  const facts = { side: 'hop', hop: position, ...(phase && { phase }) } as const;
  return error.with(facts).withTaken(position.index, formatHop(hop));
}

/** Adds to the failure of a tunnel the hops on the way to the hop of its session, and the mode in which that was asked. */
function withBelow(error: unknown, session: Session): unknown {
  if (!(error instanceof TunlError)) return error;
  return [...findBelow(session).hops].reduce((failure, [place, name]) => failure.withTaken(place, name), error);
}

async function reachHop(route: HopRoute, address: Address, next: Dial, ctx: DialContext): Promise<Link> {
  const { hop, position } = route;
  try {
    return await next(address, numberSteps(ctx, position, { hop: position }));
  } catch (error) {
    throw atHop(
      withHints(error, (failure) => unreachedHints(failure, hop)),
      route,
    );
  }
}

/** Returns a context that gives this hop's number to steps that have none yet, with `more` in it. */
function numberSteps(ctx: DialContext, { index }: HopPosition, more: Partial<DialContext>): DialContext {
  const { onProgress, onAnswer, onTrailers } = ctx;
  return {
    ...ctx,
    ...more,
    ...(onProgress && { onProgress: (step) => onProgress({ hop: index, ...step }) }),
    ...(onAnswer && { onAnswer: (answer) => onAnswer({ hop: index, ...answer }) }),
    ...(onTrailers && { onTrailers: (trailers) => onTrailers({ hop: index, ...trailers }) }),
  };
}

async function secureLink(
  route: HopRoute,
  link: Link,
  ctx: DialContext,
  offered: readonly string[] | undefined,
): Promise<Link> {
  const { hop, position, secure, tlsMs } = route;
  if (!secure) return link;
  const name = formatAddress(hop.address);
  const started = performance.now();
  try {
    const secured = await within(tlsLimit(tlsMs), ctx.signal, `${name} did not finish the TLS handshake`, (signal) =>
      secure(link, signal, offered),
    );
    const ms = performance.now() - started;
    const { peer } = secured;
    ctx.onProgress?.({ phase: 'tls', hop: position.index, detail: describeTls(peer), ms, tls: peer.tls });
    return secured;
  } catch (error) {
    link.reset(resetError('the TLS handshake failed'));
    throw atHop(
      withHints(error, (failure) => unsecuredHints(failure, hop)),
      route,
      'tls',
    );
  }
}

async function openTunnel(route: HopRoute, session: Session, address: Address, ctx: DialContext): Promise<Link> {
  const { hop, position, fill, carrier } = route;
  const started = ctx.onProgress ? performance.now() : 0;
  const describe = () =>
    `${formatAddress(hop.address)} did not answer ${carrier.asksBy ?? 'CONNECT'} ${formatAddress(address)}`;
  const deadline = new Deadline(handshakeLimit(route), ctx.signal, describe);
  try {
    throwIfAborted(ctx.signal);
    deadline.start();
    const more = fill && { fields: [...(ctx.fields ?? []), ...fill(ctx)] };
    const link = await session.tunnel(address, numberSteps(ctx, position, { signal: deadline.signal, ...more }));
    if (ctx.onProgress) {
      const ms = performance.now() - started;
      ctx.onProgress({ phase: 'handshake', hop: position.index, detail: formatAddress(address), ms });
    }
    return link;
  } catch (error) {
    const explained = withHints(error, (failure) => unansweredHints(failure, address, carrier));
    throw atHop(withBelow(explained, session), route, 'handshake');
  } finally {
    deadline.end();
  }
}

/** Adds hints to an error, unless it comes from a hop before this one, which has added its own. */
function withHints(error: unknown, find: (error: TunlError) => readonly string[]): unknown {
  if (!(error instanceof TunlError) || error.facts.hop) return error;
  return error.withHints(...find(error));
}
