import { lateRequest, requestLimit, within } from '../core/deadline.ts';
import { toTunlError, TunlError } from '../core/errors.ts';
import type { Link } from '../core/link.ts';
import { ShortRead } from '../socks/bytes.ts';
import { peekByte } from '../socks/server-messages.ts';
import type { Front } from './front.ts';

/** The patience with a client that has sent nothing yet. */
export interface FirstByteTerms {
  /** The time that it has, in milliseconds; 0 means no limit. */
  readonly headMs: number;
  /** Once it aborts, the Link is closed. */
  readonly draining: AbortSignal;
}

/**
 * Finds the front whose protocol a client speaks, by what TLS agreed on or by the first byte, which stays in the stream.
 * @throws {TunlError} if there is none in time; the Link has been reset then
 */
export async function recogniseFront(
  fronts: readonly Front[],
  link: Link,
  { headMs, draining }: FirstByteTerms,
): Promise<Front> {
  const alpn = link.peer.tls?.alpn;
  const agreed = alpn !== undefined && fronts.find((front) => front.alpn.includes(alpn));
  if (agreed) return agreed;
  try {
    const first = await within(requestLimit(headMs), draining, lateRequest, (signal) => peekByte(link.stream, signal));
    return fronts.find(({ begins }) => begins(first)) as Front;
  } catch (error) {
    const failure = error instanceof ShortRead ? leftEarly(error) : toTunlError(error);
    link.reset(failure);
    throw failure;
  }
}

/** Makes the error about a client that left before its tunnel was up. */
export function leftEarly(cause: unknown): TunlError {
  const facts = { side: 'client', phase: 'request', ...(cause ? { cause } : {}) } as const;
  return new TunlError('connection_terminated', 'the client went away before its tunnel was up', facts);
}
