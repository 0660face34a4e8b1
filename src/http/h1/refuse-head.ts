import { STATUS_CODES } from 'node:http';
import { statusOf, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link } from '../../core/link.ts';
import { closeStaged } from './close.ts';
import { HeadError, requestHeadError } from '../wire/head.ts';
import { formatHead } from '../wire/message.ts';
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

/**
 * Writes a whole HTTP/1.1 response and closes the connection in stages (RFC 9112, section 9.6), so that the client can
 * read it. Further requests on the connection are ignored.
 */
export async function respondAndClose(
  link: Link,
  status: number,
  headers: readonly HeaderField[],
  body: string,
): Promise<void> {
  const bytes = Buffer.from(body, 'utf8');
  const fields: HeaderField[] = [
    ...headers,
    ['Connection', 'close'],
    ['Content-Length', String(bytes.length)],
    ...(bytes.length > 0 ? [['Content-Type', 'text/plain; charset=utf-8'] as const] : []),
  ];
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, fields);
  link.stream.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  await closeStaged(link);
}
