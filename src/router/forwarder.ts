import type { Address } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import type { ForwardContext, Exchange } from '../core/exchange.ts';

/** Options for forwarding requests to one upstream. */
export interface ForwarderOptions {
  /** Its name in messages. */
  readonly name: string;
  /** Dials the upstream, TLS included. */
  readonly dial: Dial;
  /** Version of HTTP. With TLS the upstream must have chosen it by ALPN; for `http1` it may also have chosen none. */
  readonly version: 'http1' | 'http2';
  /** Time limit for starting an HTTP/2 session, in milliseconds; 0 is no limit. */
  readonly handshakeMs: number;
  /** `per-request`: no connection carries two requests, because it identifies the client. */
  readonly sessions: 'shared' | 'per-request';
}

/** Terms of a route for a request. */
export interface ForwardTerms {
  /** The address to dial. A connection is only used for its own address. */
  readonly target: Address;
  /** Time limit from the end of the request to the end of its answer, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Protocols to which the client may switch, in lower case; `connect` for CONNECT itself. */
  readonly upgrades: readonly string[];
  /** A field that was for us and stays here, in lower case. */
  readonly keptBack?: string;
}

/** Sends requests to one upstream, and its answers back. */
export interface Forwarder {
  /**
   * Forwards a request, and passes on the answer whatever its status. Resolves once the exchange is over; `request.done`
   * tells how it ended.
   * @throws {TunlError} if nothing was answered: the caller must answer
   */
  forward(request: Exchange, terms: ForwardTerms, ctx: ForwardContext): Promise<void>;
  /** Closes idle connections, and the others after a moment. */
  close(): Promise<void>;
}
