import type { Duplex } from 'node:stream';
import { schemes } from '../../carriers/index.ts';
import { formatAddress } from '../../core/address.ts';
import type { DialStep } from '../../core/dialer.ts';
import { type TunlError, usageError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import { resetError } from '../../core/link.ts';
import { parseHop, splitAlternatives } from '../../syntax/hop.ts';
import { defaultLimits } from '../../syntax/settings.ts';
import { parseTarget } from '../../syntax/target.ts';
import { createRoute } from '../stages/route.ts';

/** Options that decide how `openTunnel` reaches its target. */
export interface OpenTunnelOptions {
  /**
   * The URLs of proxies as `-x` accepts them, nearest first; `a|b` in one of them are alternatives. Without proxies the
   * target is dialled directly. The environment is not read.
   */
  readonly proxies?: readonly string[];
  /**
   * The limits of the phases, in milliseconds; 0 disables a limit. Absent limits have the defaults of `tunl connect`.
   */
  readonly limits?: {
    readonly dnsMs?: number;
    readonly connectMs?: number;
    readonly tlsMs?: number;
    readonly handshakeMs?: number;
  };
  /** How often a failed dial is repeated; 0 if absent. */
  readonly retries?: number;
  /** The only address family to use. */
  readonly family?: 4 | 6;
  /** Aborting it cancels the dial and leaves nothing open. It has no effect on an open tunnel. */
  readonly signal?: AbortSignal;
  /** Called for each phase that the dial completes. */
  readonly onProgress?: (step: DialStep) => void;
  /** Called for each failure after which the dial tries something else. */
  readonly onFailure?: (error: TunlError) => void;
}

/**
 * Carries bytes between us and a target. `end()` ends only our half: the target may still send. Bytes from the target
 * wait until they are read.
 */
export interface Tunnel extends Duplex {
  /** Ends both halves so that the target sees an abort, never a clean end. Idempotent. */
  reset(error?: Error): void;
}

/**
 * Opens one tunnel to `HOST:PORT` through any chain of proxies. The connections below belong to this tunnel alone and
 * close with it.
 * @throws {TunlError} with the hop, the side and the phase that failed
 */
export async function openTunnel(target: string, options: OpenTunnelOptions = {}): Promise<Tunnel> {
  const { proxies = [], retries, family, signal, onProgress, onFailure } = options;
  const address = parseTarget(target);
  const route = await createRoute({
    hops: proxies.map((text, index) => parseProxy(text, `proxies[${index}]`)),
    limits: { ...defaultLimits('forward'), ...options.limits },
    ...(retries !== undefined && { retries }),
    ...(family !== undefined && { family }),
  });
  try {
    const link = await route.dial(address, {
      signal: signal ?? new AbortController().signal,
      target: address,
      origin: { peer: {} },
      ...(onProgress && { onProgress }),
      ...(onFailure && { onFailure }),
    });
    const { stream } = link;
    stream.once('close', () => void route.close());
    return Object.assign(stream, {
      reset: (error: Error = resetError(`the tunnel to ${formatAddress(address)} was reset`)) => link.reset(error),
    });
  } catch (error) {
    await route.close();
    throw error;
  }
}

function parseProxy(text: string, source: string): Hop[] {
  return splitAlternatives(text, source).map((url) => {
    const { open, ...hop } = parseHop(url, { source, tls: {}, headers: [] }, schemes);
    if (open) throw usageError(`${open.label} has a user and no password`, 'write USER:PASSWORD@, or USER:@ for none');
    return hop;
  });
}
