import { type Address, formatAddress, formatHostPort } from '../core/address.ts';
import type { Carrier, Reach, Session } from '../core/carrier.ts';
import { within } from '../core/deadline.ts';
import type { Dial, DialContext, Stage } from '../core/dialer.ts';
import { type HopPosition, TunlError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import { type Link, resetError } from '../core/link.ts';

/** A hop with everything that is needed to go through it. */
export interface HopRoute {
  readonly hop: Hop;
  readonly position: HopPosition;
  readonly carrier: Carrier;
  /** Puts TLS on a Link to the hop; absent where the scheme has none. */
  readonly secure?: (link: Link, signal: AbortSignal) => Promise<Link>;
  readonly tlsMs: number;
  readonly handshakeMs: number;
}

/**
 * The Stage that goes through one hop:
 *
 *     next(hop address) -> secure -> carrier.open -> session.tunnel(address)
 *
 * Failures below come out with the hop's position, so that in a chain it is known who failed.
 */
export function via(route: HopRoute): Stage {
  return (next) => async (address, ctx) => {
    const session = await openSession(route, next, ctx);
    try {
      return await openTunnel(route, session, address, ctx);
    } catch (error) {
      await session.close('now');
      throw error;
    }
  };
}

async function openSession(route: HopRoute, next: Dial, ctx: DialContext): Promise<Session> {
  const { hop, carrier } = route;
  const reach: Reach = async () => secureLink(route, await reachHop(route, next, ctx), ctx);
  return carrier.open(reach, hop, ctx);
}

async function reachHop({ hop, position }: HopRoute, next: Dial, ctx: DialContext): Promise<Link> {
  const numbered: DialContext = {
    ...ctx,
    onProgress: (step) => ctx.onProgress?.({ hop: position.index, ...step }),
  };
  try {
    return await next(hop.address, numbered);
  } catch (error) {
    throw error instanceof TunlError ? error.with({ side: 'hop', hop: position }) : error;
  }
}

async function secureLink(route: HopRoute, link: Link, ctx: DialContext): Promise<Link> {
  const { hop, position, secure, tlsMs } = route;
  if (!secure) return link;
  const limit = { ms: tlsMs, phase: 'tls', option: '--tls-timeout', code: 'connection_timeout' } as const;
  const name = formatHostPort(hop.address.host, hop.address.port);
  const started = performance.now();
  try {
    const secured = await within(limit, ctx.signal, `${name} did not finish the TLS handshake`, (signal) => secure(link, signal));
    const { protocol = '', cipher = '', alpn = 'none', subject = '' } = secured.peer.tls ?? {};
    const detail = [protocol, cipher, `alpn ${alpn}`, subject].filter(Boolean).join(', ');
    ctx.onProgress?.({ phase: 'tls', hop: position.index, detail, ms: performance.now() - started });
    return secured;
  } catch (error) {
    link.reset(resetError('the TLS handshake failed'));
    throw error instanceof TunlError ? error.with({ side: 'hop', hop: position, phase: 'tls' }) : error;
  }
}

async function openTunnel(route: HopRoute, session: Session, address: Address, ctx: DialContext): Promise<Link> {
  const { hop, position, handshakeMs } = route;
  const limit = { ms: handshakeMs, phase: 'handshake', option: '--handshake-timeout', code: 'http_response_timeout' } as const;
  const what = `${formatHostPort(hop.address.host, hop.address.port)} did not answer CONNECT ${formatAddress(address)}`;
  const started = performance.now();
  try {
    const link = await within(limit, ctx.signal, what, (signal) => session.tunnel(address, { ...ctx, signal }));
    ctx.onProgress?.({ phase: 'handshake', hop: position.index, detail: formatAddress(address), ms: performance.now() - started });
    return link;
  } catch (error) {
    throw error instanceof TunlError ? error.with({ side: 'hop', hop: position, phase: 'handshake' }) : error;
  }
}
