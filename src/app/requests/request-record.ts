import { Abort } from '../../core/abort.ts';
import type { Address } from '../../core/address.ts';
import type { Origin, RequestLine } from '../../core/dialer.ts';
import { TunlError, toTunlError } from '../../core/errors.ts';
import type { TunnelEnd } from '../../core/events.ts';
import type { Exchange, ReachedUpstream, RequestEnd, TunnelExchange } from '../../core/exchange.ts';
import type { Pauses } from '../../core/flow.ts';
import type { HeaderField } from '../../core/hop.ts';
import { isWaiting } from '../../core/link.ts';
import type { FormatFacts } from '../../syntax/format/format.ts';
import { quoteAscii } from '../../syntax/text.ts';
import type { RelayHandle, RelayEnd } from '../../relay/terms.ts';
import { lateStatus } from './statuses.ts';
import type { AccessEntry, WriteAccess } from '../tunnel/access-log.ts';
import type { TunnelEnv } from '../tunnel/tunnel.ts';
import { follow, makeClosed, makeFailed, makeOpened } from '../tunnel/tunnel-events.ts';
import { formatPeer, type LifetimeLimits, limitLifetime, type Tunnel } from '../tunnel/tunnels.ts';

/** The parts that all records of a stage's requests share. */
export interface RecordEnv extends Pick<TunnelEnv, 'tunnels' | 'emit' | 'record' | 'limits'> {
  /** Present if the stage has access logs. */
  readonly access?: { readonly write: WriteAccess };
  /** Returns the first address on the way to a target of that upstream. */
  readonly nearest: (upstream: string, target: Address) => string;
}

/** What is known of a request from the start. */
interface RecordTerms extends LifetimeLimits {
  /** The hops on the way as URLs without secrets. */
  readonly via: readonly string[];
}

/** A place whose host has no user before it: an `@` behind it belongs to the path. */
const beginsWithHost = /^(?:[a-z][a-z0-9+.-]*:\/\/|(?![^/]*:\/\/))(?:\[[^\]@]*\]|[^/:@[\]]*)(?::\d*)?(?:\/|$)/i;

/** Formats the method and the target of a request, without query and user, because these may be confidential. */
export function formatRequest({ method, target, authority }: TunnelExchange): string {
  const [path = ''] = target.split('?', 1);
  const isPath = path.startsWith('/') || path === '*';
  const place = method === 'CONNECT' ? target : isPath ? `${authority}${path}` : path;
  const shown = beginsWithHost.test(place) ? place : place.replace(/^.*@/s, '***@');
  return `${method} ${quoteAscii(shown).slice(1, -1)}`;
}

/** Returns the request line, for formats and logs that describe the client's request. */
export function toLine({ method, target, authority, version }: TunnelExchange): RequestLine {
  return { method, target, authority, version };
}

/** Keeps the entry of a request in the table of tunnels and emits its events: opened and closed, or failed. */
export class RequestRecord {
  /** Aborted with a TunlError when the request must end because its client left or it was cut. */
  readonly abort = new Abort();
  /** Counts the pauses of the two bodies. */
  readonly pauses: Pauses = { client: { paused: 0, resumed: 0 }, target: { paused: 0, resumed: 0 } };
  readonly #env: RecordEnv;
  readonly #tunnel: Tunnel;
  readonly #endLifetime: () => void;
  readonly #origin: Origin;
  readonly #request: Exchange;
  #status: number | undefined;
  #answer: readonly HeaderField[] = [];
  #led: { readonly cluster: string; readonly target: Address } | undefined;
  #connection: number | undefined;
  #isAsked = false;
  #isOver = false;
  #unfollow: (() => void)[] = [];
  /** Called when the way begins or ceases to wait for a transport. */
  onWaiting: ((isWaiting: boolean) => void) | undefined;

  constructor(env: RecordEnv, request: Exchange, origin: Origin, terms: RecordTerms) {
    const { peer, user, stages = [] } = origin;
    this.#env = env;
    this.#origin = origin;
    this.#request = request;
    this.#tunnel = {
      id: env.tunnels.nextId(),
      client: formatPeer(peer),
      target: formatRequest(request),
      via: terms.via,
      stages,
      depth: Math.max(0, stages.length - 1),
      isRecorded: env.record !== 'none',
      ...(user !== undefined && { user }),
      started: performance.now(),
      cut: (error) => this.abort.abort(error),
    };
    env.tunnels.add(this.#tunnel);
    this.#endLifetime = limitLifetime(this.#tunnel, terms, () => lateStatus(request));
  }

  /** Records the upstream that the request is for. */
  lead(cluster: string, target: Address): void {
    this.#tunnel.cluster = cluster;
    this.#noteAsked();
    this.#writeAsked({ cluster });
    this.#led = { cluster, target };
  }

