import { type Address, formatAddress, type Ip, type TcpAddress } from '../core/address.ts';
import type { Dial, DialContext, Layer } from '../core/dialer.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import { assertTunnelled } from '../http/tunnel/request-fields.ts';
import { atFarEnd, nameIn, report } from './direct.ts';
import type { Resolve } from './resolve.ts';

/** The failures of a hop to reach one of several addresses, after which the next one may be reached. */
const ofAddress: ReadonlySet<ErrorCode> = new Set([
  'connection_refused',
  'connection_timeout',
  'destination_ip_unroutable',
]);

/**
 * Makes the layer in front of a hop that is asked for addresses only, never for names: the name is resolved here, and
 * the hop is asked for its addresses one after the other, until it reaches one. Rules for targets then hold for those
 * addresses too. The hop gets an address with exactly one entry in `resolved`.
 * @param families the families that the hop knows
 * @throws {TunlError} dns_error or dns_timeout; destination_ip_unroutable if no address is of those families
 */
export function resolveHere(resolve: Resolve, families: readonly Ip['family'][]): Layer {
  return (next) => {
    const dialEach: Dial = async (address, ctx) => {
      const target = assertTunnelled(address);
      const ips = (await find(target, ctx)).filter(({ family }) => families.includes(family));
      let failure: TunlError | undefined;
      for (const ip of ips) {
        if (failure) ctx.onFailure?.(failure);
        try {
          return await next({ ...target, resolved: [ip] }, ctx);
        } catch (error) {
          if (ctx.signal.aborted || !isOfAddress(error)) throw error;
          failure = error;
        }
      }
      throw failure ?? noAddress(target, ctx, families);
    };

    const find = async (target: TcpAddress, ctx: DialContext): Promise<readonly Ip[]> => {
      if (target.resolved) return target.resolved;
      const started = performance.now();
      const ips = await resolve(target.host, ctx.signal, nameIn(ctx, target.host)).catch((error: unknown) => {
        throw atFarEnd(error, ctx);
      });
      report(ctx, 'dns', started, () => ips.map((ip) => ip.address).join(' '));
      return ips;
    };

    return (address, ctx) => {
      // Without a hop the address is the target's, whose rules are about the addresses that are found here.
      const dial = ctx.hop ? dialEach : (ctx.checkDirect?.(dialEach) ?? dialEach);
      return dial(address, ctx);
    };
  };
}

/** True if the hop was asked, and did not reach the address. */
function isOfAddress(error: unknown): error is TunlError {
  return error instanceof TunlError && error.phase === 'handshake' && ofAddress.has(error.code);
}

function noAddress(target: Address, { hop }: DialContext, families: readonly Ip['family'][]): TunlError {
  const known = families.map((family) => `IPv${family}`).join(' and ');
  const message = `${formatAddress(target)} has no ${known} address, and the proxy before it knows no others`;
  return new TunlError('destination_ip_unroutable', message, { side: hop ? 'hop' : 'target', phase: 'dns' });
}
