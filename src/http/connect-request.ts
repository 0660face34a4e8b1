import type { TcpAddress } from '../core/address.ts';
import { formatAddress } from '../core/address.ts';
import type { Exchange, TunnelRequest } from '../core/carrier.ts';
import { statusOf, TunlError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link, Peer } from '../core/link.ts';
import type { Credentials } from '../core/secret.ts';
import { parseAuthority } from './authority.ts';
import { parseBasic } from './credentials.ts';
import { fieldValues } from './message.ts';
import { formatProxyStatus, publicReason } from './proxy-status.ts';

/**
 * Recognises CONNECT (RFC 9110, section 9.3.6), whatever HTTP version it came in.
 * @throws {TunlError} http_request_error when it is a CONNECT that nobody may serve
 */
export function claimConnect(exchange: Exchange): TunnelRequest | undefined {
  if (exchange.method !== 'CONNECT') return undefined;
  assertNoContent(exchange);
  return new ConnectRequest(exchange, parseAuthority(exchange.target), readCredentials(exchange));
}

/** CONNECT has no content: bytes that something on the way took for a body must never reach a target. */
function assertNoContent({ headers }: Exchange): void {
  const lengths = fieldValues(headers, 'content-length');
  if (lengths.some((length) => length !== '0') || fieldValues(headers, 'transfer-encoding').length > 0) {
    throw requestError('CONNECT must not have content');
  }
}

function readCredentials({ headers }: Exchange): Credentials | undefined {
  const values = fieldValues(headers, 'proxy-authorization');
  if (values.length > 1) throw requestError('the request has more than one Proxy-Authorization field');
  // A comma cannot stand in Basic credentials: two fields were joined on the way.
  if (values[0]?.includes(',')) throw requestError('the Proxy-Authorization field is not valid');
  return values[0] === undefined ? undefined : parseBasic(values[0]);
}

function requestError(message: string): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request' });
}

class ConnectRequest implements TunnelRequest {
  readonly exchange: Exchange;
  readonly target: TcpAddress;
  readonly credentials?: Credentials;

  constructor(exchange: Exchange, target: TcpAddress, credentials: Credentials | undefined) {
    this.exchange = exchange;
    this.target = target;
    if (credentials) this.credentials = credentials;
  }

  get summary(): string {
    return `CONNECT ${formatAddress(this.target)}`;
  }

  get peer(): Peer {
    return this.exchange.peer;
  }

  get via(): readonly string[] {
    return fieldValues(this.exchange.headers, 'via');
  }

  get gone(): AbortSignal {
    return this.exchange.gone;
  }

  accept(headers: readonly HeaderField[]): Link {
    return this.exchange.upgrade(200, headers);
  }

  reject(error: TunlError, headers: readonly HeaderField[]): Promise<void> {
    return rejectExchange(this.exchange, error, headers);
  }
}

/** Answers an exchange with the status and the `Proxy-Status` that the error table gives. */
export function rejectExchange(
  exchange: Exchange,
  error: TunlError,
  headers: readonly HeaderField[] = [],
): Promise<void> {
  const fields = [formatProxyStatus(error), ...(error.facts.headers ?? []), ...headers];
  return exchange.respond(statusOf(error), fields, publicReason(error));
}
