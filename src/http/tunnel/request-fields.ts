import { type Address, formatAddress, formatHostPort, type TcpAddress } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import type { HeaderField, Hop } from '../../core/hop.ts';
import { version } from '../../core/program.ts';
import { quoteAscii } from '../../syntax/text.ts';
import { parseAuthority, sentNames } from '../../syntax/authority.ts';
import { isSafeField, withoutNamesakes } from '../wire/message.ts';

/**
 * Returns the address as one that a proxy can be asked for.
 * @throws {TunlError} usage for anything but a host and a port that a request may contain
 */
export function assertTunnelled(address: Address): TcpAddress {
  const text = formatAddress(address);
  if (address.kind !== 'tcp') throw usageError(`${text} cannot be reached through a proxy`);
  try {
    parseAuthority(text, sentNames);
  } catch (error) {
    if (!(error instanceof TunlError)) throw error;
    throw usageError(`cannot ask a proxy for ${quoteAscii(text)}: ${error.message}`).with({ cause: error });
  }
  return address;
}

/** The field that names this program. */
export const userAgent: HeaderField = ['User-Agent', `tunl/${version}`];

/** The host of the hop itself, as origin servers are told it: front ends choose a site by it. */
export function ownHost({ address }: Hop, usualPort: number): string {
  return address.kind === 'tcp' ? formatHostPort(address.host, address.port, usualPort) : 'localhost';
}

/**
 * Builds the fields of a tunnel request: the carrier's own, `Via`, and those that the user adds. A field of the user
 * replaces one of the carrier with the same name. Fields that are filled in for each tunnel count as the user's.
 * @throws {TunlError} usage if a field of the user cannot be sent as it is
 */
export function requestFields(hop: Hop, ctx: DialContext, own: readonly HeaderField[]): HeaderField[] {
  const added = ctx.fields ? [...hop.headers, ...ctx.fields] : hop.headers;
  const broken = added.find((field) => !isSafeField(field));
  if (broken) throw usageError(`the field ${quoteAscii(broken[0])} cannot be sent`);
  return [...withoutNamesakes(own, added), ...(ctx.origin.via ?? []).map((value) => ['Via', value] as const), ...added];
}

/**
 * As `requestFields`, for HTTP/1.1: Host is first, as RFC 9110, section 7.2 wants it, whoever has set it.
 * @throws {TunlError} usage if a field of the user cannot be sent as it is
 */
export function http1Fields(hop: Hop, ctx: DialContext, own: readonly HeaderField[]): HeaderField[] {
  const all = requestFields(hop, ctx, own);
  const isHost = ([name]: HeaderField) => name.toLowerCase() === 'host';
  return [...all.filter(isHost), ...all.filter((field) => !isHost(field))];
}
