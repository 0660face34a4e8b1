import { isIP } from 'node:net';
import { type Address, formatAddress, type Ip, type TcpAddress } from '../core/address.ts';
import type { Dial, DialContext, Layer } from '../core/dialer.ts';
import { TunlError } from '../core/errors.ts';
import type { Policy } from './rules.ts';

/** Finds the addresses of a name, within its own time limit. @throws {TunlError} dns_error or dns_timeout */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly Ip[]>;

/**
 * Makes the layer that enforces a policy. It checks the name, resolves it once, judges each address, and passes on the
 * permitted ones only, which the next Dial must use instead of resolving again.
 * @throws {TunlError} http_request_denied, destination_ip_prohibited or proxy_loop_detected, before anything is
 * dialled
 */
export function guard(policy: Policy, resolve: Resolve): Layer {
  const judge = (target: TcpAddress, found: readonly Ip[]): TcpAddress => {
    const { kind, host, port } = target;
    const resolved: Ip[] = [];
    let refusal: TunlError | undefined;
    for (const ip of found) {
      const error = policy.checkIp(target, ip);
      if (error) refusal ??= error;
      else resolved.push(ip);
    }
    if (resolved.length === 0) throw refusal ?? nowhere(target);
    return { kind, host, port, resolved };
  };
  const dialResolved = async (next: Dial, target: TcpAddress, ctx: DialContext) => {
    const found = await resolve(target.host, ctx.signal).catch(blameTarget);
    return next(judge(target, found), ctx);
  };
  return (next) => (address, ctx) => {
    try {
      const target = expectTcp(address);
      policy.checkName(target);
      const known = target.resolved ?? literalOf(target.host);
      if (known) return next(judge(target, known), ctx);
      return dialResolved(next, target, ctx);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  };
}

/**
 * Makes the guard for targets that a later proxy resolves.
 * @param resolve guards, as above, targets that turn out to be resolved by this process after all; absent if none may be
 * @throws {TunlError} http_request_denied or destination_ip_prohibited, before anything is dialled
 */
export function guardText(policy: Policy, resolve?: Resolve): Layer {
  const direct = resolve && { checkDirect: guard(policy, resolve) };
  return (next) => async (address, ctx) => {
    policy.checkText(expectTcp(address));
    return next(address, { ...ctx, ...direct });
  };
}

function blameTarget(error: unknown): never {
  throw error instanceof TunlError && error.phase === 'dns' ? error.with({ side: 'target' }) : error;
}

function expectTcp(address: Address): TcpAddress {
  if (address.kind === 'tcp') return address;
  throw new TunlError('http_request_denied', `${formatAddress(address)} is not a TCP address`, {
    side: 'client',
    phase: 'policy',
  });
}

function literalOf(host: string): readonly Ip[] | undefined {
  const family = isIP(host);
  return family === 4 || family === 6 ? [{ address: host, family }] : undefined;
}

function nowhere({ host }: TcpAddress): TunlError {
  return new TunlError('dns_error', `${host} has no address`, { side: 'target', phase: 'dns' });
}
