import type { ReachOptions } from '../../core/carrier.ts';
import { formatHop, type Hop } from '../../core/hop.ts';

/** A version of HTTP in which a hop can be asked for a tunnel. */
export type HopVersion = '2' | '1.1' | '1.0';

/** Statuses with which origin servers and old proxies, also behind an HTTP/2 front, refuse CONNECT in a version of HTTP that they do not know it in. */
export const olderStatuses: ReadonlySet<number | undefined> = new Set([405, 501, 505]);

/** Highest versions that hops were found to take, by their URLs; absent: any. It lasts as long as the process. */
const found = new Map<string, HopVersion>();

/** The highest version in which a hop is asked. */
export function highestVersion(hop: Hop): HopVersion {
  return found.get(formatHop(hop)) ?? '2';
}

/** Asks this hop in no higher version from now on. */
export function goDownTo(version: '1.1' | '1.0', hop: Hop): void {
  found.set(formatHop(hop), version);
}

/** Takes back what was found: the older version was no better. */
export function forgetVersion(hop: Hop): void {
  found.delete(formatHop(hop));
}

/** How a hop is reached whose version TLS decides. */
export function reachByVersion(hop: Hop): ReachOptions {
  return { form: 'tunnel', ...(highestVersion(hop) !== '2' && { alpn: ['http/1.1'] }) };
}
