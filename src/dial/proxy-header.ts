import { isIP } from 'node:net';
import type { Address } from '../core/address.ts';
import type { Stage } from '../core/dialer.ts';
import type { Link } from '../core/link.ts';
import { formatProxyHeader, type ProxyProtocol } from '../http/proxy-protocol.ts';

/**
 * The Stage that tells the target who the client is, before the first byte of the tunnel. Where the connection was made to
 * is the address that was asked for, or with `reached` the one of ours that the client came to, as Envoy says it.
 */
export function withProxyHeader(version: ProxyProtocol, to: 'asked' | 'reached' = 'asked'): Stage {
  return (next) => async (address, ctx) => {
    const link = await next(address, ctx);
    const { peer } = ctx.origin;
    const destination = (to === 'reached' && peer.reached) || destinationOf(address, link);
    link.stream.write(formatProxyHeader(version, { source: peer.address, destination, identity: peer.identity }));
    return link;
  };
}

/** The address that was asked for; for a name that we resolved, the one that was reached. */
function destinationOf(address: Address, link: Link): Address | undefined {
  if (address.kind !== 'tcp' || isIP(address.host) !== 0) return address;
  return address.resolved ? link.peer.address : undefined;
}
