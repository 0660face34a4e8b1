import { type Address, formatAddress } from '../core/address.ts';
import { Deadline } from '../core/deadline.ts';
import { type ErrorCode, TunlError } from '../core/errors.ts';
import type { ForwardContext, Exchange } from '../core/exchange.ts';
import type { PauseCount } from '../core/flow.ts';
import type { Link } from '../core/link.ts';
import type { Reply } from '../http/call.ts';
import { nameUpstream, UpstreamConnections } from './connections.ts';
import type { Forwarder, ForwarderOptions, ForwardTerms } from './forwarder.ts';
import { passReply } from './pass-reply.ts';
import { type PassedCall, toCall, wantedSwitch } from './to-call.ts';

/** Makes the forwarder for one upstream. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  return new UpstreamForwarder(options);
}

/**
 * Forwards requests to one upstream:
 *
 *     client --- request, body ---> connection with room, or a new one
 *     client <-- answer, body ----- whatever comes, as it comes
 *
 * The two bodies move at the same time, each as fast as its receiver accepts it.
 */
class UpstreamForwarder implements Forwarder {
  readonly #options: ForwarderOptions;
  readonly #connections: UpstreamConnections;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#connections = new UpstreamConnections(options);
  }

  async forward(request: Exchange, terms: ForwardTerms, ctx: ForwardContext): Promise<void> {
    assertMaySwitch(request, terms);
    const call = toCall(request, terms, this.#options.version, ctx.pauses?.client);
    const deadline = this.#startDeadline(request, terms, ctx.signal);
    const limited = { ...ctx, signal: deadline.signal };
    try {
      const reply = await this.#call(call, terms, limited);
      if (terms.plain) assertNotAsked(reply, terms.target);
      if (!reply.link) return await pass(request, call, reply, deadline.signal, ctx.pauses?.target);
      // From here on the limits of tunnels apply.
      deadline.end();
      await ctx.join(switchClient(request, call, reply), reply.link);
    } catch (error) {
      throw terms.plain ? error : toAnswerable(error);
    } finally {
      deadline.end();
      // Nobody reads the rest of the body, so the client need not send it.
      if (call.body && !request.body.readableEnded) request.body.destroy();
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  /** Starts the limit at the end of the request; at once for a request that switches protocols, which has no end. */
  #startDeadline(request: Exchange, { timeoutMs, target }: ForwardTerms, signal: AbortSignal): Deadline {
    const limit = {
      ms: timeoutMs,
      phase: 'relay',
      option: 'timeout of the route',
      code: 'http_response_timeout',
    } as const;
    const deadline = new Deadline(limit, signal, `${nameUpstream(this.#options, target)} did not answer`);
    if (request.isBodiless || wantedSwitch(request) !== undefined) deadline.start();
    else request.body.once('end', () => deadline.start());
    return deadline;
  }

  /** Sends the request, and once more if it failed on an idle connection that had died unnoticed. */
  async #call(
    call: PassedCall,
    { target }: ForwardTerms,
    { signal, origin, onUpstream }: ForwardContext,
  ): Promise<Reply> {
    let wasKept = false;
    const send = (from: 'any' | 'fresh') =>
      this.#connections.use({ target, origin, signal }, from, (connection, isKept) => {
        wasKept = isKept;
        onUpstream(connection);
        return connection.call(call, signal);
      });
    try {
      return await send('any');
    } catch (error) {
      if (signal.aborted || !maySendAgain(call, error, wasKept)) throw error;
      // If one idle HTTP/1.1 connection died, the others may have died too; a dead HTTP/2 session is known to be dead.
      return send(this.#options.version === 'http1' ? 'fresh' : 'any');
    }
  }
}

/**
 * Refuses an answer that asks for the password of a proxy: our client is asked for its own by us alone.
 * @throws {TunlError} http_protocol_error
 */
function assertNotAsked(reply: Reply, target: Address): void {
  if (reply.status !== 407) return;
  const message = `${formatAddress(target)} asks for the password of a proxy`;
  const error = new TunlError('http_protocol_error', message, { side: 'target', phase: 'relay' });
  reply.cancel(error);
  throw error;
}

function assertMaySwitch(request: Exchange, { upgrades }: ForwardTerms): void {
  const wanted = wantedSwitch(request);
  if (wanted === undefined || upgrades === 'any' || upgrades.includes(wanted)) return;
  const what = wanted === 'connect' ? 'CONNECT' : 'a change of protocol';
  throw new TunlError('http_request_denied', `${what} is not allowed here`, { side: 'client', phase: 'policy' });
}

/** Methods whose requests may be sent twice (RFC 9110, section 9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

function maySendAgain({ method, body, opens }: PassedCall, error: unknown, wasKept: boolean): boolean {
  if (!(error instanceof TunlError) || body?.isTaken) return false;
  const { unprocessed = false, unanswered = false } = error.facts;
  return unprocessed || (unanswered && wasKept && !opens && idempotent.has(method));
}

async function pass(
  request: Exchange,
  { toAnswerFields }: PassedCall,
  reply: Reply,
  signal: AbortSignal,
  pauses: PauseCount | undefined,
): Promise<void> {
  try {
    await passReply(request, reply, toAnswerFields(reply), signal, pauses);
  } catch (error) {
    reply.cancel(error as Error);
    throw error;
  }
}

/** Tells the client that the protocol has changed, as its version of HTTP does. */
function switchClient(request: Exchange, { opens, toOpenFields }: PassedCall, reply: Reply): Link {
  const switched = request.version === '2' ? 200 : 101;
  try {
    return request.upgrade(opens?.kind === 'connect' ? reply.status : switched, toOpenFields(reply));
  } catch (error) {
    reply.cancel(error as Error);
    throw error;
  }
}

/** Failures to reach the upstream. Envoy answers them with 503, which clients and balancers take for temporary. */
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
