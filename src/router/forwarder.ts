import type { Address } from '../core/address.ts';
import type { Dial } from '../core/dialer.ts';
import type { ForwardContext, Exchange, ReachedUpstream } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Pool, Pooled } from '../core/pool.ts';
import type { Call, Reply } from '../http/call.ts';
import type { Head } from './rewrite.ts';
import type { RequestPlace } from '../http/wire/request-target.ts';

/** A connection to an upstream that carries requests one by one or many at a time. */
export interface Connection extends Pooled, ReachedUpstream {
  call(call: Call, signal: AbortSignal): Promise<Reply>;
}

/** Options for forwarding requests to one upstream. */
export interface ForwarderOptions {
  /** Its name in messages; absent if it is the address that is asked for. */
  readonly name?: string;
  /** Dials the upstream, TLS included. */
  readonly dial: Dial;
  /** Version of HTTP. With TLS the upstream must have chosen it by ALPN; for `http1` it may also have chosen none. */
  readonly version: 'http1' | 'http2';
  /** Time limit for starting an HTTP/2 session, in milliseconds; 0 is no limit. */
  readonly handshakeMs: number;
  /** `per-request`: no connection carries two requests, because it identifies the client. */
  readonly sessions: 'shared' | 'per-request';
  /** The connections that there are already; absent if there are none. */
  readonly pool?: Pool<Connection>;
  /** The most idle connections that are kept; no limit if absent. */
  readonly maxKept?: number;
  /** True if an HTTP proxy on the way may be asked in absolute form, in place of a tunnel through it. */
  readonly asksProxies?: boolean;
}

/** Terms of a route for a request. */
export interface ForwardTerms {
  /** The address to dial. A connection is only used for its own address. */
  readonly target: Address;
  /** Time limit from the end of the request to the end of its answer, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Protocols to which the client may switch, in lower case; `connect` for CONNECT itself. */
  readonly upgrades: readonly string[] | 'any';
  /** A field that was for us and stays here, in lower case. */
  readonly keptBack?: string;
  /** The request as its route has changed it; absent if it stays as it was. */
  readonly rewritten?: Head;
  /** Changes the fields of the answer; absent if they stay as they are. */
  readonly changeAnswer?: (fields: readonly HeaderField[], status: number) => HeaderField[];
  /** Present if the request goes on as from a proxy (RFC 9110, section 7.6); otherwise as from Envoy. */
  readonly plain?: PlainTerms;
}

/** The facts with which a proxy forwards a plain request. */
export interface PlainTerms {
  /** The path and the host that the target is asked for, in place of those that the client wrote. */
  readonly place: RequestPlace;
  /** Our name in `Via`. */
  readonly pseudonym: string;
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
