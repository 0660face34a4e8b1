import { type Address, formatAddress } from '../core/address.ts';
import type { Carrier } from '../core/carrier.ts';
import type { TunlError } from '../core/errors.ts';
import { plainScheme, type Hop } from '../core/hop.ts';

/** Hints for a proxy to which no connection can be made. */
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

/** Hints for a proxy that does not finish a TLS handshake; failures of TLS itself have their own. */
export function unsecuredHints({ code }: TunlError, { scheme }: Hop): string[] {
  const plain = plainScheme(scheme);
  // A plain HTTP proxy takes the handshake for an unfinished line and waits for more.
  const mayBePlain = code === 'connection_timeout' && plain !== undefined;
  return mayBePlain
    ? [`a proxy without TLS waits like this: if it is one, write ${plain}:// instead of ${scheme}://`]
    : [];
}

/** Hints for a proxy that does not answer in time. */
export function unansweredHints({ code, facts }: TunlError, address: Address, { silence }: Carrier): string[] {
  if (code !== 'http_response_timeout' || facts.received !== undefined) return [];
  const tries = `a proxy is silent while it tries: perhaps ${formatAddress(address)} itself does not answer`;
  return silence === undefined ? [tries] : [tries, silence];
}
