import { type ErrorCode, statusOf, type TunlError } from '../../core/errors.ts';

/** How a stage that speaks HTTP refuses. */
export interface Refusals {
  readonly statusOf: (error: TunlError) => number;
  /** Of a request that asks for nothing that is there. */
  readonly unserved: 404 | 405;
  /** Answer 417 to an `Expect` that cannot be met; passed over otherwise. */
  readonly checksExpect: boolean;
  /** The status says all: there is no field and no body beside it. */
  readonly isBare?: true;
}

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

/** The status with which Envoy answers a request that failed: an upstream that is away is a 503, whatever keeps it away. */
function httpStatusOf(error: TunlError): number {
  const { code, facts } = error;
  if (code === 'tunnel_idle') return facts.status ?? 408;
  if (facts.nowhere === true) return 503;
  return facts.status ?? (plain.has(code) ? statusOf(error) : 503);
}

/** By whose they are. */
export const refusals: Readonly<Record<'serve' | 'envoy', Refusals>> = {
  serve: { statusOf, unserved: 405, checksExpect: true },
  envoy: { statusOf: httpStatusOf, unserved: 404, checksExpect: false },
};
