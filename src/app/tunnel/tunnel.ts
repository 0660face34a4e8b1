import { Abort } from '../../core/abort.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import { abortReason, formatDuration } from '../../core/deadline.ts';
import type { Dial, DialContext, Origin, DialledPath } from '../../core/dialer.ts';
import { toTunlError, TunlError } from '../../core/errors.ts';
import type { EventSink, TunnelFacts } from '../../core/events.ts';
import type { HalfCloseTerms, Link } from '../../core/link.ts';
import type { AccessEntry, WriteAccess } from './access-log.ts';
import { Beginning } from './beginning.ts';
import type { Doubts } from './doubts.ts';
import { relay, type RelayLimits, type RelayResult } from '../../relay/relay.ts';
import { formatPeer, type LifetimeLimits, limitLifetime, type Tunnel, type Tunnels } from './tunnels.ts';

/** How a stage keeps its access logs. */
export interface TunnelAccess {
  readonly write: WriteAccess;
  /** Name of what its tunnels go to. */
  readonly cluster: string;
  /** The first place on the way to a target. */
  readonly nearest: (target: Address) => string;
}

/** Limits of a tunnel, in milliseconds; 0 means none. */
export type TunnelLimits = RelayLimits & LifetimeLimits;

/** What all tunnels of one command share. */
export interface TunnelEnv {
  readonly dial: Dial;
  /** The hops on the way as URLs without secrets. */
  readonly via: readonly string[];
  readonly limits: TunnelLimits;
  readonly tunnels: Tunnels;
  readonly emit: EventSink;
  /** `none` where it is the inner part of a tunnel that has its record; `dialled`: the record names where the way led. */
  readonly record?: 'asked' | 'dialled' | 'none';
  /** Present where the stage has access logs. */
  readonly access?: TunnelAccess;
  /** Takes warnings about a 200 that led nowhere; absent: nobody looks at how tunnels begin. */
  readonly doubts?: Doubts;
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
  /** The outcome has the first bytes of the tunnel. */
  readonly keepsBytes?: boolean;
  /** Status that the client was answered with, where it speaks HTTP. */
  readonly statusOf?: (error: TunlError | undefined) => number;
}

/** What became of a job: a tunnel that runs until `ended`, or none. */
export type TunnelOutcome =
  | { readonly ended: Promise<RelayResult>; readonly beginning: Beginning | undefined }
  | { readonly failure: TunlError };

/**
 * Carries one tunnel:
 *
 *     dial -> accept -> relay -> exactly one closed or failed event
 *
 * Until `accept` a failure can be told to the client; from then on it can only be a reset. Resolves when
 * the tunnel is up or has failed: what is waited for here would be kept in memory for as long as it runs.
 */
export async function carryTunnel(env: TunnelEnv, job: TunnelJob): Promise<TunnelOutcome> {
  const abort = new Abort();
  const onGone = () => abort.abort(abortReason(job.gone));
  if (job.gone.aborted) onGone();
  job.gone.addEventListener('abort', onGone, { once: true });
  const { user, stages = [] } = job.origin;
  const tunnel: Tunnel = {
    id: env.tunnels.nextId(),
    client: formatPeer(job.origin.peer),
    target: formatAddress(job.target),
    via: env.via,
    stages,
    depth: Math.max(0, stages.length - 1),
    isRecorded: env.record !== 'none',
    ...(user !== undefined && { user }),
    started: performance.now(),
    cut: (error) => abort.abort(error),
  };
  env.tunnels.add(tunnel);
  const endLifetime = limitLifetime(tunnel, env.limits);
  try {
    const upstream = await dialWithin(env, job, tunnel, abort);
    const client = job.accept();
    const beginning = watchBeginning(env, job, tunnel, client, upstream);
    const ended = startTunnel(env, job, tunnel, client, upstream);
    if (env.limits.lifetimeMs) void ended.then(endLifetime);
    return { ended, beginning };
  } catch (error) {
    const failure = toTunlError(error);
    endLifetime();
    env.tunnels.remove(tunnel);
    reportFailure(env, job, tunnel, failure);
    if (env.access) writeAccess(env.access, job, tunnel, job.statusOf?.(failure), { failure });
    await job.refuse(failure);
    return { failure };
  } finally {
    job.gone.removeEventListener('abort', onGone);
  }
}

