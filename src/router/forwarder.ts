import type { Address } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import type { ForwardContext, Exchange } from '../core/exchange.ts';

/** How requests reach one upstream. */
export interface ForwarderOptions {
  /** Its name in messages. */
  readonly name: string;
  /** Leads to the upstream, TLS included. */
  readonly dial: Dial;
  /** How requests are written. With TLS the upstream must have chosen it by ALPN, or nothing at all for `http1`. */
  readonly version: 'http1' | 'http2';
  /** How long an HTTP/2 session may take to begin, in milliseconds; 0 is no limit. */
  readonly handshakeMs: number;
  /** `per-request`: no connection carries two requests; the upstream sees whose it is. */
  readonly sessions: 'shared' | 'per-request';
}

/** What a route asks of a request that goes on. */
export interface ForwardTerms {
  /** What is dialled. Connections to one address are never used for another. */
  readonly target: Address;
  /** From the end of the request to the end of its answer, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Protocols to which the client may switch, in lower case; `connect` for CONNECT itself. */
  readonly upgrades: readonly string[];
}

/** Sends requests to one upstream and brings its answers back. */
export interface Forwarder {
  /**
   * Resolves once the exchange is over, however it ended: `request.done` tells. Whatever the upstream answers is passed on,
   * whatever its status.
   * @throws {TunlError} as long as nothing was answered: it is for the caller to do it
   */
  forward(request: Exchange, terms: ForwardTerms, ctx: ForwardContext): Promise<void>;
  /** Closes the connections that carry nothing, and after a moment the others too. */
  close(): Promise<void>;
}
