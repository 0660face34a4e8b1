import { type ErrorCode, statusOf, type TunlError } from '../core/errors.ts';

/** Failures that say what they are; every other one of an upstream reads as 503, as Envoy has it. */
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

/** The status with which an HTTP stage answers a request that failed: an upstream that is away is a 503, whatever keeps it away. */
export function httpStatusOf(error: TunlError): number {
  if (error.code === 'tunnel_idle') return error.facts.status ?? 408;
  return error.facts.status ?? (plain.has(error.code) ? statusOf(error) : 503);
}
