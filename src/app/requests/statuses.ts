import { type ErrorCode, statusOf, type TunlError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';

/** Decides how a stage that speaks HTTP refuses requests. */
export interface Refusals {
  readonly statusOf: (error: TunlError) => number;
  /** The status for a request that nothing here serves. */
  readonly unserved: 404 | 405;
  /** True to answer an `Expect` that cannot be met with 417; false to ignore it. */
  readonly checksExpect: boolean;
  /** Present if a refusal ends a connection of HTTP/1.1, so that nothing which came with the request is served. */
  readonly closes?: true;
  /** Present if a refusal is a status alone, without fields or a body. */
  readonly isBare?: true;
}

/** The failures that keep their own status; every other failure of an upstream becomes 503, as in Envoy. */
const plain: ReadonlySet<ErrorCode> = new Set([
  'http_request_error',
  'http_request_denied',
  'destination_ip_prohibited',
  'proxy_loop_detected',
  'http_protocol_error',
  'http_response_header_section_size',
  'http_response_timeout',
  'interrupted',
  'internal',
]);

/**
 * Returns the status with which Envoy answers a failed request: an unreachable upstream is a 503, whatever the cause.
 */
function httpStatusOf(error: TunlError): number {
  const { code, facts } = error;
  if (code === 'tunnel_idle') return facts.status ?? 408;
  if (facts.nowhere === true) return 503;
  return facts.status ?? (plain.has(code) ? statusOf(error) : 503);
}

/**
 * Returns the status for a request that took too long; the client is to blame (408) only while its request is incomplete
 * (RFC 9110, section 15.5.9).
 */
export function lateStatus({ isBodiless, body }: Pick<Exchange, 'isBodiless' | 'body'>): number {
  return isBodiless || body.readableEnded ? 504 : 408;
}

/** The refusals of `serve` and of Envoy. */
export const refusals: Readonly<Record<'serve' | 'envoy', Refusals>> = {
  serve: { statusOf, unserved: 405, checksExpect: true },
  envoy: { statusOf: httpStatusOf, unserved: 404, checksExpect: false },
};
