import { type Address, formatAddress } from '../core/address.ts';
import { abortReason } from '../core/deadline.ts';
import type { Dial, DialContext, Origin } from '../core/dialer.ts';
import { toTunlError, type TunlError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Link } from '../core/link.ts';
import { relay, type RelayLimits, type RelayResult } from '../relay/relay.ts';
import { formatPeer, type Tunnel, type Tunnels } from './tunnels.ts';

/** What all tunnels of one command share. */
export interface TunnelEnv {
  readonly dial: Dial;
  /** The hops on the way as URLs without secrets. */
  readonly via: readonly string[];
  readonly limits: RelayLimits;
  readonly tunnels: Tunnels;
  readonly emit: EventSink;
}

/** One tunnel that a client asked for. */
export interface TunnelJob {
  readonly target: Address;
  readonly origin: Origin;
  /** Aborted when the client goes away before its tunnel is up. */
  readonly gone: AbortSignal;
  /** Gives the client's Link; called once, when the upstream is there. */
  readonly accept: () => Link;
  /** Tells the client that there will be no tunnel. */
  readonly refuse: (error: TunlError) => Promise<void> | void;
  /** Status that the client was answered with, where it speaks HTTP. */
  readonly statusOf?: (error: TunlError | undefined) => number;
}

/** How a job ended: with a tunnel that ran, or without one. */
export type TunnelOutcome = { readonly result: RelayResult } | { readonly failure: TunlError };

/**
 * Carries one tunnel from the request to its end:
 *
 *     dial -> accept -> relay -> exactly one closed or failed event
 *
 * Until `accept` a failure can be told to the client; from then on it can only be a reset.
 */
export async function carryTunnel(env: TunnelEnv, job: TunnelJob): Promise<TunnelOutcome> {
  const abort = new AbortController();
  const onGone = () => abort.abort(abortReason(job.gone));
  if (job.gone.aborted) onGone();
  job.gone.addEventListener('abort', onGone, { once: true });
  const { user } = job.origin;
  const tunnel: Tunnel = {
    id: env.tunnels.nextId(),
    client: formatPeer(job.origin.peer),
    target: formatAddress(job.target),
    via: env.via,
    ...(user !== undefined && { user }),
    started: performance.now(),
    cut: (error) => abort.abort(error),
  };
  env.tunnels.add(tunnel);
  try {
    const upstream = await dialUpstream(env, job, abort.signal);
    job.gone.removeEventListener('abort', onGone);
    return { result: await runTunnel(env, job, tunnel, upstream) };
  } catch (error) {
    const failure = toTunlError(error);
    reportFailure(env, job, tunnel, failure);
    await job.refuse(failure);
    return { failure };
  } finally {
    job.gone.removeEventListener('abort', onGone);
    env.tunnels.remove(tunnel);
  }
}

async function dialUpstream(env: TunnelEnv, job: TunnelJob, signal: AbortSignal): Promise<Link> {
  const { target, origin } = job;
  const upstream = await env.dial(target, { signal, target, origin, ...reportProgress(env.emit) });
  if (signal.aborted) {
    const reason = abortReason(signal);
    upstream.reset(reason);
    throw reason;
  }
  return upstream;
}

/** The parts of a DialContext that tell of the steps of a dial. */
export function reportProgress(emit: EventSink): Pick<DialContext, 'onProgress' | 'onFailure'> {
  const say = (message: string) => emit({ event: 'notice', level: 'verbose', message });
  return {
    onProgress: ({ phase, hop, detail, ms }) =>
      say(`${hop === undefined ? 'target' : `hop ${hop}`}: ${phase} ${detail} (${ms.toFixed(1)}ms)`),
    onFailure: ({ message }) => say(`${message}; trying on`),
  };
}

async function runTunnel(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, upstream: Link): Promise<RelayResult> {
  const client = job.accept();
  const handle = relay(client, upstream, env.limits);
  tunnel.handle = handle;
  tunnel.cut = (error) => handle.cut(error);
  const { id, target, via, user, started } = tunnel;
  const facts = { id, client: tunnel.client, target, via, ...(user !== undefined && { user }) };
  env.emit({ event: 'tunnel.opened', ...facts });
  const result = await handle.done;
  env.emit({
    event: 'tunnel.closed',
    ...facts,
    sent: handle.sent,
    received: handle.received,
    ms: Math.round(performance.now() - started),
    end: result.end,
    ...(result.side && { side: result.side }),
    ...(result.error && { reason: result.error.message }),
    ...(job.statusOf && { status: job.statusOf(undefined) }),
  });
  return result;
}

function reportFailure(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, error: TunlError): void {
  env.emit({
    event: 'tunnel.failed',
    id: tunnel.id,
    client: tunnel.client,
    ...(tunnel.user !== undefined && { user: tunnel.user }),
    target: tunnel.target,
    via: tunnel.via,
    ms: Math.round(performance.now() - tunnel.started),
    error,
    ...(job.statusOf && { status: job.statusOf(error) }),
  });
}
