import { randomUUID } from 'node:crypto';
import { requestError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import { fieldValues } from '../http/wire/message.ts';
import { keepEndToEnd, nominatedFields, trimValues } from './connection-fields.ts';

/** Fields that are not passed on: `host` is written anew from the authority, the others are orders to Envoy itself. */
const taken: ReadonlySet<string> = new Set([
  'host',
  'http2-settings',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-internal',
  'x-envoy-max-retries',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-stream-duration-ms',
]);

/** Fields that a client must not remove by naming them in `Connection`, because others rely on them. */
const unremovable = /^(?::.*|host|x-forwarded-(?:for|host|proto))$/;

/** Terms on which a request is passed on. */
export interface PassOn {
  readonly version: 'http1' | 'http2';
  /** The route's time limit in milliseconds, which the upstream is told; 0 is no limit. */
  readonly timeoutMs: number;
  /** The protocol to which the request switches; HTTP/1.1 names it in fields. */
  readonly upgradeTo?: string;
  /** A field that was for us and stays here, in lower case. */
  readonly keptBack?: string;
}

/**
 * Makes the fields of a request for the upstream: those of the client's connection are left out (RFC 9110, section
 * 7.6.1), those that Envoy adds by default are added, and all others keep their place.
 * @throws {TunlError} http_request_error, if `Connection` names a field that must stay
 */
export function toRequestFields(
  request: Pick<Exchange, 'version' | 'scheme'>,
  headers: readonly HeaderField[],
  passOn: PassOn,
): HeaderField[] {
  const kept = keepRequestFields(headers, passOn);
  const fields = joinFor(request, kept, passOn);
  return [...fields, ...addedFields(request, fields, passOn)];
}

/**
 * Makes the fields of a request as `toRequestFields` does, for a change that comes before it is known to whom they go.
 * @param timeoutMs the route's time limit
 * @throws {TunlError} http_request_error, if `Connection` names a field that must stay
 */
export function completeRequestFields(request: Exchange, timeoutMs: number): HeaderField[] {
  const { headers, upgradeTo } = request;
  const passOn: PassOn = { version: 'http1', timeoutMs, ...(upgradeTo !== undefined && { upgradeTo }) };
  const fields = keepRequestFields(headers, passOn);
  return [...fields, ...addedFields(request, fields, passOn)];
}

/** Makes the fields for the upstream from those that are complete. */
export function passComplete(
  request: Pick<Exchange, 'version'>,
  headers: readonly HeaderField[],
  passOn: PassOn,
): HeaderField[] {
  const isUpgrade = passOn.upgradeTo !== undefined && passOn.version === 'http1';
  const kept = headers.filter(
    ([name]) => name !== passOn.keptBack && (isUpgrade || (name !== 'connection' && name !== 'upgrade')),
  );
  return joinFor(request, trimValues(kept), passOn);
}

function keepRequestFields(headers: readonly HeaderField[], passOn: PassOn): HeaderField[] {
  if ([...nominatedFields(headers)].some((name) => unremovable.test(name))) {
    throw requestError('Connection names a field that must not be removed');
  }
  const isUpgrade = passOn.upgradeTo !== undefined && passOn.version === 'http1';
  const ends = new Set(keepEndToEnd(headers));
  return headers.flatMap((field): HeaderField[] => {
    const [name, value] = field;
    if (isUpgrade && (name === 'connection' || name === 'upgrade')) return [field];
    // The only value that may be passed on: the client understands trailers.
    if (name === 'te') return /(?:^|,)[\t ]*trailers[\t ]*(?:$|,|;)/i.test(value) ? [['te', 'trailers']] : [];
    // The reader of the body tells the client to send it.
    if (name === 'expect' && value.toLowerCase() === '100-continue') return [];
    return ends.has(field) && !taken.has(name) && name !== passOn.keptBack ? [field] : [];
  });
}

function joinFor(
  { version }: Pick<Exchange, 'version'>,
  fields: readonly HeaderField[],
  passOn: PassOn,
): HeaderField[] {
  return version === '2' && passOn.version === 'http1' ? joinCookies(fields) : [...fields];
}

function addedFields(
  request: Pick<Exchange, 'scheme'>,
  fields: readonly HeaderField[],
  { timeoutMs }: PassOn,
): HeaderField[] {
  const added: HeaderField[] = [];
  if (!has(fields, 'x-forwarded-proto')) added.push(['x-forwarded-proto', request.scheme]);
  if (!has(fields, 'x-request-id')) added.push(['x-request-id', randomUUID()]);
  if (timeoutMs > 0) added.push(['x-envoy-expected-rq-timeout-ms', String(timeoutMs)]);
  return added;
}

/** Joins the cookies that HTTP/2 splits for compression; HTTP/1.1 has one field (RFC 9113, section 8.2.3). */
export function joinCookies(fields: readonly HeaderField[]): HeaderField[] {
  const cookie = fieldValues(fields, 'cookie').join('; ');
  const first = fields.findIndex(([name]) => name === 'cookie');
  return fields.flatMap((field, at): HeaderField[] => {
    if (field[0] !== 'cookie') return [field];
    return at === first ? [['cookie', cookie]] : [];
  });
}

function has(fields: readonly HeaderField[], name: string): boolean {
  return fields.some(([field]) => field === name);
}
