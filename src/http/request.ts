import { type Address, formatAddress, type TcpAddress } from '../core/address.ts';
import type { DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { HeaderField, Hop } from '../core/hop.ts';
import { version } from '../core/version.ts';

/**
 * The address as one that a proxy can be asked for.
 * @throws {TunlError} usage for anything but host and port
 */
export function assertTunnelled(address: Address): TcpAddress {
  if (address.kind === 'tcp') return address;
  throw new TunlError('usage', `${formatAddress(address)} cannot be reached through a proxy`);
}

/** The fields of every tunnel request: who we are, the carrier's own, `Via`, and what the user adds. */
export function requestFields(hop: Hop, ctx: DialContext, own: readonly HeaderField[]): HeaderField[] {
  return [
    ['User-Agent', `tunl/${version}`],
    ...own,
    ...(ctx.origin.via ?? []).map((value) => ['Via', value] as const),
    ...hop.headers,
  ];
}
