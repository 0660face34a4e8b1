import type { TlsSettings } from '../../core/hop.ts';
import type { RouteOptions, TargetChoice } from './route.ts';

/** How a text is compared. */
export type TextMatch = { readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string };

/** One field that a request must have; the pseudo-fields `:method`, `:authority` and `:path` count as fields. */
export interface FieldMatch {
  /** In lower case. */
  readonly name: string;
  /** Absent: it only has to be there. */
  readonly value?: TextMatch;
  /** The field must not be like that. */
  readonly invert?: boolean;
}

/** Which requests a route is for; all of it must fit. */
export interface RequestMatch {
  /** `connect` fits every CONNECT and nothing else. No path fits a plain CONNECT, which has none. */
  readonly path: { readonly kind: 'connect' } | { readonly kind: 'prefix' | 'exact'; readonly value: string };
  readonly fields: readonly FieldMatch[];
}

/** A fixed answer. */
export interface AnswerAction {
  readonly kind: 'answer';
  readonly status: number;
  readonly body?: string;
}

/** Requests go on to an upstream, and its answers back. */
export interface RequestsAction {
  readonly kind: 'requests';
  /** Name of an upstream of the stage. */
  readonly upstream: string;
  /** How long the whole answer may take once the request has ended; 0 switches the limit off. */
  readonly timeoutMs: number;
  /** End a request that moves nothing for so long; that of the stage where absent. */
  readonly idleMs?: number;
  /** Protocols to which the client may switch, in lower case (`websocket`, `connect`): both go on as they are. */
  readonly upgrades: readonly string[];
}

/** The bytes inside a tunnel request go to an upstream: CONNECT, and POST where that is said. */
export interface TunnelsAction {
  readonly kind: 'tunnels';
  /** Name of an upstream of the stage. */
  readonly upstream: string;
  /** Take a POST whose body and answer are the two directions. */
  readonly post: boolean;
  /** End a tunnel that moves nothing for so long; that of the stage where absent. */
  readonly idleMs?: number;
  /** Tell the upstream who the client is, before the first byte. */
  readonly proxyProtocol?: 'v1' | 'v2';
}

/** What is done with a request. */
export type HttpAction = AnswerAction | RequestsAction | TunnelsAction;

/** What happens to the requests that fit. The first route that fits is taken. */
export interface HttpRoute {
  readonly match: RequestMatch;
  readonly action: HttpAction;
}

/** The routes of some hosts. */
export interface VirtualHost {
  readonly name: string;
  /**
   * Host, or host and port where the request names one, in lower case: exact, `*.suffix`, `prefix.*`, or `*` for all. The most
   * exact fits first. At least one.
   */
  readonly domains: readonly string[];
  readonly routes: readonly HttpRoute[];
}

/** Where requests and tunnels of an HTTP stage go. In a graph it names its route; elsewhere it may have it in place. */
export interface Upstream<R = RouteOptions> {
  readonly name: string;
  /** Fixed places, or the IP address and port that a field of the request names (`:authority`: what it asks for). */
  readonly to: TargetChoice | { readonly field: string };
  readonly route: R;
  /** How requests are written; tunnels are bytes. */
  readonly version: 'http1' | 'http2';
  /** Speak TLS with it. */
  readonly tls?: TlsSettings;
}
