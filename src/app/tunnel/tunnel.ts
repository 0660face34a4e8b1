import { Abort } from '../../core/abort.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import { abortReason, formatDuration } from '../../core/deadline.ts';
import type { Dial, DialContext, DialledPath, DialStep, Origin } from '../../core/dialer.ts';
import { toTunlError, TunlError } from '../../core/errors.ts';
import type { EventSink, NoticeEvent, TunnelFacts } from '../../core/events.ts';
import type { HalfCloseTerms, Link } from '../../core/link.ts';
import type { AccessEntry, WriteAccess } from './access-log.ts';
import { Beginning } from './beginning.ts';
import type { Doubts } from './doubts.ts';
import { ProgressLimit } from '../../relay/progress-limit.ts';
import { relay } from '../../relay/relay.ts';
import type { RelayLimits, RelayResult } from '../../relay/terms.ts';
import { formatPeer, type LifetimeLimits, limitLifetime, type Tunnel, type Tunnels } from './tunnels.ts';

/** The access logs of a stage. */
export interface TunnelAccess {
  readonly write: WriteAccess;
  /** The name of the upstream or stage that its tunnels go to. */
  readonly cluster: string;
  /** Returns the first address on the way to a target. */
  readonly nearest: (target: Address) => string;
}

/** Limits of a tunnel, in milliseconds; 0 means none. */
export type TunnelLimits = RelayLimits & LifetimeLimits;

/** The parts that all tunnels of one stage or command share. */
export interface TunnelEnv {
  readonly dial: Dial;
  /** The hops on the way as URLs without secrets. */
  readonly via: readonly string[];
  readonly limits: TunnelLimits;
  readonly tunnels: Tunnels;
  readonly emit: EventSink;
  /**
   * `none` for the inner part of a tunnel that is recorded elsewhere; with `dialled` the record names the target that
   * was reached.
   */
  readonly record?: 'asked' | 'dialled' | 'none';
  /** Present if the stage has access logs. */
  readonly access?: TunnelAccess;
  /** Receives warnings about a 200 without a working tunnel; if absent, the beginning of tunnels is not watched. */
  readonly doubts?: Doubts;
}

/** One tunnel that a client asked for. */
export interface TunnelJob {
  readonly target: Address;
  readonly origin: Origin;
  /** Aborted when the client goes away before its tunnel is up. */
  readonly gone: AbortSignal;
  /** Returns the client's Link; called once, when the upstream is connected. */
  readonly accept: () => Link;
  /** Tells the client that there will be no tunnel. */
  readonly refuse: (error: TunlError) => Promise<void> | void;
  /** True to keep the first bytes of the tunnel in the outcome. */
  readonly keepsBytes?: boolean;
  /** Returns the status that the client is answered with, if it speaks HTTP. */
  readonly statusOf?: (error: TunlError | undefined) => number;
}

/** The outcome of a job: a tunnel that runs until `ended`, or a failure. */
export type TunnelOutcome =
  | { readonly ended: Promise<RelayResult>; readonly beginning: Beginning | undefined }
  | { readonly failure: TunlError };

