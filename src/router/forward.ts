import { Deadline } from '../core/deadline.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import type { ForwardContext, Exchange } from '../core/exchange.ts';
import type { Link } from '../core/link.ts';
import type { Reply } from '../http/call.ts';
import { Connections } from './connections.ts';
import type { Forwarder, ForwarderOptions, ForwardTerms } from './forwarder.ts';
import { passReply } from './pass-reply.ts';
import { type PassedCall, toCall, wantedSwitch } from './to-call.ts';

/** Makes what sends requests to one upstream. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  return new UpstreamForwarder(options);
}

/**
 * Carries one request:
 *
 *     client --- request, body ---> connection with room, or a new one
 *     client <-- answer, body ----- whatever comes, as it comes
 *
 * The two bodies move at the same time, and each as fast as it is taken.
 */
class UpstreamForwarder implements Forwarder {
  readonly #options: ForwarderOptions;
  readonly #connections: Connections;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  async forward(request: Exchange, terms: ForwardTerms, ctx: ForwardContext): Promise<void> {
    assertMaySwitch(request, terms);
    const call = toCall(request, terms, this.#options.version);
    const deadline = this.#startDeadline(request, terms, ctx.signal);
    const limited = { ...ctx, signal: deadline.signal };
    try {
      const reply = await this.#call(call, terms, limited);
      if (!reply.link) return await pass(request, reply, deadline.signal);
      // From here on the limits are those of a tunnel.
      deadline.end();
      await ctx.join(switchClient(request, call, reply), reply.link);
    } catch (error) {
      throw toAnswerable(error);
    } finally {
      deadline.end();
      // The client need not send what nobody reads.
      if (call.body && !request.body.readableEnded) request.body.destroy();
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  /** The limit counts from the end of the request; a request that switches has no end. */
  #startDeadline(request: Exchange, { timeoutMs }: ForwardTerms, signal: AbortSignal): Deadline {
    const limit = {
      ms: timeoutMs,
      phase: 'relay',
      option: 'timeout of the route',
      code: 'http_response_timeout',
    } as const;
    const deadline = new Deadline(limit, signal, `upstream ${this.#options.name} did not answer`);
    if (request.isBodiless || wantedSwitch(request) !== undefined) deadline.start();
    else request.body.once('end', () => deadline.start());
    return deadline;
  }

  /** A connection that was kept may have died unseen: then the request is sent once more. */
  async #call(
    call: PassedCall,
    { target }: ForwardTerms,
    { signal, origin, onUpstream }: ForwardContext,
  ): Promise<Reply> {
    let wasKept = false;
    const send = (from: 'any' | 'fresh') =>
      this.#connections.use({ target, origin, signal }, from, ({ connection, isKept, address }) => {
        wasKept = isKept;
        onUpstream(address);
        return connection.call(call, signal);
      });
    try {
      return await send('any');
    } catch (error) {
      if (signal.aborted || !maySendAgain(call, error, wasKept)) throw error;
      // Where one connection of HTTP/1.1 died the others may have too; a session that died is known to be dead.
      return send(this.#options.version === 'http1' ? 'fresh' : 'any');
    }
  }
}

function assertMaySwitch(request: Exchange, { upgrades }: ForwardTerms): void {
  const wanted = wantedSwitch(request);
  if (wanted === undefined || upgrades.includes(wanted)) return;
  const what = wanted === 'connect' ? 'CONNECT' : 'a change of protocol';
  throw new TunlError('http_request_denied', `${what} is not allowed here`, { side: 'client', phase: 'policy' });
}

/** RFC 9110, section 9.2.2: methods whose requests may be made twice. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

function maySendAgain({ method, body, opens }: PassedCall, error: unknown, wasKept: boolean): boolean {
  if (!(error instanceof TunlError) || body?.isTaken) return false;
  const { unprocessed = false, unanswered = false } = error.facts;
  return unprocessed || (unanswered && wasKept && !opens && idempotent.has(method));
}

async function pass(request: Exchange, reply: Reply, signal: AbortSignal): Promise<void> {
  try {
    await passReply(request, reply, signal);
  } catch (error) {
    reply.cancel(error as Error);
    throw error;
  }
}

/** Tells the client that it has what it asked for, in the way of its version of HTTP. */
function switchClient(request: Exchange, { opens, toOpenFields }: PassedCall, reply: Reply): Link {
  const switched = request.version === '2' ? 200 : 101;
  try {
    return request.upgrade(opens?.kind === 'connect' ? reply.status : switched, toOpenFields(reply.headers));
  } catch (error) {
    reply.cancel(error as Error);
    throw error;
  }
}

/** Failures that Envoy answers with 503, the upstream not being there: clients and balancers take it for passing. */
const unavailable: ReadonlySet<ErrorCode> = new Set([
  'dns_timeout',
  'dns_error',
  'destination_unavailable',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'http_response_incomplete',
]);

function toAnswerable(error: unknown): unknown {
  if (!(error instanceof TunlError) || error.side === 'client' || !unavailable.has(error.code)) return error;
  return error.with({ status: 503 });
}
