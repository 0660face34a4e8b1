import { requestError, type TunlError } from '../../core/errors.ts';
import type { TunnelExchange, TunnelRequest } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { findSource, type Link, type Peer } from '../../core/link.ts';
import type { Answer, FarEnds } from '../../resume/far.ts';
import type { Message } from '../../resume/fields.ts';

/** The client of a request for a tunnel, as far as it matters to whom a resumable tunnel belongs. */
export interface Asker {
  readonly user: string | undefined;
  readonly peer: Peer;
}

/** Serves the resumable tunnels of a proxy. */
export interface Resuming {
  /** True if a tunnel that is asked for like this may outlive its transports. */
  readonly takes: (request: TunnelRequest) => boolean;
  /**
   * Answers a request that brings another transport; returns false for any other request.
   * @throws {TunlError} http_request_error, if the stream is not known, or the field cannot be understood
   */
  readonly attach: (exchange: TunnelExchange, request: TunnelRequest, asker: Asker) => boolean;
  /**
   * Prepares the answer to a request for a resumable tunnel; `undefined` if it asks for a plain one.
   * @throws {TunlError} http_request_error, if its key is not valid
   */
  readonly open: (exchange: TunnelExchange, request: TunnelRequest, asker: Asker) => Answer<Link> | undefined;
}

/**
 * Makes what a proxy needs for tunnels that wait at most `holdMs` milliseconds for another transport; with 0 it has only
 * those whose carrier makes them so.
 */
export async function createResuming(stage: string, holdMs: number): Promise<Resuming> {
  // Loaded on demand, because few proxies have such tunnels. There is one table for all generations of the graph.
  const [{ farEnds }, { readField }] = await Promise.all([
    import('../../resume/far.ts'),
    import('../../resume/fields.ts'),
  ]);
  const takes = (request: TunnelRequest) => holdMs > 0 || request.holdMs !== undefined;
  return {
    takes,
    attach(exchange, request, { user, peer }) {
      if (!takes(request)) return false;
      const message = read(readField, exchange.headers);
      if (message?.kind !== 'attach') return false;
      const answer = farEnds.resume(message, { stage, user, source: findSource(peer) });
      if (typeof answer === 'string') throw refusalOf(answer);
      answer.start(request.accept([answer.field], answer.carried));
      return true;
    },
    open(exchange, request, { user, peer }) {
      if (!takes(request)) return undefined;
      const mostMs = Math.max(holdMs, request.holdMs ?? 0);
      const message = read(readField, exchange.headers);
      if (message?.kind !== 'open') return undefined;
      return farEnds.open(message, { stage, user, source: findSource(peer) }, mostMs);
    },
  };
}

function read(
  readField: (headers: readonly HeaderField[]) => Message | 'broken' | undefined,
  headers: readonly HeaderField[],
): Message | undefined {
  const message = readField(headers);
  if (message !== 'broken') return message;
  throw requestError('the field about a resumable tunnel is not valid');
}

function refusalOf(answer: Extract<ReturnType<FarEnds['resume']>, string>): TunlError {
  if (answer === 'used')
    return requestError('the request for a resumable tunnel has been here before', { status: 409 });
  return requestError('there is no such resumable tunnel', { status: 404 });
}