/**
 * Carries one tunnel:
 *
 *     dial -> accept -> relay -> exactly one closed or failed event
 *
 * Until `accept` the client can be answered with a failure; from then on it can only be reset. Resolves when the tunnel
 * is up or has failed, not when it ends, because the pending promise would keep the request in memory.
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
    const upstream = await dialUpstream(env, job, tunnel, abort);
    const client = job.accept();
    const beginning = watchBeginning(env, job, tunnel);
    const ended = startTunnel(env, job, tunnel, client, upstream, beginning);
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

function idleError(ms: number): TunlError {
  const message = `the tunnel was not up within ${formatDuration(ms)} (--idle-timeout)`;
  return new TunlError('tunnel_idle', message, { side: 'self', phase: 'relay' });
}

/** Dials within the idle limit: nothing moves until the tunnel is up, so the limit counts from the request. */
async function dialUpstream(env: TunnelEnv, job: TunnelJob, tunnel: Tunnel, abort: Abort): Promise<Link> {
  const { target, origin } = job;
  const { signal } = abort;
  const { idleMs } = env.limits;
  const limit = new ProgressLimit(() => abort.abort(idleError(idleMs)));
  if (idleMs > 0) limit.start(idleMs);
  const onDialled = ({ target: reached, via, stages }: DialledPath) => {
    if (env.record === 'dialled') tunnel.target = formatAddress(reached);
    tunnel.via = via;
    tunnel.stages = stages;
  };
  const onDoubt = (message: string) => env.doubts?.say('web', message);
  try {
    const { onProgress, onFailure, onNotice } = reportProgress(env.emit);
    const ctx = { signal, target, origin, onDialled, onDoubt, onProgress, onFailure, onNotice };
    const upstream = await env.dial(target, ctx);
    if (!signal.aborted) return upstream;
    const reason = abortReason(signal);
    upstream.reset(reason);
    throw reason;
  } finally {
    limit.stop();
  }
}

/** Tells of a step of a dial. The message is made when somebody reads it, which is seldom. */
function toNotice(step: DialStep): NoticeEvent {
  return {
    event: 'notice',
    level: 'verbose',
    get message() {
      const { phase, hop, detail, ms } = step;
      return `${hop === undefined ? 'target' : `hop ${hop}`}: ${phase} ${detail} (${ms.toFixed(1)}ms)`;
    },
  };
}

type Progress = Required<Pick<DialContext, 'onProgress' | 'onFailure' | 'onNotice'>>;

/** The reports of each sink, made once and not for each tunnel. */
const reports = new WeakMap<EventSink, Progress>();

/** Returns the parts of a DialContext that report the steps of a dial. */
export function reportProgress(emit: EventSink): Progress {
  const known = reports.get(emit);
  if (known) return known;
  const progress: Progress = {
    onProgress: (step) => emit(toNotice(step)),
    onFailure: ({ message }) => emit({ event: 'notice', level: 'verbose', message: `${message}; trying on` }),
    onNotice: (level, message) => emit({ event: 'notice', level, message }),
  };
  reports.set(emit, progress);
  return progress;
}

/** Watches the beginning of a recorded tunnel; inner parts are left to the stage that keeps the record. */
function watchBeginning(
  { doubts }: TunnelEnv,
  { keepsBytes = false }: TunnelJob,
  { via, target, isRecorded }: Tunnel,
): Beginning | undefined {
  if (!doubts || !isRecorded || (via.length === 0 && !keepsBytes)) return undefined;
  return new Beginning({ target, via, doubts, keepsBytes });
}

function startTunnel(
  env: TunnelEnv,
  job: TunnelJob,
  tunnel: Tunnel,
  client: Link,
  upstream: Link,
  beginning: Beginning | undefined,
): Promise<RelayResult> {
  // These are facts, not the job, which would keep the request in memory as long as the tunnel runs.
  const status = job.statusOf?.(undefined);
  const asked = env.access && { origin: job.origin, target: job.target };
  const handle = relay(client, upstream, env.limits, beginning);
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

/** Formats the warning about an answer that may be lost, with the setting that avoids it. */
function describeSwallowing({ end }: RelayResult, { hop, when }: HalfCloseTerms): string {
  if (end === 'linger')
    return `${hop} does not pass on that our bytes have ended: nothing came since then (half-close=never waits longer)`;
  const careful = when === 'now' ? 'half-close=wait or never' : 'half-close=never';
  return `the tunnel ended as soon as ${hop} was told that our bytes have ended: an answer may be lost (${careful} waits for it)`;
}

/** Returns the facts about a tunnel that all its events contain. */
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
    // The IP address behind a name is known once it was reached.
    place: reached?.kind === 'tcp' && !place.startsWith('internal:') ? formatAddress(reached) : place,
    ...(status !== undefined && { status }),
    ...end,
  });
}
