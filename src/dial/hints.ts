import { type Address, formatAddress } from '../core/address.ts';
import type { TunlError } from '../core/errors.ts';
import { plainScheme, type Hop } from '../core/hop.ts';

/** What is worth a look when the first connection to a proxy does not come up. */
export function unreachedHints({ code, side }: TunlError, { address, scheme, variable }: Hop): string[] {
  if (side === 'self') return [];
  const hints: string[] = [];
  if (code === 'dns_error' || code === 'dns_timeout')
    hints.push('names of company proxies often resolve inside their own network only: is the VPN up?');
  if (code === 'connection_timeout' || code === 'destination_ip_unroutable')
    hints.push('nothing answers at that address: is a VPN down, or a firewall in the way?');
  if (code === 'connection_refused' && address.kind === 'tcp' && (address.port === 80 || address.port === 443))
    hints.push(`${scheme}:// without a port means ${address.port}; proxies are often on 3128 or 8080`);
  if (variable !== undefined) hints.push(`${variable} names that proxy; --direct goes without it`);
  return hints;
}

/** What may be wrong when a proxy does not finish a TLS handshake; why it failed has hints of its own. */
export function unsecuredHints({ code }: TunlError, { scheme }: Hop): string[] {
  const plain = plainScheme(scheme);
  // An HTTP proxy takes the handshake for a line that goes on.
  const mayBePlain = code === 'connection_timeout' && plain !== undefined;
  return mayBePlain
    ? [`a proxy without TLS waits like this: if it is one, write ${plain}:// instead of ${scheme}://`]
    : [];
}

/** Why a proxy may give no answer in time. */
export function unansweredHints({ code, facts }: TunlError, address: Address): string[] {
  if (code !== 'http_response_timeout' || facts.received !== undefined) return [];
  return [`a proxy says nothing while it tries: it may be ${formatAddress(address)} that does not answer`];
}