  /** Describes the request as far as it has come, for an answer of the stage itself. */
  describe(): FormatFacts {
    const { cluster, place } = this.#upstream;
    return {
      ...describeAsked(this.#tunnel, this.#origin),
      ...(cluster !== undefined && { cluster }),
      ...(place !== undefined && { upstream: place }),
      ...(this.#connection !== undefined && { upstreamConnection: this.#connection }),
    };
  }

  /** Records the connection that the request goes to; the last call counts. */
  reach({ address, number, via = this.#tunnel.via, resumptions }: ReachedUpstream): void {
    this.#tunnel.upstream = address;
    this.#tunnel.via = via;
    this.#connection = number;
    this.#stopFollowing();
    if (resumptions.length === 0) return;
    const tell = () => this.onWaiting?.(isWaiting(this.#tunnel));
    for (const part of resumptions) {
      const unfollow = follow(this.#tunnel, part, this.#env.emit);
      part.watchers.add(tell);
      this.#unfollow.push(unfollow, () => part.watchers.delete(tell));
      const forget = this.#origin.onResumable?.(part);
      if (forget) this.#unfollow.push(forget);
    }
    tell();
  }

  /** Records the beginning of the answer. */
  open(request: Exchange, status: number, headers: readonly HeaderField[]): void {
    this.#status = status;
    this.#answer = headers;
    this.#tunnel.handle = toHandle(request, this.pauses);
    this.#writeAsked();
    if (this.#tunnel.isRecorded) this.#env.emit(makeOpened(this.#tunnel));
  }

  /** Records that the request became a tunnel. */
  follow(handle: RelayHandle): void {
    this.#tunnel.handle = handle;
    handle.setWaiting(isWaiting(this.#tunnel));
    this.#tunnel.cut = (error) => handle.cut(error);
    this.#writeAccess({ at: 'opened', status: this.#status });
  }

  /** Records the end of a request that was answered. */
  close(result: RelayEnd): void {
    if (!this.#leave({ result, status: this.#status }) || !this.#tunnel.isRecorded) return;
    this.#env.emit(makeClosed(this.#tunnel, result, this.#status));
  }

  /** Records a failure before the answer; `status` is sent to the client, if it can still be answered. */
  fail(error: TunlError, status: number | undefined): void {
    this.#tunnel.via = error.facts.via ?? this.#tunnel.via;
    if (!this.#leave({ failure: error, status }) || !this.#tunnel.isRecorded) return;
    this.#env.emit(makeFailed(this.#tunnel, error, status));
  }

  /** Notes the time at which the whole request is there. */
  #noteAsked(): void {
    const { isBodiless, upgradeTo, method } = this.#request;
    const note = () => void (this.#tunnel.asked = performance.now());
    // What follows a request for another protocol is no body, and must not be read as one.
    if (isBodiless || upgradeTo !== undefined || method === 'CONNECT') note();
    else this.#request.body.once('end', note);
  }

  #stopFollowing(): void {
    for (const unfollow of this.#unfollow) unfollow();
    this.#unfollow = [];
    delete this.#tunnel.resumptions;
  }

  #leave({ status, ...end }: MomentOfRequest): boolean {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    for (const unfollow of this.#unfollow) unfollow();
    this.#endLifetime();
    if (!isFirst) return false;
    this.#env.tunnels.remove(this.#tunnel);
    this.#writeAsked();
    this.#writeAccess({ status, ...end });
    return true;
  }

  /** Writes once that the request has come, with its upstream where its route has one. */
  #writeAsked(upstream: Pick<AccessEntry, 'cluster'> = {}): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#env.access?.write({ at: 'asked', tunnel: this.#tunnel, origin: this.#origin, ...upstream });
  }

  get #upstream(): Pick<AccessEntry, 'cluster' | 'place'> {
    if (!this.#led) return {};
    const { cluster, target } = this.#led;
    return { cluster, place: this.#env.nearest(cluster, target) };
  }

  #writeAccess({ status, ...moment }: MomentOfRequest): void {
    this.#env.access?.write({
      tunnel: this.#tunnel,
      origin: this.#origin,
      answer: this.#answer,
      ...this.#upstream,
      connection: this.#connection,
      ...(status !== undefined && { status }),
      ...moment,
    });
  }
}

/** The part of an access log entry that describes one moment. */
type MomentOfRequest = Pick<AccessEntry, 'at' | 'result' | 'failure'> & { readonly status: number | undefined };

/** Describes a request that a stage answers itself, before it does. */
export function describeAsked(
  { id, started }: Partial<Pick<Tunnel, 'id'>> & Pick<Tunnel, 'started'>,
  origin: Origin,
): FormatFacts {
  const ms = Math.round(performance.now() - started);
  return { ...(id !== undefined && { id }), origin, began: Date.now() - ms, ms, sent: 0, received: 0, kind: 'NotSet' };
}

/** Converts the end of a request to that of a tunnel. */
export function toResult({ error }: RequestEnd): RelayEnd {
  if (!error) return { end: 'clean' };
  const failure = error instanceof TunlError ? error : undefined;
  const end: TunnelEnd =
    failure?.code === 'interrupted' || failure?.code === 'tunnel_truncated'
      ? 'cut'
      : failure?.code === 'tunnel_idle'
        ? 'idle'
        : 'reset';
  const side = failure && failure.side !== 'hop' ? failure.side : 'target';
  return { end, side, error };
}

function toHandle(request: Exchange, pauses: Pauses): RelayHandle {
  return {
    pauses,
    get sent() {
      return request.sent;
    },
    get received() {
      return request.received;
    },
    cut: (error) => request.cut(toTunlError(error)),
    leave: (reason) => request.cut(toTunlError(reason)),
    // The limits of a request are its own.
    setWaiting() {},
    done: request.done.then((end) => ({
      ended: { client: true, target: true },
      delivered: true,
      unheard: false,
      ...toResult(end),
    })),
  };
}
