import type { DialContext, DialStep } from '../../core/dialer.ts';
import type { TunlError } from '../../core/errors.ts';
import type {
  EventSink,
  NoticeEvent,
  TunnelClosedEvent,
  TunnelFacts,
  TunnelFailedEvent,
  TunnelOpenedEvent,
  TunnelResumedEvent,
  TunnelWaitingEvent,
} from '../../core/events.ts';
import { countResumed, isWaiting, type Resumption } from '../../core/link.ts';
import type { RelayEnd } from '../../relay/terms.ts';
import type { Tunnel } from './tunnels.ts';

/** An event that is being made. Its fields are set one by one, in the order of records: copying facts costs V8 more. */
type Draft<E> = { -readonly [Key in keyof E]: E[Key] };

/** Makes the event of a tunnel whose bytes flow from now on. */
export function makeOpened(tunnel: Tunnel): TunnelOpenedEvent {
  const opened = { event: 'tunnel.opened' } as Draft<TunnelOpenedEvent>;
  addFacts(opened, tunnel);
  return opened;
}

/** Makes the event of an open tunnel that has ended; `status` is that of the answer, if the client spoke HTTP. */
export function makeClosed(tunnel: Tunnel, { end, side, error }: RelayEnd, status?: number): TunnelClosedEvent {
  const { handle, started } = tunnel;
  const closed = { event: 'tunnel.closed' } as Draft<TunnelClosedEvent>;
  addFacts(closed, tunnel);
  closed.sent = handle?.sent ?? 0;
  closed.received = handle?.received ?? 0;
  closed.ms = Math.round(performance.now() - started);
  closed.end = end;
  if (side) closed.side = side;
  if (error) closed.reason = error.message;
  if (status !== undefined) closed.status = status;
  const resumed = countResumed(tunnel);
  if (resumed > 0) closed.resumed = resumed;
  return closed;
}

/** Makes the event of a tunnel that could not be opened. */
export function makeFailed(tunnel: Tunnel, error: TunlError, status?: number): TunnelFailedEvent {
  const failed = { event: 'tunnel.failed' } as Draft<TunnelFailedEvent>;
  addFacts(failed, tunnel);
  failed.ms = Math.round(performance.now() - tunnel.started);
  failed.error = error;
  if (status !== undefined) failed.status = status;
  return failed;
}

/**
 * Notes a part of the way of a tunnel that outlives its transports, and tells when it loses one and goes on.
 * @returns a function that stops telling, for a part that outlives the tunnel too
 */
export function follow(tunnel: Tunnel, part: Resumption, emit: EventSink): () => void {
  tunnel.resumptions = [...(tunnel.resumptions ?? []), part];
  const onChange = (reason?: Error) => {
    tunnel.handle?.setWaiting(isWaiting(tunnel));
    if (tunnel.isRecorded && tunnel.handle) emit(makeChanged(tunnel, reason));
  };
  part.watchers.add(onChange);
  return () => void part.watchers.delete(onChange);
}

/** The fields of both events. */
type Changed = Omit<TunnelWaitingEvent, 'event'> & Omit<TunnelResumedEvent, 'event'> & { readonly event: string };

/** Makes the event of a tunnel that waits for another transport, for a reason, or that goes on over one. */
function makeChanged(tunnel: Tunnel, reason: Error | undefined): TunnelWaitingEvent | TunnelResumedEvent {
  const changed: Partial<Draft<Changed>> = { event: reason ? 'tunnel.waiting' : 'tunnel.resumed' };
  addFacts(changed as Draft<TunnelFacts>, tunnel);
  if (reason) changed.reason = reason.message;
  else changed.resumed = countResumed(tunnel);
  return changed as TunnelWaitingEvent | TunnelResumedEvent;
}

function addFacts(facts: Draft<TunnelFacts>, { id, client, target, via, stages, user, upstream }: Tunnel): void {
  facts.id = id;
  facts.client = client;
  facts.target = target;
  facts.via = via;
  if (stages.length > 1) facts.stages = stages;
  if (user !== undefined) facts.user = user;
  if (upstream !== undefined) facts.upstream = upstream;
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

type Progress = Pick<DialContext, 'onProgress'> & Required<Pick<DialContext, 'onFailure' | 'onNotice'>>;

/** The reports of each sink, made once and not for each tunnel: with the steps of a dial, and without them. */
const reports = new WeakMap<EventSink, { readonly full: Progress; readonly brief: Progress }>();

/** Returns the parts of a DialContext that report the steps of a dial; none that nobody is shown. */
export function reportProgress(emit: EventSink): Progress {
  const known = reports.get(emit) ?? makeReports(emit);
  return emit.shows && !emit.shows('verbose') ? known.brief : known.full;
}

function makeReports(emit: EventSink): { readonly full: Progress; readonly brief: Progress } {
  const brief: Progress = {
    onFailure: ({ message }) => emit({ event: 'notice', level: 'verbose', message: `${message}; trying on` }),
    onNotice: (level, message) => emit({ event: 'notice', level, message }),
  };
  const made = { full: { ...brief, onProgress: (step: DialStep) => emit(toNotice(step)) }, brief };
  reports.set(emit, made);
  return made;
}
