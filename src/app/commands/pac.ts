import { formatAddress, type TcpAddress } from '../../core/address.ts';
import type { Hop } from '../../core/hop.ts';
import type { PacCall } from '../../pac/script/script.ts';
import { formatWay } from '../../pac/ways/result.ts';
import { reportProgress } from '../tunnel/tunnel-events.ts';
import { createChooser } from '../stages/chosen.ts';
import { createRoute } from '../stages/route.ts';
import type { RouteOptions } from './options.ts';
import type { Runtime } from '../runtime.ts';

/** Options of `pac`. */
export interface PacOptions extends Pick<RouteOptions, 'limits' | 'family' | 'resolver'> {
  /** The PAC file, or the settings of the system. */
  readonly hop: Hop;
  readonly target: TcpAddress;
}

/** The decision for one target, and how it came about. */
export interface PacReport {
  readonly target: string;
  /** The ways in the order in which they are tried: URLs of proxies, `direct`, or proxies that tunl cannot go through. */
  readonly ways: readonly string[];
  /** The decision and what made it, as a sentence. */
  readonly reason: string;
  /** The result as the PAC file gave it; absent if no PAC file was asked. */
  readonly result?: string;
  /** The functions that the file called, in order, with their results. */
  readonly calls: readonly PacCall[];
  /** How often the file was run: once, and once more for each name that it asked for. */
  readonly passes: number;
  /** The time that the decision took, with its lookups and without reading the file, in milliseconds. */
  readonly ms: number;
}

/**
 * Asks a PAC file, or the settings of the system, for the way to a target. The file itself is read anew, or its server is
 * asked whether the copy is still right.
 * @throws {TunlError} if the file cannot be had or fails
 */
export async function askPac(
  { hop, target, ...options }: PacOptions,
  { scope, emit }: Pick<Runtime, 'scope' | 'emit'>,
): Promise<PacReport> {
  const route = await createRoute({ ...options, hops: [] }, { resolver: 'both' });
  const { onNotice: notice } = reportProgress(emit);
  const chooser = createChooser(hop, { direct: route.dialOnce, resolve: route.resolve, isRenewed: true });
  try {
    const { ways, reason, answer } = await chooser.choose(target, scope.forced, notice);
    return {
      target: formatAddress(target),
      ways: ways.map(formatWay),
      reason,
      ...(answer && { result: answer.result }),
      calls: answer?.calls ?? [],
      passes: answer?.passes ?? 0,
      ms: answer?.ms ?? 0,
    };
  } finally {
    chooser.close();
  }
}
