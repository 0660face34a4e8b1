/** One kind of failure, as a client of `serve`, a script and a person see it. */
export interface ErrorKind {
  /** HTTP status with which `serve` answers (RFC 9209, section 2.3, where it recommends one). */
  readonly status: number;
  /** Exit status of the program. */
  readonly exit: number;
  /** True if another attempt, or an alternative hop, may succeed. */
  readonly retry: boolean;
  /** The failure in words, for messages that have nothing more exact to say. */
  readonly sentence: string;
  /** Reply with which a SOCKS front answers (RFC 1928, section 6). */
  readonly socks: number;
}

/** The replies of SOCKS 5 that say more than that it failed (RFC 1928, section 6). */
const [denied, networkUnreachable, hostUnreachable, refused] = [2, 3, 4, 5];

const kind = (status: number, exit: number, retry: boolean, sentence: string, socks = 1): ErrorKind => ({
  status,
  exit,
  retry,
  sentence,
  socks,
});

/**
 * The one table for replies, messages, events, exit codes and retries. The first part has the proxy error types of
 * RFC 9209, section 2.3; the exit statuses are those of curl.
 */
export const errorTable = {
  dns_timeout: kind(504, 28, true, 'the name was not resolved in time', hostUnreachable),
  dns_error: kind(502, 6, true, 'the name does not resolve', hostUnreachable),
  destination_not_found: kind(500, 97, false, 'the proxy has no route to that target', hostUnreachable),
  destination_unavailable: kind(503, 7, true, 'the target is unavailable', hostUnreachable),
  // RFC 9209 suggests 502, which invites retries; every forward proxy in use answers 403.
  destination_ip_prohibited: kind(403, 97, false, 'the target address is not allowed', denied),
  destination_ip_unroutable: kind(502, 7, true, 'there is no route to the address', networkUnreachable),
  connection_refused: kind(502, 7, true, 'the connection was refused', refused),
  connection_terminated: kind(502, 97, true, 'the connection was closed'),
  connection_timeout: kind(504, 28, true, 'the connection was not made in time', hostUnreachable),
  connection_read_timeout: kind(504, 28, true, 'nothing was read in time'),
  connection_write_timeout: kind(504, 28, true, 'nothing was written in time'),
  connection_limit_reached: kind(503, 97, true, 'the proxy has too many tunnels'),
  tls_protocol_error: kind(502, 35, true, 'the TLS handshake failed'),
  tls_certificate_error: kind(502, 60, true, 'the certificate was not accepted'),
  tls_alert_received: kind(502, 35, true, 'the other side refused the TLS handshake'),
  http_request_error: kind(400, 97, false, 'the request is not valid'),
  http_request_denied: kind(403, 97, false, 'the target is not allowed', denied),
  http_response_incomplete: kind(502, 97, true, 'the answer was incomplete'),
  http_response_header_section_size: kind(502, 97, true, 'the head of the answer is too large'),
  http_response_timeout: kind(504, 28, true, 'the answer did not come in time'),
  http_upgrade_failed: kind(502, 97, true, 'the protocol was not changed'),
  http_protocol_error: kind(502, 97, true, 'the answer is not HTTP'),
  proxy_internal_response: kind(503, 97, true, 'the proxy answered by itself'),
  proxy_internal_error: kind(500, 97, true, 'the proxy failed'),
  proxy_configuration_error: kind(500, 97, false, 'the proxy is configured wrongly'),
  proxy_loop_detected: kind(502, 97, false, 'the request would loop back to the proxy', denied),

  /** A hop answered 407 or 401. */
  auth_required: kind(502, 67, false, 'the proxy wants credentials'),
  /** A hop answered with a status other than 2xx and gave no reason that this table names. */
  hop_refused: kind(502, 97, false, 'the proxy refused', denied),
  /** As `hop_refused`, but with a 5xx status: another hop may do better. */
  hop_failed: kind(502, 97, true, 'the proxy answered with a 5xx'),
  tunnel_truncated: kind(502, 56, false, 'the tunnel was cut'),
  tunnel_idle: kind(504, 28, false, 'the tunnel was idle for too long'),
  usage: kind(500, 2, false, 'the arguments are not valid'),
  address_in_use: kind(500, 98, false, 'cannot listen'),
  /** Ended by a signal or by the end of the grace; the exit status is 128 + the signal's number. */
  interrupted: kind(503, 1, false, 'interrupted'),
  /** The command of `forward -- COMMAND`; the exit statuses are those of env(1). */
  command_unusable: kind(500, 126, false, 'forward -- COMMAND: the command cannot run'),
  command_not_found: kind(500, 127, false, 'forward -- COMMAND: the command was not found'),
  /** The reader of our output went away (EPIPE). */
  output_closed: kind(500, 141, false, 'the reader of our output went away'),
  internal: kind(500, 1, false, 'a defect of tunl'),
} as const satisfies Record<string, ErrorKind>;

/** The name of a kind of failure. */
export type ErrorCode = keyof typeof errorTable;

/** True for a name that this table has; a `Proxy-Status` field may bring others. */
export function isErrorCode(name: string): name is ErrorCode {
  return Object.hasOwn(errorTable, name);
}
