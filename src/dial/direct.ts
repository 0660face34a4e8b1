import { formatAddress, formatHostPort, type Ip, type TcpAddress, type UnixAddress } from '../core/address.ts';
import { type Limit, within } from '../core/deadline.ts';
import type { Dial, DialContext } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { connectTcp, connectUnix, describeSilence } from './connect.ts';
import { race } from './race.ts';
import type { Resolve } from './resolve.ts';

/** Options of the Dial that opens sockets. */
export interface DirectOptions {
  /** Resolves names, within its own time limit. */
  readonly resolve: Resolve;
  readonly connectMs: number;
  /** The IP address of this machine that TCP connections come from; the system chooses without. */
  readonly source?: string;
  /**
   * Judges each address right before it is connected to, after names are resolved.
   * @throws {TunlError} if connections to it are forbidden
   */
  readonly assertAllowed?: (place: TcpAddress | UnixAddress) => void;
  /** Opens a Link to a stage of this process; absent if there are no such stages. */
  readonly dialInternal?: Dial;
}

/**
 * Makes the Dial at the bottom of every chain, the only one that opens sockets. A TCP address with `resolved` is
 * dialled at exactly those addresses; any other name is resolved once for each dial. Errors tell whether the target or
 * a proxy could not be reached.
 * @throws {TunlError} dns_error, dns_timeout, connection_refused, connection_timeout, destination_ip_unroutable
 */
export function createDirect({
  resolve,
  connectMs,
  source,
  assertAllowed = () => {},
  dialInternal,
}: DirectOptions): Dial {
  const connectLimit = {
    ms: connectMs,
    phase: 'connect',
    option: '--connect-timeout',
    code: 'connection_timeout',
  } as const;

  const connectTo = (what: string, port: number, ctx: DialContext) => {
    const side = ctx.hop ? 'hop' : 'target';
    return (ip: Ip, signal: AbortSignal, limit?: Limit): Promise<Link> => {
      try {
        assertAllowed({ kind: 'tcp', host: ip.address, port });
      } catch (error) {
        return Promise.reject(error as Error);
      }
      return connectTcp(ip, port, { what, side, signal, limit, source });
    };
  };

  const dialTcp = async (address: TcpAddress, ctx: DialContext): Promise<Link> => {
    const { host, port } = address;
    const started = performance.now();
    const ips = address.resolved ?? (await resolve(host, ctx.signal, nameIn(ctx, host)));
    report(ctx, 'dns', started, () => ips.map((ip) => ip.address).join(' '));
    const connecting = performance.now();
    const what = nameIn(ctx, formatHostPort(host, port));
    const attempt = connectTo(what, port, ctx);
    const only = ips[0];
    const link =
      only && ips.length === 1
        ? await attempt(only, ctx.signal, connectLimit)
        : await within(connectLimit, ctx.signal, describeSilence(what), (signal) => race(ips, attempt, signal));
    report(ctx, 'connect', connecting, () => (link.peer.address ? formatAddress(link.peer.address) : ''));
    return link;
  };

  const dialAny: Dial = async (address, ctx) => {
    try {
      switch (address.kind) {
        case 'unix': {
          assertAllowed(address);
          const what = nameIn(ctx, formatAddress(address));
          return await connectUnix(address, {
            what,
            side: ctx.hop ? 'hop' : 'target',
            signal: ctx.signal,
            limit: connectLimit,
          });
        }
        case 'tcp':
          return await dialTcp(address, ctx);
        default:
          if (address.kind === 'internal' && dialInternal) return await dialInternal(address, ctx);
          throw new TunlError('usage', `${formatAddress(address)} cannot be dialled`);
      }
    } catch (error) {
      throw atFarEnd(error, ctx);
    }
  };

  return (address, ctx) => {
    if (address.kind === 'tcp' && address.resolved?.length === 1 && !ctx.onProgress) {
      // The usual case for `serve`: nothing to resolve, nothing to race and nobody to tell.
      const { host, port, resolved } = address;
      const what = nameIn(ctx, formatHostPort(host, port));
      return connectTo(what, port, ctx)(resolved[0] as Ip, ctx.signal, connectLimit);
    }
    return dialAny(address, ctx);
  };
}

/** Names an address in messages; that of a proxy is marked as such. */
export function nameIn({ hop }: DialContext, name: string): string {
  return hop ? `the proxy ${name}` : name;
}

/** Puts an error of one of the phases here on the side that was dialled, unless it is known to be ours. */
export function atFarEnd(error: unknown, { hop }: DialContext): unknown {
  const isOurs = error instanceof TunlError && (error.phase === 'dns' || error.phase === 'connect');
  return isOurs ? error.with({ side: hop ? 'hop' : 'target' }) : error;
}

/** Reports a step that is done. @param describe is called if somebody reads the detail, which is seldom */
export function report(ctx: DialContext, phase: 'dns' | 'connect', started: number, describe: () => string): void {
  ctx.onProgress?.({
    phase,
    get detail() {
      return describe();
    },
    ms: performance.now() - started,
  });
}
