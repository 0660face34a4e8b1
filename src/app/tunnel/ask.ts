import type { Origin } from '../../core/dialer.ts';
import { toTunlError, TunlError } from '../../core/errors.ts';
import { formatAddress } from '../../core/address.ts';
import type { TunnelAsk } from '../../fronts/index.ts';
import type { TunnelGate } from '../../policy/tunnel-gate.ts';
import { logRefused, type RefusedEnv, reportRefused } from './refused.ts';
import { carryTunnel, type TunnelEnv } from './tunnel.ts';

/** The parts that a stage needs to serve requests of protocols that have nothing but tunnels. */
export interface AskEnv extends RefusedEnv {
  /** Carries its tunnels, after the rules for targets were asked. */
  readonly tunnel: TunnelEnv;
  /** Present if the number of tunnels is limited. */
  readonly gate?: TunnelGate;
  /** Once it has aborted, new tunnels are refused. */
  readonly draining: AbortSignal;
  /** The name of the stage in `Via`. */
  readonly pseudonym: string;
  /** True if requests go on to another proxy, which must see our `Via`. */
  readonly forwardsVia: boolean;
}

/** Makes the error for a client that asks while the program is stopping. */
export function stoppingError(): TunlError {
  return new TunlError('proxy_internal_response', 'the proxy is stopping', { side: 'self', phase: 'policy' });
}

/** Serves one request for a tunnel until the tunnel is up or refused. Never rejects. */
export async function serveAsk(env: AskEnv, ask: TunnelAsk, asker: Origin): Promise<void> {
  const started = performance.now();
  const { tunnel, gate, draining, pseudonym, forwardsVia } = env;
  const origin = { ...asker, ...(forwardsVia && { via: [`${ask.protocol} ${pseudonym}`] }) };
  let leave: (() => void) | undefined;
  try {
    if (draining.aborted) throw stoppingError();
    leave = gate?.enter(ask.peer);
  } catch (error) {
    const failure = toTunlError(error);
    const asked = { id: tunnel.tunnels.nextId(), origin, target: formatAddress(ask.target), started };
    reportRefused(env, asked, failure);
    logRefused(env, asked, failure);
    return ask.refuse(failure);
  }
  await carryTunnel(tunnel, {
    target: ask.target,
    origin,
    gone: ask.gone,
    accept: () => ask.accept(),
    refuse: (error) => ask.refuse(error),
    leave,
  });
}
