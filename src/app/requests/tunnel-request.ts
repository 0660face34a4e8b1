import { type Address, formatAddress } from '../../core/address.ts';
import type { TunlError } from '../../core/errors.ts';
import type { Exchange, TunnelRequest } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { passedOnFields } from '../../http/server/tunnel-request.ts';
import type { Answer } from '../../resume/far.ts';
import type { ChangeAnswer } from '../../router/head-changes.ts';
import type { Head } from '../../router/rewrite.ts';
import { carryTunnel, type TunnelEnv, type TunnelJob } from '../tunnel/tunnel.ts';
import type { FormatFacts } from '../../syntax/format/format.ts';
import { describeRefused } from '../tunnel/access-log.ts';
import { makeRefusal, type RequestEnv, type RequestJob, refuse } from './http-request.ts';
import type { OwnAnswer } from './reason.ts';
import { describeAsked } from './request-record.ts';

/** The decision to open a tunnel to an address. */
export interface TunnelPlan {
  readonly kind: 'tunnel';
  readonly env: TunnelEnv;
  readonly target: Address;
  /** Describes the upstream for an answer of the stage itself; absent for a proxy. */
  readonly describe?: () => Pick<FormatFacts, 'cluster' | 'upstream'>;
  /** The request as its route has changed it; absent if it stays as it was. */
  readonly rewritten?: Head;
}

/** What goes with one tunnel. */
interface CarriedJob extends Omit<RequestJob, 'keptBack'>, Pick<TunnelJob, 'accept'> {}

/** Carries the tunnel that a request asks for. Resolves when it is up or has been refused. */
export async function carry(
  stage: RequestEnv,
  { env, target, describe }: TunnelPlan,
  exchange: Exchange,
  { origin, accept, leave, changeAnswer }: CarriedJob,
): Promise<void> {
  const started = performance.now();
  let refusal: OwnAnswer | undefined;
  const refusalOf = (error: TunlError) => {
    const facts = () => ({ ...describeAsked({ started }, origin), ...describe?.() });
    refusal ??= makeRefusal(stage, exchange, error, () => describeRefused(facts(), error), changeAnswer);
    return refusal;
  };
  await carryTunnel(env, {
    target,
    origin,
    gone: exchange.gone,
    accept,
    refuse: (error) => refuse(stage, exchange, error, refusalOf(error)),
    statusOf: (error) => (error ? refusalOf(error).status : 200),
    leave,
  });
}

/**
 * Makes the function that accepts a request for a tunnel. One that only a route treats as such is CONNECT, or a POST with
 * its two bodies.
 * @param grants the fields of the answer to a request that a carrier has claimed
 */
export function acceptTunnel(
  grants: readonly HeaderField[],
  exchange: Exchange,
  tunnel: TunnelRequest | undefined,
  resumable: Answer<Link> | undefined,
  changeAnswer: ChangeAnswer | undefined,
): TunnelJob['accept'] {
  return (reached) => {
    if (tunnel) {
      if (!resumable) return tunnel.accept(grants);
      return resumable.start(tunnel.accept([...grants, resumable.field], resumable.carried));
    }
    const isConnect = exchange.method === 'CONNECT';
    const fields = isConnect ? [] : passedOnFields.map(([name, value]) => [name.toLowerCase(), value] as const);
    const changed = changeAnswer?.(fields, { status: 200, upstream: reached && formatAddress(reached) }) ?? fields;
    return isConnect ? exchange.upgrade(200, changed) : exchange.stream(200, changed);
  };
}
