import { isIP } from 'node:net';
import type { Address } from '../core/address.ts';
import type { Layer } from '../core/dialer.ts';
import type { Link } from '../core/link.ts';
import { formatProxyHeader, type ProxyProtocol } from '../http/server/proxy-protocol.ts';

/**
 * Makes the layer that sends a PROXY header before the first byte of a tunnel, so that the target knows the client. Its
 * destination is the address that was asked for, or with `reached` our address to which the client connected, as in
 * Envoy.
 */
export function withProxyHeader(version: ProxyProtocol, to: 'asked' | 'reached' = 'asked'): Layer {
  return (next) => async (address, ctx) => {
    const link = await next(address, ctx);
    const { peer } = ctx.origin;
    const destination = (to === 'reached' && peer.reached) || destinationOf(address, link);
    link.stream.write(formatProxyHeader(version, { source: peer.address, destination, identity: peer.identity }));
    return link;
  };
}

/** The address that was asked for; for a name that we resolved, the one that was connected to. */
function destinationOf(address: Address, link: Link): Address | undefined {
  if (address.kind !== 'tcp' || isIP(address.host) !== 0) return address;
  return address.resolved ? link.peer.address : undefined;
}
