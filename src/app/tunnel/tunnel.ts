import { Abort } from '../../core/abort.ts';
import { type Address, formatAddress } from '../../core/address.ts';
import { abortReason, formatDuration } from '../../core/deadline.ts';
import type { Dial, Origin } from '../../core/dialer.ts';
import { toTunlError, TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import { type HalfCloseTerms, isWaiting, type Link, type Peer, type Resumption } from '../../core/link.ts';
import type { AccessEntry, WriteAccess } from './access-log.ts';
import { Beginning } from './beginning.ts';
import type { Doubts } from './doubts.ts';
import { ProgressLimit } from '../../relay/progress-limit.ts';
import { relay } from '../../relay/relay.ts';
import type { RelayHandle, RelayLimits, RelayResult } from '../../relay/terms.ts';
import { follow, makeClosed, makeFailed, makeOpened, reportProgress } from './tunnel-events.ts';
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
  /** The name of the upstream, if the stage has several. */
  readonly cluster?: string;
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
  /** Returns the client's Link; called once, when the upstream is connected, with its address if that is known. */
  readonly accept: (reached: Address | undefined) => Link;
  /** Tells the client that there will be no tunnel. */
  readonly refuse: (error: TunlError) => Promise<void> | void;
  /** True to keep the first bytes of the tunnel in the outcome. */
  readonly keepsBytes?: boolean;
  /** Returns the status that the client is answered with, if it speaks HTTP. */
  readonly statusOf?: (error: TunlError | undefined) => number;
  /** Gives back the place of the tunnel: called once it has ended, or before it is refused, which may take time. */
  readonly leave?: (() => void) | undefined;
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
  const { gone } = job;
  const tunnel = new CarriedTunnel(env, job);
  const onGone = () => tunnel.cut(abortReason(gone));
  if (gone.aborted) onGone();
  gone.addEventListener('abort', onGone, { once: true });
  try {
    tunnel.start(job, await tunnel.dial(job));
    return tunnel;
  } catch (error) {
    const failure = toTunlError(error);
    tunnel.fail(job, failure);
    await job.refuse(failure);
    return { failure };
  } finally {
    gone.removeEventListener('abort', onGone);
  }
}

/** A tunnel from the moment when its client asks for it until its end. It keeps facts about its job, but not the job. */
class CarriedTunnel implements Tunnel {
  readonly id: number;
  readonly client: string;
  target: string;
  via: readonly string[];
  stages: readonly string[];
  readonly depth: number;
  readonly user: string | undefined;
  readonly isRecorded: boolean;
  readonly started = performance.now();
  handle: RelayHandle | undefined;
  beginning: Beginning | undefined;
  resumptions: readonly Resumption[] | undefined;
  readonly #env: TunnelEnv;
  readonly #endLifetime: () => void;
  readonly #givePlaceBack: (() => void) | undefined;
  /** Present until the relay runs. */
  #abort: Abort | undefined = new Abort();
  /** Runs until the relay does, if nothing may stand still for ever. */
  #limit: ProgressLimit | undefined;
  #status: number | undefined;
  /** Called at the end: what tells of a part of the way may live on. */
  readonly #unfollow: ((() => void) | void)[] = [];
  /** Present for the access logs, if there are any. */
  #asked: AskedTunnel | undefined;

  constructor(env: TunnelEnv, { origin, target, leave }: TunnelJob) {
    const { peer, user, stages = [] } = origin;
    this.#env = env;
    this.id = env.tunnels.nextId();
    this.client = formatPeer(peer);
    this.target = formatAddress(target);
    this.via = env.via;
    this.stages = stages;
    this.depth = Math.max(0, stages.length - 1);
    this.user = user;
    this.isRecorded = env.record !== 'none';
    if (env.access) this.#asked = { origin, target };
    env.tunnels.add(this);
    this.#endLifetime = limitLifetime(this, env.limits);
    this.#givePlaceBack = leave;
    this.#writeAccess({ at: 'asked' });
  }

  get cluster(): string | undefined {
    return this.#env.cluster;
  }

  /** Resolves with the end of the tunnel, once it is up. */
  get ended(): Promise<RelayResult> {
    return (this.handle as RelayHandle).done;
  }

  cut(error: TunlError): void {
    if (this.handle) this.handle.cut(error);
    else this.#abort?.abort(error);
  }

  /** Dials within the idle limit: nothing moves until the tunnel is up, so the limit counts from the request. */
  dial({ target, origin }: TunnelJob): Promise<Link> {
    const { emit, dial, limits, doubts, record } = this.#env;
    const { signal } = this.#abort as Abort;
    const { idleMs } = limits;
    if (idleMs > 0) {
      this.#limit = new ProgressLimit(() => this.#abort?.abort(idleError(idleMs)));
      this.#limit.start(idleMs);
    }
    return dial(target, {
      signal,
      target,
      origin,
      ...reportProgress(emit),
      onDoubt: (message) => doubts?.say('web', message),
      onResumable: (part) => this.#follow(part, origin),
      onDialled: ({ target: reached, via, stages }) => {
        if (record === 'dialled') this.target = formatAddress(reached);
        this.via = via;
        this.stages = stages;
      },
    });
  }

