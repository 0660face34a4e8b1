import type { Address } from '../core/address.ts';
import type { Dial, DialContext, Origin } from '../core/dialer.ts';
import type { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import type { HttpRequest } from '../core/request.ts';

/** How requests reach one upstream. */
export interface ForwarderOptions {
  /** Its name in messages. */
  readonly name: string;
  /** Leads to the upstream, TLS included. */
  readonly dial: Dial;
  /** How requests are written. With TLS the upstream must have chosen it by ALPN, or nothing at all for `http1`. */
  readonly version: 'http1' | 'http2';
  /** Connections that have carried no request for so long are closed; 0 keeps none for another request. */
  readonly keepMs: number;
  /** `per-client`: requests of different clients never share a connection; the upstream sees whose it is. */
  readonly sessions: 'shared' | 'per-client';
}

/** What an action asks of a request that goes on. */
export interface ForwardTerms {
  /** From the end of the request to the end of its answer, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Without a byte in either direction, in milliseconds; 0 is no limit. */
  readonly idleMs: number;
  /** Protocols to which the client may switch, in lower case; `connect` for CONNECT itself. */
  readonly upgrades: readonly string[];
}

/** What belongs to one request. */
export interface ForwardContext extends Pick<DialContext, 'onProgress' | 'onFailure' | 'onWay'> {
  /** Aborted when the request must end now: its client is gone, or we stop. */
  readonly signal: AbortSignal;
  readonly origin: Origin;
  /** What is dialled. Connections to one address are never used for another. */
  readonly target: Address;
  /** Moves the bytes of a request that changed its protocol, to the end of both; it never rejects. */
  readonly join: (client: Link, upstream: Link) => Promise<unknown>;
}

/** What became of a request that was answered. */
export interface ForwardOutcome {
  /** The upstream's status. */
  readonly status: number;
  /** Why the client did not get the whole answer; it saw an abort. */
  readonly failure?: TunlError;
}

/** Sends requests to one upstream and brings its answers back. */
export interface Forwarder {
  /**
   * Resolves once the exchange is over. Whatever the upstream answers is passed on, whatever its status.
   * @throws {TunlError} as long as nothing was answered: it is for the caller to do it
   */
  forward(request: HttpRequest, terms: ForwardTerms, ctx: ForwardContext): Promise<ForwardOutcome>;
  /** Closes the connections that carry nothing, at once, and the others behind their requests. */
  close(): Promise<void>;
}
