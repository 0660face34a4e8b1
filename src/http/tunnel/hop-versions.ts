import { needsHttp1 } from '../../auth/knowledge.ts';
import type { ReachOptions } from '../../core/carrier.ts';
import { formatHop, type Hop } from '../../core/hop.ts';

/** A version of HTTP that can be used to request a tunnel from a hop. */
export type HopVersion = '2' | '1.1' | '1.0';

/**
 * Statuses with which origin servers and old proxies, also behind an HTTP/2 front end, refuse CONNECT in a version of
 * HTTP in which they do not support it.
 */
export const olderStatuses: ReadonlySet<number | undefined> = new Set([405, 501, 505]);

/**
 * The highest version that each hop was found to accept, by its URL; a hop that is absent accepts any. It lasts as long
 * as the process.
 */
const found = new Map<string, HopVersion>();

/** Returns the highest version that is used with a hop. */
export function highestVersion(hop: Hop): HopVersion {
  return found.get(formatHop(hop)) ?? '2';
}

/** Uses no higher version with this hop from now on. */
export function goDownTo(version: '1.1' | '1.0', hop: Hop): void {
  found.set(formatHop(hop), version);
}

/** Forgets the version found for a hop, because the older version worked no better. */
export function forgetVersion(hop: Hop): void {
  found.delete(formatHop(hop));
}

/** Returns the options for reaching a hop whose version of HTTP is negotiated in TLS. */
export function reachByVersion(hop: Hop): ReachOptions {
  const isOlder = highestVersion(hop) !== '2' || needsHttp1(hop);
  return { form: 'tunnel', ...(isOlder && { alpn: ['http/1.1'] }) };
}
