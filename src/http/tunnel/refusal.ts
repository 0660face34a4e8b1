import { STATUS_CODES } from 'node:http';
import { type Address, formatAddress } from '../../core/address.ts';
import type { DialContext } from '../../core/dialer.ts';
import { type ErrorCode, type ErrorFacts, TunlError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import { fieldValues, type ResponseHead } from '../wire/message.ts';
import { parseProxyStatus } from '../wire/proxy-status.ts';
import type { Negotiated } from '../login/negotiate.ts';
import { redactAnswer, redactText } from './redact.ts';
import { printable, refusalHints } from './refusal-hints.ts';
import { readRetryAfter } from './retry-after.ts';

/** A request for a tunnel and the answer that opened none. */
export interface Refusal {
  readonly hop: Hop;
  readonly method: string;
  readonly address: Address;
  readonly ctx: Pick<DialContext, 'target' | 'fields'>;
  readonly head: ResponseHead;
  /** The beginning of the answer's body. */
  readonly body: string;
  readonly meaning?: RefusalMeaning;
  /** What became of the attempts to prove who we are. */
  readonly negotiated?: Pick<Negotiated, 'hints' | 'sent' | 'isRefused'>;
}

/** The meaning of a refusal in a protocol that expresses it by the status alone. */
export interface RefusalMeaning {
  readonly code: ErrorCode;
  readonly side: 'hop' | 'target';
  readonly hint: string;
}

/**
 * Makes the error for a refusal, with its status, its reason, what the proxy said about it and what the user can do.
 */
export function refusalError({
  hop,
  method,
  address,
  ctx,
  meaning,
  negotiated: { hints = [], sent = [], isRefused = false } = {},
  ...answer
}: Refusal): TunlError {
  const secrets = { ...hop, headers: [...hop.headers, ...(ctx.fields ?? []), ...sent] };
  const { head, body } = redactAnswer(answer, secrets);
  const status = parseProxyStatus(fieldValues(head.headers, 'proxy-status').join(', '));
  const ofTarget = isOfTarget(status?.error) || meaning?.side === 'target';
  const retryAfterMs = isOverloaded(head.status) ? readRetryAfter(head.headers) : undefined;
  const facts: ErrorFacts = {
    side: ofTarget && address === ctx.target ? 'target' : 'hop',
    phase: 'handshake',
    received: head.status,
    hints: refusalHints({
      hop,
      method,
      address,
      head,
      body,
      status,
      retryAfterMs,
      ownHint: meaning?.hint,
      tried: hints.map((text) => redactText(text, secrets)),
    }),
    ...(isRefused && { refusedPassword: true as const }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status?.rcode !== undefined && /^[A-Z]+$/.test(status.rcode) && { rcode: status.rcode }),
  };
  const proxy = formatAddress(hop.address);
  // HTTP/2 has no reason phrase.
  const line = `${head.status} ${head.reason || (STATUS_CODES[head.status] ?? '')}`.trim();
  const cause = status?.error ? ` (${status.error})` : '';
  return new TunlError(
    status?.error === undefined && meaning ? meaning.code : refusalCode(head.status, status?.error),
    `${proxy} refused ${method} ${formatAddress(address)}: ${printable(line)}${cause}`,
    facts,
  );
}

/** True for a status that may pass soon (RFC 6585, section 4, and RFC 9110, section 15.6.4). */
function isOverloaded(status: number): boolean {
  return status === 429 || status === 503;
}

/** True for an error that a proxy reports about its next connection, not about itself or our request. */
function isOfTarget(named: ErrorCode | undefined): boolean {
  return named !== undefined && /^(?:dns|destination|connection|tls)_/.test(named);
}

function refusalCode(status: number, named: ErrorCode | undefined): ErrorCode {
  if (status === 407 || status === 401) return 'auth_required';
  if (named !== undefined) return named;
  if (status === 429) return 'connection_limit_reached';
  return status >= 500 ? 'hop_failed' : 'hop_refused';
}
