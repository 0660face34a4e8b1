import type { AnswerAction, RequestsAction } from '../../chain/model/graph.ts';
import type { Address } from '../../core/address.ts';
import { formatDuration } from '../../core/deadline.ts';
import type { Origin } from '../../core/dialer.ts';
import { TunlError, toTunlError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { formatProxyStatus, publicReason } from '../../http/wire/proxy-status.ts';
import { relay } from '../../relay/relay.ts';
import type { FormatFacts } from '../../syntax/format/format.ts';
import { describeRefused } from '../tunnel/access-log.ts';
import { lateStatus, type Refusals } from './statuses.ts';
import type { MakeOwnAnswer } from './own-answers.ts';
import { type OwnAnswer, writeReason } from './reason.ts';
import { type RecordEnv, RequestRecord, toResult } from './request-record.ts';
import type { Forwarder, ForwardTerms, PlainTerms } from '../../router/forwarder.ts';
import type { ChangeAnswer } from '../../router/head-changes.ts';
import type { Head } from '../../router/rewrite.ts';

/** The parts of a stage that its requests need to be answered or forwarded. */
export interface RequestEnv extends RecordEnv {
  readonly terms: { readonly refusals: Refusals };
  /** Makes the answers of the stage itself; absent if they stay as they are given. */
  readonly makeAnswer?: MakeOwnAnswer;
}

/** The decision of a route to answer a request or to forward it. */
export type RequestPlan = AnswerPlan | ForwardPlan;

/** The decision to answer a request, and where the client is sent, if it is sent elsewhere. */
export interface AnswerPlan extends AnswerAction {
  readonly location?: string;
}

/** The place that requests are forwarded to. */
export interface RequestUpstream {
  readonly name: string;
  /** The hops on the way there as URLs without secrets. */
  readonly via: readonly string[];
  /** Returns the forwarder, which is made for the first request. */
  readonly forwarder: () => Promise<Forwarder>;
}

/** The decision to forward a request to one address of an upstream. */
export interface ForwardPlan extends Pick<RequestsAction, 'kind' | 'timeoutMs' | 'idleMs' | 'lifetimeMs'> {
  readonly upgrades: ForwardTerms['upgrades'];
  readonly upstream: RequestUpstream;
  readonly target: Address;
  /** The request as its route has changed it; absent if it stays as it was. */
  readonly rewritten?: Head;
  /** Present if the client asked for the request as from a proxy. */
  readonly plain?: PlainTerms;
}

/** The time, in milliseconds, that a refusal may wait for a client that does not read it. */
const untakenMs = 3000;

/** What goes with one request. */
export interface RequestJob {
  readonly origin: Origin;
  /** The name of a field that the upstream must not see. */
  readonly keptBack: string | undefined;
  /** Gives back the place of the request: called once it has ended, or before it is refused, which may take time. */
  readonly leave: (() => void) | undefined;
  /** Changes the fields of the answer, whoever gives it. */
  readonly changeAnswer?: ChangeAnswer | undefined;
}

/** Answers a request, or forwards it and returns the answer of the upstream. Never rejects. */
export async function carryRequest(
  env: RequestEnv,
  request: Exchange,
  plan: RequestPlan,
  job: RequestJob,
): Promise<void> {
  const { origin, leave, changeAnswer } = job;
  const way = plan.kind === 'requests' ? plan : undefined;
  const lifetimeMs = way?.lifetimeMs ?? env.limits.lifetimeMs;
  const record = new RequestRecord(env, request, origin, { via: way?.upstream.via ?? [], lifetimeMs });
  const { abort } = record;
  const idleMs = way?.idleMs ?? env.limits.idleMs;
  let isAnswered = false;
  let isTunnel = false;
  const watch = {
    idleMs,
    onIdle: () => abort.abort(idleError(request, idleMs)),
    onAnswer: (status: number, headers: readonly HeaderField[]) => {
      isAnswered = true;
      record.open(request, status, headers);
    },
  };
  request.watch(watch);
  // Nothing moves while the way waits for a transport, and that is nobody's fault.
  record.onWaiting = (isWaiting) => request.watch({ ...watch, idleMs: isWaiting ? 0 : idleMs });
  abort.signal.addEventListener('abort', () => {
    if (isAnswered && !isTunnel) request.cut(abort.signal.reason as Error);
  });
  void request.done.then(({ error }) => error && abort.abort(toGone(error)));
  try {
    if (plan.kind === 'answer') {
      const answered = answer(env, request, plan, record, changeAnswer);
      // What follows a CONNECT is no body: with its answer it is over.
      if (request.method === 'CONNECT' && !request.gone.aborted) record.close(toResult({}));
      await answered;
    } else isTunnel = await passOn(env, request, plan, record, job);
    if (!isTunnel) record.close(toResult(await request.done));
    leave?.();
  } catch (error) {
    leave?.();
    const failure = toTunlError(error);
    if (isAnswered) {
      request.cut(failure);
      record.close(toResult({ error: failure }));
    } else {
      const refusal = makeRefusal(
        env,
        request,
        failure,
        () => describeRefused(record.describe(), failure),
        changeAnswer,
      );
      record.fail(failure, request.gone.aborted ? undefined : refusal.status);
      await refuse(env, request, failure, refusal);
    }
  }
}

async function answer(
  { makeAnswer }: RequestEnv,
  request: Exchange,
  { status: given, body: text = '', location, form }: AnswerPlan,
  record: RequestRecord,
  change: ChangeAnswer | undefined,
): Promise<void> {
  const place = location === undefined ? [] : [['location', location] as const];
  const own = { status: given, fields: change?.(place, { status: 0 }) ?? place, body: text };
  const describe = () => ({ ...record.describe(), details: 'direct_response' });
  const { status, fields, body } = makeAnswer?.(request, { ...own, text, type: [], form }, describe) ?? own;
  const hasDate = fields.some(([name]) => name === 'date');
  await request.respond(status, [...fields, ...(hasDate ? [] : [['Date', new Date().toUTCString()] as const])], body);
}

/** Forwards a request to its upstream. Resolves with true if it became a tunnel; the record is complete then. */
async function passOn(
  env: RequestEnv,
  request: Exchange,
  { upstream, target, timeoutMs, upgrades, idleMs, plain, rewritten }: ForwardPlan,
  record: RequestRecord,
  { origin, keptBack, changeAnswer }: RequestJob,
): Promise<boolean> {
  record.lead(upstream.name, target);
  const forwarder = await upstream.forwarder();
  let isTunnel = false;
  let reached: string | undefined;
  const limits = { ...env.limits, ...(idleMs !== undefined && { idleMs }) };
  await forwarder.forward(
    request,
    {
      target,
      timeoutMs,
      upgrades,
      ...(keptBack !== undefined && { keptBack }),
      ...(plain && { plain }),
      ...(rewritten && { rewritten }),
      ...(changeAnswer && {
        changeAnswer: (fields, status) => changeAnswer(fields, { status, upstream: reached }),
      }),
    },
    {
      signal: record.abort.signal,
      origin,
      pauses: record.pauses,
      onUpstream: (reachedUpstream) => {
        reached = reachedUpstream.address;
        record.reach(reachedUpstream);
      },
      join: async (client, link) => {
        isTunnel = true;
        const handle = relay(client, link, limits);
        record.follow(handle);
        record.close(await handle.done);
      },
    },
  );
  return isTunnel;
}

/**
 * Makes the answer that refuses a request.
 * @param describe the facts about the request, for a stage that changes its answers
 * @param change what the route of the request changes in its answers
 */
export function makeRefusal(
  { terms, makeAnswer }: Pick<RequestEnv, 'terms' | 'makeAnswer'>,
  request: Exchange,
  error: TunlError,
  describe: () => FormatFacts,
  change?: ChangeAnswer,
): OwnAnswer {
  const { statusOf, isBare, closes } = terms.refusals;
  const status = statusOf(error);
  if (isBare) return { status, fields: [], body: '' };
  // A client that was too slow may still send bytes of this request.
  const closing = closes || status === 408 ? [['Connection', 'close'] as const] : [];
  const changed = change?.([], { status: 0 }) ?? [];
  const fields = [...changed, formatProxyStatus(error), ...(error.facts.headers ?? []), ...closing];
  const reason = publicReason(error);
  const { type, body } = writeReason(request, reason);
  const given = { status, fields, body, type, text: reason.trimEnd() };
  return makeAnswer?.(request, given, describe) ?? { status, fields: [...fields, ...type], body };
}

/** Refuses a request with an answer that was made for it, if the client is still connected. */
export async function refuse(
  { terms }: Pick<RequestEnv, 'terms'>,
  request: Exchange,
  error: TunlError,
  { status, fields, body }: OwnAnswer,
): Promise<void> {
  if (!terms.refusals.isBare) {
    // The earlier watch is over; from now on only the delivery of the answer is timed.
    request.watch({ idleMs: untakenMs, onIdle: () => request.cut(error), onAnswer: () => {} });
  }
  await request.respond(status, fields, body);
}

function idleError(request: Exchange, idleMs: number): TunlError {
  const message = `the request moved nothing for ${formatDuration(idleMs)} (--idle-timeout)`;
  return new TunlError('tunnel_idle', message, { side: 'self', phase: 'request', status: lateStatus(request) });
}

function toGone(error: Error): TunlError {
  if (error instanceof TunlError) return error;
  return new TunlError('connection_terminated', 'the request was cut', {
    side: 'client',
    phase: 'relay',
    cause: error,
  });
}
