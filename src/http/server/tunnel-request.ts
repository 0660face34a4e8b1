import { parseDigest, readUser } from '../../auth/digest/fields.ts';
import type { TcpAddress } from '../../core/address.ts';
import { requestError, statusOf, TunlError } from '../../core/errors.ts';
import type { Exchange, TunnelExchange, TunnelRequest } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { type DigestProof, isSecretField } from '../../core/secret.ts';
import { parseAuthority } from '../../syntax/authority.ts';
import { originChallenge, parseBasic, proxyChallenge } from '../wire/credentials.ts';
import { assertSameHost, fieldValues, listTokens } from '../wire/message.ts';
import { formatProxyStatus, publicReason } from '../wire/proxy-status.ts';

/**
 * Recognises CONNECT (RFC 9110, section 9.3.6) in any version of HTTP.
 * @throws {TunlError} http_request_error if it is a CONNECT that must not be served
 */
export function claimConnect(exchange: TunnelExchange): TunnelRequest | undefined {
  if (exchange.method !== 'CONNECT') return undefined;
  assertNoContent(exchange);
  const { credentialsField, challenge } = proxyTerms;
  return toTunnelRequest(exchange, {
    credentialsField,
    challenge,
    target: parseAuthority(exchange.target),
    accept: (headers) => exchange.upgrade(200, headers),
  });
}

/** The fields of an answer whose body is bytes of a tunnel: nobody may keep it; nginx is told by a field of its own. */
export const passedOnFields: readonly HeaderField[] = [
  ['Cache-Control', 'no-store, no-transform'],
  ['X-Accel-Buffering', 'no'],
];

/** Tells how a carrier reads a tunnel request from an exchange. */
export interface TunnelTerms {
  readonly target: TcpAddress;
  /** Field in which the client sends its credentials, in lower case. */
  readonly credentialsField: 'proxy-authorization' | 'authorization';
  readonly challenge: TunnelRequest['challenge'];
  readonly accept: TunnelRequest['accept'];
}

/** The credentials of a client, and the challenge that asks for them. */
export type Login = Pick<TunnelRequest, 'credentials' | 'digest' | 'challenge'>;

/** The terms of a tunnel that the client requests as from a proxy. */
export const proxyTerms = {
  credentialsField: 'proxy-authorization',
  challenge: { status: 407, field: proxyChallenge },
} as const;

/** The terms of a tunnel that the client requests as from an origin server. */
export const originTerms = {
  credentialsField: 'authorization',
  challenge: { status: 401, field: originChallenge },
} as const;

/**
 * Reads the credentials of a request that no carrier claimed: those for a proxy if the client treats us as one,
 * otherwise those for an origin server (RFC 9110, section 11.7).
 * @throws {TunlError} http_request_error when fields contradict each other
 */
export function readLogin(exchange: Exchange): Login {
  const { challenge } = exchange.asksProxy ? proxyTerms : originTerms;
  return { challenge, ...readCredentials(exchange, loginField(exchange)) };
}

/** Returns the name, in lower case, of the field that holds the credentials of such a request. */
export function loginField({ asksProxy }: Exchange): TunnelTerms['credentialsField'] {
  return (asksProxy ? proxyTerms : originTerms).credentialsField;
}

/** Returns the fields of a request without those that hold credentials, so that they can be shown to others. */
export function withoutSecrets(headers: readonly HeaderField[]): readonly HeaderField[] {
  return headers.filter((field) => !isSecretField(field[0]));
}

/**
 * Refuses a request of a page, which browsers always give an Origin: any page could otherwise open tunnels with the
 * rights of its reader.
 * @throws {TunlError} http_request_denied
 */
export function assertNoOrigin({ headers }: Pick<TunnelExchange, 'headers'>): void {
  if (fieldValues(headers, 'origin').length === 0) return;
  const message = 'pages of browsers open no tunnels: the request has an Origin';
  throw new TunlError('http_request_denied', message, { side: 'client', phase: 'request' });
}

/**
 * Makes a tunnel request from an exchange.
 * @throws {TunlError} http_request_error when fields contradict each other
 */
export function toTunnelRequest(exchange: TunnelExchange, terms: TunnelTerms): TunnelRequest {
  if (exchange.version === '2') assertSameHost(exchange);
  const { target, credentialsField, challenge, accept } = terms;
  const { headers } = exchange;
  const known = readCredentials(exchange, credentialsField);
  return { target, challenge, headers: withoutSecrets(headers), via: fieldValues(headers, 'via'), accept, ...known };
}

/** Refuses a CONNECT with content: bytes that an intermediary treated as a body must never reach a target. */
function assertNoContent({ headers }: TunnelExchange): void {
  const lengths = fieldValues(headers, 'content-length');
  if (lengths.some((length) => length !== '0') || fieldValues(headers, 'transfer-encoding').length > 0) {
    throw requestError('CONNECT must not have content');
  }
}

/** Reads the credentials in a field. @throws {TunlError} http_request_error when fields contradict each other */
export function readCredentials(exchange: TunnelExchange, field: string): Omit<Login, 'challenge'> {
  const values = fieldValues(exchange.headers, field);
  if (values.length > 1) throw requestError(`the request has more than one ${field} field`);
  const [value] = values;
  if (value === undefined) return {};
  const digest = parseProof(value, exchange);
  if (digest) return { digest };
  // Basic credentials contain no comma: an intermediary joined two fields.
  if (value.includes(',') && !/^digest /i.test(value)) throw requestError(`the ${field} field is not valid`);
  const credentials = parseBasic(value);
  return credentials ? { credentials } : {};
}

/** The most characters of a digest that is read. */
const maxDigest = 8192;

/** Reads a digest of a request; returns `undefined` for another scheme, or if no user is named. */
export function parseProof(
  value: string,
  { method, target }: Pick<TunnelExchange, 'method' | 'target'>,
): DigestProof | undefined {
  const params = /^digest /i.test(value) && value.length <= maxDigest ? parseDigest(value) : undefined;
  const user = params && readUser(params);
  return params && user !== undefined ? { user, params, method, target } : undefined;
}

/**
 * Answers an exchange with the `Proxy-Status` field of a failure and with `status`, by default that of the error table.
 */
export function rejectExchange(
  exchange: TunnelExchange,
  error: TunlError,
  status: number = statusOf(error),
): Promise<void> {
  return exchange.respond(status, [formatProxyStatus(error), ...(error.facts.headers ?? [])], publicReason(error));
}

/**
 * Refuses every expectation except 100-continue (RFC 9110, section 10.1.1). HTTP/1.0 has no expectations, so they are
 * ignored there. A client that waits for a 100 before a CONNECT tunnel gets the final answer instead.
 * @throws {TunlError} http_request_error with status 417
 */
export function assertNoExpectation({ version, headers }: TunnelExchange): void {
  const met = listTokens(headers, 'expect').every((expectation) => expectation === '100-continue');
  if (version !== '1.0' && !met) throw requestError('what the Expect field asks for is not done here', { status: 417 });
}
