import { requestError, TunlError } from '../../core/errors.ts';
import type { Exchange, TransferRequest, TunnelRequest } from '../../core/exchange.ts';
import { claimPlain, type PlainRequest } from '../../http/server/plain-request.ts';
import { assertNoExpectation } from '../../http/server/tunnel-request.ts';
import { stoppingError } from '../tunnel/ask.ts';
import type { ServeTerms, TunnelTerms } from './serve-terms.ts';

/** The request that an exchange is for a proxy; neither for a stage whose routes decide. */
export interface Asked {
  readonly tunnel?: TunnelRequest;
  readonly plain?: PlainRequest;
  /** A part of a tunnel that is open. */
  readonly transfer?: TransferRequest;
}

/**
 * Recognises the request of an exchange: a tunnel of the first carrier that claims it, else a plain request.
 * @throws {TunlError} http_request_error, if the request is not valid, or a proxy serves nothing of the kind
 */
export function recognise(terms: ServeTerms, exchange: Exchange): Asked {
  const { tunnels, plain } = terms;
  if (!tunnels) return {};
  for (const carrier of tunnels.carriers) {
    const claimed = carrier.claim?.(exchange, tunnels);
    if (claimed) return 'serve' in claimed ? { transfer: claimed } : { tunnel: claimed };
  }
  const request = plain ? claimPlain(exchange) : undefined;
  if (request) return { plain: request };
  throw unserved(terms, tunnels, exchange);
}

function unserved(
  { refusals, plain }: ServeTerms,
  { carriers }: TunnelTerms,
  { method, asksProxy, sentScheme }: Exchange,
): TunlError {
  const allow = ['Allow', [...new Set(carriers.flatMap(({ methods }) => methods))].join(', ')] as const;
  return requestError(`${method} is not served here`, {
    status: refusals.unserved,
    ...(refusals.unserved === 405 && { headers: [allow], told: advise(asksProxy || sentScheme === 'http', plain) }),
  });
}

/** Tells a client what to do instead. */
function advise(asksProxy: boolean, plain = false): string {
  if (asksProxy && !plain) {
    return 'this proxy opens tunnels and forwards no http:// requests; ask for https://, or for a tunnel (curl -p)';
  }
  return 'this is a proxy and no web server; set it as the proxy of your program, and ask for the URL there';
}

/**
 * Refuses a request that has been here before, expects more than we do, or comes too late.
 * @throws {TunlError} http_request_error, proxy_loop_detected, or proxy_internal_response
 */
export function assertServable(
  {
    draining,
    terms,
    pseudonym,
  }: { readonly draining: AbortSignal; readonly terms: ServeTerms; readonly pseudonym: string },
  exchange: Exchange,
  { via }: Pick<TunnelRequest, 'via'>,
): void {
  if (terms.refusals.checksExpect) assertNoExpectation(exchange);
  if (via.some((value) => value.includes(pseudonym))) {
    throw new TunlError('proxy_loop_detected', 'the request has been here before', { side: 'client', phase: 'policy' });
  }
  if (draining.aborted) throw stoppingError();
}