  /**
   * Accepts the client and joins it to its target.
   * @throws {TunlError} if the tunnel was given up in the meantime
   */
  start(job: TunnelJob, upstream: Link): void {
    const { limits, emit } = this.#env;
    const { signal } = this.#abort as Abort;
    this.#limit?.stop();
    if (signal.aborted) {
      const reason = abortReason(signal);
      upstream.reset(reason);
      throw reason;
    }
    const client = job.accept(upstream.peer.address);
    if (client.resumption) this.#follow(client.resumption);
    this.#status = job.statusOf?.(undefined);
    this.beginning = this.#watchBeginning(job);
    if (this.#asked) this.#asked.reached = upstream.peer;
    this.#abort = undefined;
    this.#limit = undefined;
    const running = relay(client, upstream, limits, this.beginning);
    this.handle = running;
    if (this.resumptions) running.setWaiting(isWaiting(this));
    if (this.isRecorded) emit(makeOpened(this));
    this.#writeAccess({ at: 'opened' });
    running.whenEnded((result) => this.#end(result));
  }

  /** Records the failure of a tunnel that did not come up. */
  fail({ statusOf }: TunnelJob, failure: TunlError): void {
    this.#limit?.stop();
    this.#status = statusOf?.(failure);
    this.via = failure.facts.via ?? this.via;
    this.#leave();
    if (this.isRecorded) this.#env.emit(makeFailed(this, failure, this.#status));
    this.#writeAccess({ failure });
  }

  #end(result: RelayResult): void {
    const { tunnels, emit } = this.#env;
    this.#leave();
    const { swallowedBy } = result;
    swallowedBy?.forget?.();
    if (swallowedBy) tunnels.warnOnce(describeSwallowing(result, swallowedBy));
    this.#writeAccess({ result });
    if (this.isRecorded) emit(makeClosed(this, result, this.#status));
  }

  #follow(part: Resumption, outer?: Origin): void {
    this.#unfollow.push(follow(this, part, this.#env.emit), outer?.onResumable?.(part));
  }

  /** Ends what a tunnel takes part in. */
  #leave(): void {
    for (const unfollow of this.#unfollow) unfollow?.();
    this.#endLifetime();
    this.#env.tunnels.remove(this);
    this.#givePlaceBack?.();
  }

  /** Watches the beginning of a recorded tunnel; inner parts are left to the stage that keeps the record. */
  #watchBeginning({ keepsBytes = false }: TunnelJob): Beginning | undefined {
    const { doubts } = this.#env;
    const { via, target } = this;
    if (!doubts || !this.isRecorded || (via.length === 0 && !keepsBytes)) return undefined;
    return new Beginning({ target, via, doubts, keepsBytes });
  }

  #writeAccess(moment: Pick<AccessEntry, 'at' | 'result' | 'failure'>): void {
    const { access } = this.#env;
    if (access && this.#asked) writeAccess(access, this.#asked, this, this.#status, moment);
  }
}

/** The facts about a tunnel that only access logs need. */
interface AskedTunnel extends Pick<TunnelJob, 'origin' | 'target'> {
  /** The upstream that was connected to. */
  reached?: Peer;
}

function idleError(ms: number): TunlError {
  const message = `the tunnel was not up within ${formatDuration(ms)} (--idle-timeout)`;
  return new TunlError('tunnel_idle', message, { side: 'self', phase: 'relay' });
}

/** Formats the warning about an answer that may be lost, with the setting that avoids it. */
function describeSwallowing({ end }: RelayResult, { hop, when }: HalfCloseTerms): string {
  if (end === 'linger')
    return `${hop} does not pass on that our bytes have ended: nothing came since then (half-close=never waits longer)`;
  const careful = when === 'now' ? 'half-close=wait or never' : 'half-close=never';
  return `the tunnel ended as soon as ${hop} was told that our bytes have ended: an answer may be lost (${careful} waits for it)`;
}

function writeAccess(
  { write, cluster, nearest }: TunnelAccess,
  { origin, target, reached: { address, connection } = {} }: AskedTunnel,
  tunnel: Tunnel,
  status: number | undefined,
  moment: Pick<AccessEntry, 'at' | 'result' | 'failure'>,
): void {
  const place = moment.at === 'asked' ? undefined : nearest(target);
  write({
    tunnel,
    origin,
    cluster,
    // The IP address behind a name is known once it was reached.
    ...(place !== undefined && {
      place: address?.kind === 'tcp' && !place.startsWith('internal:') ? formatAddress(address) : place,
    }),
    connection,
    ...(status !== undefined && { status }),
    ...moment,
  });
}
