import type { Rewrite } from '../chain/model/http.ts';
import type { Exchange } from '../core/exchange.ts';
import { fieldValues } from '../http/wire/message.ts';

/** The parts of a request that a route can change. */
export type Head = Pick<Exchange, 'method' | 'target' | 'authority' | 'headers'>;

/** Changes a request as its route says, before its upstream is chosen. */
export function rewriteHead(head: Head, { host, hostField }: Rewrite): Head {
  const { method, headers } = head;
  const given = host ?? (hostField === undefined ? undefined : fieldValues(headers, hostField)[0]);
  const authority = given === undefined || given === '' ? head.authority : given;
  // The target of CONNECT is its authority.
  return { method, target: method === 'CONNECT' ? authority : head.target, authority, headers };
}
