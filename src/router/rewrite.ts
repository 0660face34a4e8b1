import type { RequestMatch, Rewrite } from '../chain/model/http.ts';
import type { Address } from '../core/address.ts';
import type { Exchange } from '../core/exchange.ts';
import { isIP } from 'node:net';
import { fieldValues } from '../http/wire/message.ts';
import { isHost } from '../http/wire/request-target.ts';
import { parsePattern } from '../chain/model/pattern.ts';
import { withField } from './connection-fields.ts';

/** The parts of a request that a route can change. */
export interface Head extends Pick<Exchange, 'method' | 'target' | 'authority' | 'headers'> {
  /** True if the fields are those for the upstream already. */
  readonly isComplete?: true;
}

/** The circumstances of a change. */
export interface RewriteTerms {
  /** The match of the route, by which a prefix is replaced. */
  readonly path: RequestMatch['path'];
  /** True if the upstream is told which host the request had, as Envoy's router tells it. */
  readonly tellsHost: boolean;
}

/** Changes a request as its route says, before its upstream is chosen. Of the old path the upstream is told. */
export function rewriteHead(head: Head, rewrite: Rewrite, { path, tellsHost }: RewriteTerms): Head {
  const { host, hostField } = rewrite;
  const given = host ?? (hostField === undefined ? undefined : fieldValues(head.headers, hostField)[0]);
  return withPath(withHost(head, given, tellsHost), rewrite, path);
}

/** Gives a request the host of its target, if the target has a name. */
export function withHostOf(head: Head, target: Address): Head {
  const isNamed = target.kind === 'tcp' && isIP(target.host) === 0;
  return withHost(head, isNamed ? target.host : undefined, true);
}

function withHost(head: Head, host: string | undefined, tellsHost: boolean): Head {
  const { method, target, authority, headers } = head;
  // The field of a client may have any value.
  if (host === undefined || host === '' || host === authority || !isHost(host)) return head;
  return {
    ...keepMark(head),
    method,
    // The target of CONNECT is its authority.
    target: method === 'CONNECT' ? host : target,
    authority: host,
    headers: tellsHost ? withField(headers, ['x-envoy-original-host', authority]) : headers,
  };
}

function withPath(head: Head, { prefix, pattern }: Rewrite, path: RequestMatch['path']): Head {
  const { method, target, authority, headers } = head;
  if (method === 'CONNECT' || (prefix === undefined && !pattern)) return head;
  const at = target.indexOf('?');
  const [plain, query] = at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at)];
  const changed = pattern
    ? parsePattern(pattern.regex).replace(plain, pattern.substitution)
    : `${prefix}${path.kind === 'prefix' ? plain.slice(path.value.length) : ''}`;
  return {
    ...keepMark(head),
    method,
    target: changed + query,
    authority,
    headers: withField(headers, ['x-envoy-original-path', target]),
  };
}

function keepMark({ isComplete }: Head): Pick<Head, 'isComplete'> {
  return isComplete ? { isComplete } : {};
}
