import type { TcpAddress } from '../../core/address.ts';
import { statusOf, TunlError } from '../../core/errors.ts';
import type { Exchange, TunnelExchange, TunnelRequest } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { type Credentials, isSecretField } from '../../core/secret.ts';
import { parseAuthority } from '../../syntax/authority.ts';
import { originChallenge, parseBasic, proxyChallenge } from '../wire/credentials.ts';
import { fieldValues } from '../wire/message.ts';
import { formatProxyStatus, publicReason } from '../wire/proxy-status.ts';

/**
 * Recognises CONNECT (RFC 9110, section 9.3.6), whatever HTTP version it came in.
 * @throws {TunlError} http_request_error when it is a CONNECT that nobody may serve
 */
export function claimConnect(exchange: TunnelExchange): TunnelRequest | undefined {
  if (exchange.method !== 'CONNECT') return undefined;
  assertNoContent(exchange);
  return toTunnelRequest(exchange, {
    ...proxyTerms,
    target: parseAuthority(exchange.target),
    accept: (headers) => exchange.upgrade(200, headers),
  });
}

/** How a carrier reads a tunnel request out of an exchange. */
export interface TunnelTerms {
  readonly target: TcpAddress;
  /** Field in which the client sends its credentials, in lower case. */
  readonly credentialsField: 'proxy-authorization' | 'authorization';
  readonly challenge: TunnelRequest['challenge'];
  readonly accept: (headers: readonly HeaderField[]) => Link;
}

/** Who asks for something, and how we ask who it is. */
export type Login = Pick<TunnelRequest, 'credentials' | 'challenge'>;

/** The terms of a tunnel that is asked for as one asks a proxy. */
const proxyTerms = {
  credentialsField: 'proxy-authorization',
  challenge: { status: 407, field: proxyChallenge },
} as const;

/** The terms of a tunnel that is asked for as one asks an origin server, not a proxy. */
export const originTerms = {
  credentialsField: 'authorization',
  challenge: { status: 401, field: originChallenge },
} as const;

/**
 * Reads who asks for something that no carrier took: as one asks a proxy where the client takes us for one, otherwise as
 * one asks an origin server (RFC 9110, section 11.7).
 * @throws {TunlError} http_request_error when fields contradict each other
 */
export function readLogin(exchange: Exchange): Login {
  const { challenge } = exchange.asksProxy ? proxyTerms : originTerms;
  const credentials = readCredentials(exchange, loginField(exchange));
  return { challenge, ...(credentials && { credentials }) };
}

/** The field in which such a request has its credentials, in lower case. */
export function loginField({ asksProxy }: Exchange): TunnelTerms['credentialsField'] {
  return (asksProxy ? proxyTerms : originTerms).credentialsField;
}

/** The fields of a request that others may know of: without those that hold credentials. */
export function withoutSecrets(headers: readonly HeaderField[]): readonly HeaderField[] {
  return headers.filter(([name]) => !isSecretField(name));
}

/**
 * Makes a tunnel request of an exchange.
 * @throws {TunlError} http_request_error when fields contradict each other
 */
export function toTunnelRequest(exchange: TunnelExchange, terms: TunnelTerms): TunnelRequest {
  if (exchange.version === '2') assertSameHost(exchange);
  const credentials = readCredentials(exchange, terms.credentialsField);
  return {
    target: terms.target,
    ...(credentials && { credentials }),
    challenge: terms.challenge,
    headers: withoutSecrets(exchange.headers),
    via: fieldValues(exchange.headers, 'via'),
    accept: terms.accept,
  };
}

/** CONNECT has no content: bytes that something on the way took for a body must never reach a target. */
function assertNoContent({ headers }: TunnelExchange): void {
  const lengths = fieldValues(headers, 'content-length');
  if (lengths.some((length) => length !== '0') || fieldValues(headers, 'transfer-encoding').length > 0) {
    throw requestError('CONNECT must not have content');
  }
}

/** RFC 9113, section 8.3.1: who reads the one must not come to another place than who reads the other. */
function assertSameHost({ headers, authority }: TunnelExchange): void {
  if (fieldValues(headers, 'host').some((host) => host.toLowerCase() !== authority.toLowerCase())) {
    throw requestError('the Host field names something else than the target');
  }
}

function readCredentials({ headers }: TunnelExchange, field: string): Credentials | undefined {
  const values = fieldValues(headers, field);
  if (values.length > 1) throw requestError(`the request has more than one ${field} field`);
  // A comma cannot stand in Basic credentials: two fields were joined on the way.
  if (values[0]?.includes(',')) throw requestError(`the ${field} field is not valid`);
  return values[0] === undefined ? undefined : parseBasic(values[0]);
}

function requestError(message: string, status = 400): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request', status });
}

/** Answers an exchange with a failure's `Proxy-Status` and its status: that of the error table, unless another is given. */
export function rejectExchange(
  exchange: TunnelExchange,
  error: TunlError,
  status: number = statusOf(error),
): Promise<void> {
  return exchange.respond(status, [formatProxyStatus(error), ...(error.facts.headers ?? [])], publicReason(error));
}

/**
 * Refuses what a client expects beside 100-continue (RFC 9110, section 10.1.1). Nobody expects anything over HTTP/1.0. A
 * client that waits for a 100 before a CONNECT tunnel gets the final answer instead.
 * @throws {TunlError} http_request_error with status 417
 */
export function assertNoExpectation({ version, headers }: TunnelExchange): void {
  const met = fieldValues(headers, 'expect').every((value) =>
    value.split(',').every((member) => /^\s*(?:100-continue)?\s*$/i.test(member)),
  );
  if (version !== '1.0' && !met) throw requestError('what the Expect field asks for is not done here', 417);
}