/** Until a tunnel is up nothing moves: its idle limit counts from the moment in which it was asked for. */
async function dialWithin(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, abort: Abort): Promise<Link> {
  const { idleMs } = env.limits;
  const timer = idleMs > 0 ? setTimeout(() => abort.abort(idleError(idleMs)), idleMs) : undefined;
  try {
    return await dialUpstream(env, job, tunnel, abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

function idleError(ms: number): TunlError {
  const message = `the tunnel was not up within ${formatDuration(ms)} (--idle-timeout)`;
  return new TunlError('tunnel_idle', message, { side: 'self', phase: 'relay' });
}

async function dialUpstream(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, signal: AbortSignal): Promise<Link> {
  const { target, origin } = job;
  const onDialled = ({ target: reached, via, stages }: DialledPath) => {
    if (env.record === 'dialled') tunnel.target = formatAddress(reached);
    Object.assign(tunnel, { via, stages });
  };
  const onDoubt = (message: string) => env.doubts?.say('web', message);
  const upstream = await env.dial(target, { signal, target, origin, onDialled, onDoubt, ...reportProgress(env.emit) });
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

/** An inner part of a tunnel is left to the stage that has its record. */
function watchBeginning(
  { doubts }: TunnelEnv,
  { keepsBytes = false }: TunnelJob,
  { via, target, isRecorded }: Tunnel,
  client: Link,
  upstream: Link,
): Beginning | undefined {
  if (!doubts || !isRecorded || (via.length === 0 && !keepsBytes)) return undefined;
  return new Beginning(client.stream, upstream.stream, { target, via, doubts, keepsBytes });
}

function startTunnel(
  env: TunnelEnv,
  job: TunnelJob,
  tunnel: Tunnel,
  client: Link,
  upstream: Link,
): Promise<RelayResult> {
  // Facts, not the job: it would keep the request in memory for as long as the tunnel runs.
  const status = job.statusOf?.(undefined);
  const asked = env.access && { origin: job.origin, target: job.target };
  const handle = relay(client, upstream, env.limits);
  tunnel.handle = handle;
  tunnel.cut = (error) => handle.cut(error);
  if (tunnel.isRecorded) env.emit({ event: 'tunnel.opened', ...describeTunnel(tunnel) });
  return handle.done.then((result) => {
    env.tunnels.remove(tunnel);
    if (result.swallowedBy) env.tunnels.warnOnce(describeSwallowing(result, result.swallowedBy));
    if (env.access && asked) writeAccess(env.access, asked, tunnel, status, { result, upstream });
    if (!tunnel.isRecorded) return result;
    env.emit({
      event: 'tunnel.closed',
      ...describeTunnel(tunnel),
      sent: handle.sent,
      received: handle.received,
      ms: Math.round(performance.now() - tunnel.started),
      end: result.end,
      ...(result.side && { side: result.side }),
      ...(result.error && { reason: result.error.message }),
      ...(status !== undefined && { status }),
    });
    return result;
  });
}

/** The warning about an answer that may be lost, with the setting that avoids it. */
function describeSwallowing({ end }: RelayResult, { hop, when }: HalfCloseTerms): string {
  if (end === 'linger')
    return `${hop} does not pass on that our bytes have ended: nothing came since then (half-close=never waits longer)`;
  const careful = when === 'now' ? 'half-close=wait or never' : 'half-close=never';
  return `the tunnel ended as soon as ${hop} was told that our bytes have ended: an answer may be lost (${careful} waits for it)`;
}

/** The parts of a tunnel that all its events have. */
export function describeTunnel({ id, client, target, via, stages, user, upstream }: Tunnel): TunnelFacts {
  return {
    id,
    client,
    target,
    via,
    ...(stages.length > 1 && { stages }),
    ...(user !== undefined && { user }),
    ...(upstream !== undefined && { upstream }),
  };
}

function reportFailure(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, error: TunlError): void {
  if (!tunnel.isRecorded) return;
  env.emit({
    event: 'tunnel.failed',
    ...describeTunnel(tunnel),
    ms: Math.round(performance.now() - tunnel.started),
    error,
    ...(job.statusOf && { status: job.statusOf(error) }),
  });
}

function writeAccess(
  { write, cluster, nearest }: TunnelAccess,
  { origin, target }: Pick<TunnelJob, 'origin' | 'target'>,
  tunnel: Tunnel,
  status: number | undefined,
  { upstream, ...end }: Pick<AccessEntry, 'result' | 'failure'> & { readonly upstream?: Link },
): void {
  const place = nearest(target);
  const reached = upstream?.peer.address;
  write({
    tunnel,
    origin,
    cluster,
    // What the name of a place stands for is known once it was reached.
    place: reached?.kind === 'tcp' && !place.startsWith('internal:') ? formatAddress(reached) : place,
    ...(status !== undefined && { status }),
    ...end,
  });
}
