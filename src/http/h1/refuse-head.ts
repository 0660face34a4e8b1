import { statusOf, TunlError } from '../../core/errors.ts';
import type { Link } from '../../core/link.ts';
import { respondAndClose } from './close.ts';
import { HeadError, requestHeadError } from '../wire/head.ts';
import { formatProxyStatus, publicReason } from '../wire/proxy-status.ts';

/**
 * Runs a step that reads or checks the head of a request. If it fails, the client is answered and the connection
 * closed; if the client has left or we are stopping, the connection is reset.
 * @throws {TunlError} after the client was answered or its connection reset
 */
export async function orRefuse<T>(link: Link, draining: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const failure = toRequestError(error);
    if (draining.aborted || failure.code === 'connection_terminated') link.reset(failure);
    else await respondAndClose(link, statusOf(failure), [formatProxyStatus(failure)], publicReason(failure));
    throw failure;
  }
}

function toRequestError(error: unknown): TunlError {
  if (error instanceof HeadError) return requestHeadError(error);
  if (!(error instanceof TunlError)) throw error;
  const timedOut = error.phase === 'request' && error.facts.status === undefined && error.side === 'self';
  return timedOut ? error.with({ status: 408 }) : error;
}
