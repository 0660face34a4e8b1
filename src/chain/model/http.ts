import type { TlsSettings } from '../../core/hop.ts';
import type { FieldChanges } from '../../syntax/format/field-changes.ts';
import type { FieldMatch } from './condition.ts';
import type { BodyForm } from './own-answers.ts';
import type { RouteOptions, TargetChoice } from './route.ts';
import type { Screen } from './screen.ts';

export type * from './condition.ts';
export type * from './own-answers.ts';
export type { FieldChange, FieldChanges, FieldValue } from '../../syntax/format/field-changes.ts';

/** The conditions of a route. A request must meet all of them. */
export interface RequestMatch {
  /** `connect` matches every CONNECT and nothing else. No other kind matches a plain CONNECT, which has no path. */
  readonly path: { readonly kind: 'connect' } | { readonly kind: 'prefix' | 'exact' | 'regex'; readonly value: string };
  readonly fields: readonly FieldMatch[];
}

/** An action that answers requests with a fixed response. */
export interface AnswerAction {
  readonly kind: 'answer';
  readonly status: number;
  readonly body?: string;
  /** The form of the body, in which `%LOCAL_REPLY_BODY%` is the body. */
  readonly form?: BodyForm;
  /** Changes of protocol, with `connect` for CONNECT itself, that get this answer too; others are refused. */
  readonly upgrades?: readonly string[];
  /** Send the client elsewhere: `Location` is the address of its request with these changes. */
  readonly redirect?: Redirect;
}

/** The changes to the address of a request that make the one to go to instead. */
export interface Redirect {
  readonly scheme?: string;
  /** The new host, with a port or without. */
  readonly host?: string;
  readonly port?: number;
  /** The new path; the query of the request stays, unless this has one. */
  readonly path?: string;
  /** A text for the prefix of the path that matched, or for all of a path that matched in another way. */
  readonly prefix?: string;
  /** Leave the query of the request out. */
  readonly dropsQuery?: true;
}

/** Changes to a request, made before the address of its upstream is chosen. At most one is of its host, and one of its path. */
export interface Rewrite {
  /** The new host, with a port or without. */
  readonly host?: string;
  /** The field of the request that has the new host, in lower case; the host stays if the request has none. */
  readonly hostField?: string;
  /** True if the new host is that of the target, without its port; the host stays if the target has no name. */
  readonly hostOfTarget?: true;
  /** A text for the prefix of the path that matched, or for all of a path that matched in another way. */
  readonly prefix?: string;
  /** A change of all parts of the path that are like a pattern in RE2's syntax; `\1` in the substitution is a group. */
  readonly pattern?: { readonly regex: string; readonly substitution: string };
}

/** An action that forwards requests to an upstream and its responses to the client. */
export interface RequestsAction {
  readonly kind: 'requests';
  /** Name of an upstream of the stage. */
  readonly upstream: string;
  /** Limit for the whole response after the end of the request, in milliseconds; 0 means no limit. */
  readonly timeoutMs: number;
  /** Idle limit of a request, in milliseconds. Default: the limit of the stage. */
  readonly idleMs?: number;
  /** Limit for the age of a request, in milliseconds; 0 means none. Default: the limit of the stage. */
  readonly lifetimeMs?: number;
  /** Protocols that a client may upgrade to, in lower case (`websocket`, `connect`). The upgrades are forwarded. */
  readonly upgrades: readonly string[];
  readonly rewrite?: Rewrite;
}

/** An action that relays the bytes inside a tunnel to an upstream. The tunnel is a CONNECT or, with `post`, a POST. */
export interface TunnelsAction {
  readonly kind: 'tunnels';
  /** Name of an upstream of the stage. */
  readonly upstream: string;
  /** Accept POST requests, whose request and response bodies are the two directions of a tunnel. */
  readonly post: boolean;
  /** Idle limit of a tunnel, in milliseconds. Default: the limit of the stage. */
  readonly idleMs?: number;
  /** Limit for the age of a tunnel, in milliseconds; 0 means none. Default: the limit of the stage. */
  readonly lifetimeMs?: number;
  /** Send a PROXY protocol header with the client's address to the upstream, before the first byte. */
  readonly proxyProtocol?: 'v1' | 'v2';
  /** The changes that the choice of the address sees. */
  readonly rewrite?: Rewrite;
}

/** The action that a route performs on a request. */
export type HttpAction = AnswerAction | RequestsAction | TunnelsAction;

/** A match and the action on matching requests. The first matching route of a host is used. */
export interface HttpRoute {
  readonly match: RequestMatch;
  readonly action: HttpAction;
  readonly changes?: FieldChanges;
  /** The screens for requests with this route, instead of those of the stage. */
  readonly screens?: readonly Screen[];
}

/** The routes of one or more hosts. */
export interface VirtualHost {
  readonly name: string;
  /**
   * At least one pattern, in lower case: an exact host, `*.suffix`, `prefix.*`, or `*` for all. A pattern may include
   * a port, if the request names one. The most specific pattern wins.
   */
  readonly domains: readonly string[];
  readonly routes: readonly HttpRoute[];
  /** What is changed beside what each route changes. */
  readonly changes?: FieldChanges;
}

/** The field of a request that names the address of its upstream; `:authority` is the requested target. */
export interface FieldChoice {
  readonly field: string;
  /**
   * Present if the field may have a name instead of an IP address, and no port: then it is that of the scheme, 80 or 443.
   */
  readonly names?: true;
}

/**
 * A destination for requests and tunnels of an HTTP stage. In a graph it refers to its route by name; elsewhere it may
 * contain the route.
 */
export interface Upstream<R = RouteOptions> {
  readonly name: string;
  readonly to: TargetChoice | FieldChoice;
  readonly route: R;
  /** The HTTP version of requests to the upstream. It does not apply to tunnels, which are plain bytes. */
  readonly version: 'http1' | 'http2';
  /** TLS settings for the connection to the upstream; absent without TLS. */
  readonly tls?: TlsSettings;
}

/** Lists the changes of protocol that some of the routes answer, in their order. */
export function listAnswered(routes: readonly HttpRoute[]): readonly string[] {
  return [...new Set(routes.flatMap(({ action }) => (action.kind === 'answer' ? (action.upgrades ?? []) : [])))];
}

/** True for an upstream whose address a request may write as a name. */
export function takesNames({ to }: Pick<Upstream<unknown>, 'to'>): boolean {
  return 'field' in to && to.names === true;
}
