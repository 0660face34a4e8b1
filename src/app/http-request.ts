import type { AnswerAction, HttpAction, RequestsAction, TunnelsAction } from '../chain/model.ts';
import { formatDuration } from '../core/deadline.ts';
import { type Dial, type Origin, pipe } from '../core/dialer.ts';
import { TunlError, toTunlError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { withProxyHeader } from '../dial/proxy-header.ts';
import { formatProxyStatus, publicReason } from '../http/proxy-status.ts';
import { withoutSecrets } from '../http/tunnel-request.ts';
import { relay } from '../relay/relay.ts';
import type { FindRoute } from '../router/match.ts';
import { httpStatusOf } from './refusals.ts';
import { formatRequest, type RecordEnv, RequestRecord, toLine, toResult } from './request-record.ts';
import { carryTunnel } from './tunnel.ts';
import type { ReadyUpstream } from './upstream.ts';

/** What serving the requests of a stage needs. */
export interface HttpEnv extends RecordEnv {
  readonly findRoute: FindRoute;
  readonly upstreams: ReadonlyMap<string, ReadyUpstream>;
  readonly draining: AbortSignal;
}

/** Serves one request to its end: by its route it is answered, goes on, or opens a tunnel. Never rejects. */
export async function serveRequest(env: HttpEnv, request: Exchange, outer: Origin): Promise<void> {
  const user = outer.user ?? request.peer.identity;
  const origin: Origin = {
    ...outer,
    peer: request.peer,
    requested: formatRequest(request),
    request: toLine(request),
    headers: withoutSecrets(request.headers),
    ...(user !== undefined && { user }),
  };
  let action: HttpAction;
  try {
    ({ action } = env.findRoute(request).route);
    assertTaken(request, action);
    if (action.kind === 'tunnels') return await openTunnel(env, request, action, origin);
  } catch (error) {
    const failure = toTunlError(error);
    new RequestRecord(env, request, origin, []).fail(failure, httpStatusOf(failure));
    return refuse(request, failure);
  }
  await carryRequest(env, request, action, origin);
}

/**
 * Refuses what the route does not take: to change protocols or to open tunnels must be said.
 * @throws {TunlError} http_request_denied
 */
function assertTaken({ method, upgradeTo, version }: Exchange, action: HttpAction): void {
  const wanted = upgradeTo ?? (method === 'CONNECT' ? 'connect' : undefined);
  if (action.kind === 'tunnels') {
    if (method === 'CONNECT' || (action.post && method === 'POST' && version !== '1.0' && wanted === undefined)) return;
    throw denied('the route takes nothing but tunnels');
  }
  const upgrades = action.kind === 'requests' ? action.upgrades : [];
  if (wanted === undefined || upgrades.includes(wanted)) return;
  throw denied(wanted === 'connect' ? 'the route takes no CONNECT' : 'the route takes no change of protocol');
}

async function openTunnel(
  env: HttpEnv,
  request: Exchange,
  { upstream: name, idleMs, proxyProtocol }: TunnelsAction,
  origin: Origin,
): Promise<void> {
  const upstream = findUpstream(env, name);
  const target = upstream.choose(request);
  const dial: Dial = pipe(upstream.dial, ...(proxyProtocol ? [withProxyHeader(proxyProtocol, 'reached')] : []));
  const { tunnels, emit, limits, access } = env;
  await carryTunnel(
    {
      dial,
      via: upstream.route.via,
      limits: { ...limits, ...(idleMs !== undefined && { idleMs }) },
      tunnels,
      emit,
      record: env.record === 'none' ? 'none' : 'dialled',
      ...(access && {
        access: { write: access.write, cluster: name, nearest: (place) => access.nearest(name, place) },
      }),
    },
    {
      target,
      origin,
      gone: request.gone,
      accept: () => (request.method === 'CONNECT' ? request.upgrade(200, []) : request.stream(200, noStore)),
      refuse: (error) => refuse(request, error),
      statusOf: (error) => (error ? httpStatusOf(error) : 200),
    },
  );
}

/** How long the answer that says no may stand still because nobody takes it. */
const untakenMs = 3000;

const noStore = [['Cache-Control', 'no-store, no-transform']] as const;

async function carryRequest(
  env: HttpEnv,
  request: Exchange,
  action: AnswerAction | RequestsAction,
  origin: Origin,
): Promise<void> {
  const upstream = action.kind === 'requests' ? env.upstreams.get(action.upstream) : undefined;
  const record = new RequestRecord(env, request, origin, upstream?.route.via ?? []);
  const { abort } = record;
  const idleMs = (action.kind === 'requests' ? action.idleMs : undefined) ?? env.limits.idleMs;
  let isAnswered = false;
  let isTunnel = false;
  request.watch({
    idleMs,
    onIdle: () => abort.abort(idleError(request, idleMs)),
    onAnswer: (status, headers) => {
      isAnswered = true;
      record.open(request, status, headers);
    },
  });
  abort.signal.addEventListener('abort', () => {
    if (isAnswered && !isTunnel) request.cut(abort.signal.reason as Error);
  });
  void request.done.then(({ error }) => error && abort.abort(toGone(error)));
  try {
    if (action.kind === 'answer') await answer(request, action);
    else {
      isTunnel = await passOn(env, request, action, origin, record);
    }
    if (!isTunnel) record.close(toResult(await request.done));
  } catch (error) {
    const failure = toTunlError(error);
    if (isAnswered) {
      request.cut(failure);
      record.close(toResult({ error: failure }));
    } else {
      record.fail(failure, request.gone.aborted ? undefined : httpStatusOf(failure));
      await refuse(request, failure);
    }
  }
}

async function answer(request: Exchange, { status, body = '' }: AnswerAction): Promise<void> {
  await request.respond(status, [['Date', new Date().toUTCString()]], body);
}

/** Hands a request to its upstream; true where it became a tunnel, whose record is complete then. */
async function passOn(
  env: HttpEnv,
  request: Exchange,
  { upstream: name, timeoutMs, upgrades, idleMs }: RequestsAction,
  origin: Origin,
  record: RequestRecord,
): Promise<boolean> {
  const upstream = findUpstream(env, name);
  const target = upstream.choose(request);
  record.lead(name, target);
  const forwarder = await upstream.forwarder();
  let isTunnel = false;
  const limits = { ...env.limits, ...(idleMs !== undefined && { idleMs }) };
  await forwarder.forward(
    request,
    { target, timeoutMs, upgrades },
    {
      signal: record.abort.signal,
      origin,
      onUpstream: (address) => record.reach(address),
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

function findUpstream({ upstreams }: HttpEnv, name: string): ReadyUpstream {
  const upstream = upstreams.get(name);
  if (upstream) return upstream;
  throw new TunlError('destination_unavailable', `there is no upstream ${name}`, { side: 'self', phase: 'request' });
}

/** Says why a request gets no answer, to a client that is still there. */
async function refuse(request: Exchange, error: TunlError): Promise<void> {
  const fields = [formatProxyStatus(error), ...(error.facts.headers ?? [])];
  const status = httpStatusOf(error);
  // Who was too slow may still send what belongs to this request.
  const closing = status === 408 ? [['Connection', 'close'] as const] : [];
  // Whatever was watched before is over; what is left is that somebody takes the answer.
  request.watch({ idleMs: untakenMs, onIdle: () => request.cut(error), onAnswer: () => {} });
  await request.respond(status, [...fields, ...closing], publicReason(error));
}

/** The client is to blame only while its request is not whole (RFC 9110, section 15.5.9). */
function idleError({ isBodiless, body }: Exchange, idleMs: number): TunlError {
  const message = `the request moved nothing for ${formatDuration(idleMs)} (--idle-timeout)`;
  const status = isBodiless || body.readableEnded ? 504 : 408;
  return new TunlError('tunnel_idle', message, { side: 'self', phase: 'request', status });
}

function toGone(error: Error): TunlError {
  if (error instanceof TunlError) return error;
  return new TunlError('connection_terminated', 'the request was cut', {
    side: 'client',
    phase: 'relay',
    cause: error,
  });
}

function denied(message: string): TunlError {
  return new TunlError('http_request_denied', message, { side: 'client', phase: 'policy' });
}
