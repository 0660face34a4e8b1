import { type ErrorCode, isErrorCode, type TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';

/** The content of a `Proxy-Status` field about a failure. */
export interface ProxyStatus {
  /** The name of the proxy on the way that reported the failure. */
  readonly proxy: string;
  readonly error?: ErrorCode;
  readonly details?: string;
  readonly rcode?: string;
}

/** The codes that RFC 9209 does not define, each with the closest code that it does. */
const standIns: Partial<Record<ErrorCode, ErrorCode>> = {
  auth_required: 'proxy_configuration_error',
  hop_refused: 'http_protocol_error',
  hop_failed: 'http_protocol_error',
  tunnel_truncated: 'connection_terminated',
  tunnel_idle: 'connection_read_timeout',
  usage: 'proxy_configuration_error',
  address_in_use: 'proxy_internal_error',
  interrupted: 'proxy_internal_response',
  command_unusable: 'proxy_internal_error',
  command_not_found: 'proxy_internal_error',
  output_closed: 'proxy_internal_error',
  internal: 'proxy_internal_error',
};

/** Formats the `Proxy-Status` field for a failed request (RFC 9209). The field names no address and no other host. */
export function formatProxyStatus(error: TunlError): HeaderField {
  let value = `tunl; error=${standIns[error.code] ?? error.code}`;
  if (error.facts.rcode !== undefined) value += `; rcode="${error.facts.rcode}"`;
  if (error.facts.received !== undefined) value += `; received-status=${error.facts.received}`;
  return ['Proxy-Status', value];
}

/** Formats the reason for the client, without inner addresses, names of resolvers or stack traces. */
export function publicReason(error: TunlError): string {
  const { code, facts, message } = error;
  return `tunl: ${facts.told ?? (code === 'http_request_error' ? message : code.replaceAll('_', ' '))}\n`;
}

// One member of the list: a token or a string, then its parameters (RFC 8941, sections 3.1 and 3.1.2).
const item = String.raw`(?:"((?:[^"\\]|\\["\\])*)"|([^\s,;="]+))`;
const parameter = new RegExp(String.raw`\s*;\s*([a-z*][a-z0-9_.*-]*)(?:=${item})?`, 'y');
const member = new RegExp(String.raw`\s*${item}`, 'y');

/**
 * Reads the first member that names an error, which is the one closest to the target. Returns `undefined` if there is
 * none or the field is malformed.
 */
export function parseProxyStatus(value: string): ProxyStatus | undefined {
  let at = 0;
  while (at < value.length) {
    member.lastIndex = at;
    const head = member.exec(value);
    if (!head) return undefined;
    at = member.lastIndex;
    const parameters = new Map<string, string>();
    for (parameter.lastIndex = at; ; at = parameter.lastIndex) {
      const found = parameter.exec(value);
      if (!found) break;
      parameters.set(found[1] as string, unquote(found[2]) ?? found[3] ?? '');
    }
    const error = parameters.get('error');
    if (error !== undefined) return toProxyStatus(unquote(head[1]) ?? head[2] ?? '', error, parameters);
    const comma = /\s*,/y;
    comma.lastIndex = at;
    if (!comma.test(value)) return undefined;
    at = comma.lastIndex;
  }
  return undefined;
}

function toProxyStatus(proxy: string, error: string, parameters: ReadonlyMap<string, string>): ProxyStatus {
  const details = parameters.get('details');
  const rcode = parameters.get('rcode');
  return {
    proxy,
    // A code of our own that is not in the RFC means nothing when another proxy sends it.
    ...(isErrorCode(error) && !(error in standIns) && { error }),
    ...(details !== undefined && { details }),
    ...(rcode !== undefined && { rcode }),
  };
}

function unquote(text: string | undefined): string | undefined {
  return text?.replaceAll(/\\(["\\])/g, '$1');
}
