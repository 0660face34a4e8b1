import type { ErrorCode, TunlError } from '../core/errors.ts';
import type { FormatFacts } from '../words/format.ts';
import type { AccessEntry } from './access-log.ts';

/** How something went, in the words of Envoy. */
type End = Pick<FormatFacts, 'flags' | 'details' | 'termination' | 'failure'>;

/** What Envoy says where nobody listens. */
const refused = 'delayed_connect_error:_Connection_refused';

/** Failures of requests that have words of their own. */
const ofRequests: Partial<Record<ErrorCode, End>> = {
  http_request_error: { details: 'http_request_error' },
  http_request_denied: { details: 'upgrade_failed' },
  http_response_timeout: { flags: 'UT', details: 'response_timeout' },
  http_protocol_error: { flags: 'UPE', details: 'upstream_reset_before_response_started{protocol_error}' },
  tunnel_idle: { flags: 'SI', details: 'stream_idle_timeout' },
  tunnel_truncated: { flags: 'DT', details: 'max_duration_timeout' },
  destination_unavailable: { flags: 'UH', details: 'no_healthy_upstream' },
  dns_error: { flags: 'UH', details: 'no_healthy_upstream' },
};

/** What did not come up, on a stage that looks at requests. */
export function describeRequestFailure(error: TunlError): End {
  const { code, facts, side } = error;
  if (facts.status === 404) return { flags: 'NR', details: 'route_not_found' };
  if (side === 'client' && code === 'connection_terminated') {
    return { flags: 'DC', details: 'downstream_remote_disconnect' };
  }
  if (side === 'self' && code === 'interrupted') return {};
  const known = ofRequests[code];
  if (known) return known;
  const failure = describeFailure(error);
  return {
    flags: 'UF',
    details: `upstream_reset_before_response_started{remote_connection_failure|${failure}}`,
    failure,
  };
}

/** What did not come up, on a stage that moves bytes. */
export function describeBytesFailure(error: TunlError): End {
  const { code, side } = error;
  if (code === 'interrupted' || code === 'tunnel_idle' || (side === 'client' && code === 'connection_terminated')) {
    return { termination: code };
  }
  if (code === 'tunnel_truncated') return { flags: 'DT', termination: 'max_downstream_connection_duration' };
  if (code === 'dns_error') return { flags: 'UH', failure: code };
  return { flags: 'UF,URX', failure: describeFailure(error) };
}

function describeFailure({ code, facts }: TunlError): string {
  if (facts.received !== undefined) return `tunnel_response:${facts.received}`;
  return code === 'connection_refused' ? refused : code;
}

/** What was up, and has ended. */
export function describeEnd({ tunnel, result, place }: AccessEntry, speaks: 'bytes' | 'http'): End {
  if (!result || result.end === 'clean')
    return speaks === 'http' ? { details: place ? 'via_upstream' : 'direct_response' } : {};
  const { end, side } = result;
  if (tunnel.hasExpired) {
    return speaks === 'http'
      ? { flags: 'DT', details: 'max_duration_timeout' }
      : { flags: 'DT', termination: 'max_downstream_connection_duration' };
  }
  if (speaks === 'bytes') return { termination: end === 'reset' ? `${side}_reset` : end };
  if (end === 'idle') return { flags: 'SI', details: 'stream_idle_timeout' };
  if (end !== 'reset') return { details: end };
  return side === 'client'
    ? { flags: 'DC', details: 'downstream_remote_disconnect' }
    : { flags: 'UC', details: 'upstream_reset_after_response_started{connection_termination}' };
}
