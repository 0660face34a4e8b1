import { learn, needsHttp1, recall } from '../../auth/knowledge.ts';
import type { ReachOptions } from '../../core/carrier.ts';
import type { Hop } from '../../core/hop.ts';
import type { Opens } from '../call.ts';

/** A version of HTTP that can be used to request a tunnel from a hop. */
export type HopVersion = '2' | '1.1' | '1.0';

/**
 * Statuses with which origin servers and old proxies, also behind an HTTP/2 front end, refuse CONNECT in a version of
 * HTTP in which they do not support it.
 */
const olderStatuses: ReadonlySet<number | undefined> = new Set([405, 501, 505]);

/** True for a status after which an older version of HTTP may open what was asked for. */
export function mayNeedOlder(status: number | undefined, { kind }: Opens): boolean {
  // Envoy passes a WebSocket of HTTP/2 on to servers of HTTP/1.1 without a key, which they refuse.
  return olderStatuses.has(status) || (kind === 'upgrade' && status === 400);
}

/** Returns the highest version that is used with a hop. */
export function highestVersion(hop: Hop): HopVersion {
  return recall(hop).version ?? '2';
}

/** Uses no higher version with this hop from now on. */
export function goDownTo(version: '1.1' | '1.0', hop: Hop): void {
  learn(hop, { version });
}

/** Forgets the version found for a hop, because the older version worked no better. */
export function forgetVersion(hop: Hop): void {
  learn(hop, { version: undefined });
}

/** Returns the options for reaching a hop whose version of HTTP is negotiated in TLS. */
export function reachByVersion(hop: Hop): ReachOptions {
  const isOlder = highestVersion(hop) !== '2' || needsHttp1(hop);
  return { form: 'tunnel', ...(isOlder && { alpn: ['http/1.1'] }) };
}
