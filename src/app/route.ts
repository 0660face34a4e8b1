import { findScheme } from '../carriers/index.ts';
import { type Dial, pipe, type Stage } from '../core/dialer.ts';
import { usageError } from '../core/errors.ts';
import { formatHop, type Hop } from '../core/hop.ts';
import { createDirect } from '../dial/direct.ts';
import { createResolve, type Resolve } from '../dial/resolve.ts';
import { firstOf } from '../dial/first-of.ts';
import { withRetry } from '../dial/retry.ts';
import { via, type ViaStage } from '../dial/via.ts';
import type { RouteOptions } from './options.ts';

/** The way to any target: a Dial through all hops, and what it is made of. */
export interface Route {
  readonly dial: Dial;
  readonly resolve: Resolve;
  /** The hops as URLs without secrets, nearest first. */
  readonly via: readonly string[];
  /** Ends the sessions with hops that are kept for later tunnels. */
  close(): Promise<void>;
}

/**
 * Builds `pipe(direct, firstOf(via(…), …), …, retry)`, one `firstOf` for each place on the way. Certificates and keys are read here,
 * before anything is opened.
 * @throws {TunlError} usage, when the material of a hop cannot be used
 */
export async function createRoute(options: RouteOptions, ...inner: readonly Stage[]): Promise<Route> {
  const { hops, limits, family, retries = 0 } = options;
  const resolve = createResolve(family ? { family } : {});
  const direct = createDirect({ resolve, dnsMs: limits.dnsMs, connectMs: limits.connectMs });
  const places = await Promise.all(
    hops.map((choice, index) => Promise.all(choice.map((hop) => createHopStage(hop, index, options)))),
  );
  const stages = places.map((ways) => firstOf(ways.map(({ stage }) => stage)));
  const retry = retries > 0 ? [withRetry(retries)] : [];
  return {
    dial: pipe(direct, ...stages, ...inner, ...retry),
    resolve,
    via: hops.map((choice) => choice.map(formatHop).join('|')),
    // The innermost first: its sessions run inside those of the hops before it.
    close: async () => {
      for (const ways of places.toReversed()) await Promise.all(ways.map((way) => way.close()));
    },
  };
}

async function createHopStage(hop: Hop, index: number, { hops, limits }: RouteOptions): Promise<ViaStage> {
  const scheme = findScheme(hop.scheme);
  if (!scheme) throw usageError(`there is no way to go through ${formatHop(hop)}`);
  const { carrier, tls } = scheme;
  return via({
    hop,
    position: { index: index + 1, count: hops.length },
    carrier,
    ...(tls && { secure: await createSecure(hop, tls.alpn) }),
    tlsMs: limits.tlsMs,
    handshakeMs: limits.handshakeMs,
  });
}

async function createSecure(hop: Hop, alpn: readonly string[]) {
  // Loaded by those who need it: TLS costs a tenth of the start of a plain `connect`.
  const [{ secure }, { loadTls }] = await Promise.all([import('../tls/client.ts'), import('../tls/material.ts')]);
  const settings = await loadTls(hop.tls);
  const { host } = hop.address;
  return (link: Parameters<typeof secure>[0], signal: AbortSignal) => secure(link, { host, settings, alpn }, signal);
}
