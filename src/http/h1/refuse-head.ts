import { STATUS_CODES } from 'node:http';
import { statusOf, TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import type { Link, Peer } from '../../core/link.ts';
import { describeText } from '../exchange/answer.ts';
import { closeStaged } from './close.ts';
import { HeadError, requestHeadError } from '../wire/head.ts';
import { formatHead } from '../wire/message.ts';
import { formatProxyStatus, publicReason } from '../wire/proxy-status.ts';

/** Makes the answer to something that cannot be read as a request. */
export type AnswerFault = (
  failure: TunlError,
  peer: Peer,
) => { readonly status: number; readonly fields: readonly HeaderField[]; readonly body: string };

/**
 * Refuses a request whose head could not be read, or is not valid: the client is answered and the connection closed; if
 * the client has left or we are stopping, the connection is reset. Returns the error, for the caller to throw.
 */
export async function refuseHead(
  link: Link,
  draining: AbortSignal,
  error: unknown,
  answerFault: AnswerFault = answerPlainly,
): Promise<TunlError> {
  const failure = toRequestError(error);
  if (draining.aborted || failure.code === 'connection_terminated') link.reset(failure);
  else {
    const { status, fields, body } = answerFault(failure, link.peer);
    await respondAndClose(link, status, fields, body);
  }
  return failure;
}

const answerPlainly: AnswerFault = (failure) => ({
  status: statusOf(failure),
  fields: [formatProxyStatus(failure)],
  body: publicReason(failure),
});

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
  const fields = describeText([...headers, ['Connection', 'close']], bytes.length);
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`, fields);
  link.stream.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  await closeStaged(link);
}
