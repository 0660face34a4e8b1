import { abortReason } from '../core/deadline.ts';
import type { Exchange } from '../core/exchange.ts';
import type { PauseCount } from '../core/flow.ts';
import type { HeaderField } from '../core/hop.ts';
import { pumpBody } from '../http/body/pump.ts';
import type { Reply } from '../http/call.ts';
import { keepTrailers } from './connection-fields.ts';

/**
 * Passes an answer on with these fields, as it comes. If the client leaves, the answer is cancelled; if the answer is cut, it is cut for the
 * client too. Resolves once it is over in either way.
 * @param pauses counts the pauses of the answer
 * @throws {TunlError} http_protocol_error, before anything is sent, if the answer cannot be passed on
 */
export function passReply(
  request: Exchange,
  reply: Reply,
  headers: readonly HeaderField[],
  signal: AbortSignal,
  pauses?: PauseCount,
): Promise<void> {
  const answer = request.answer(reply.status, headers);
  answer.on('error', () => {});
  const onAbort = () => void answer.destroy(abortReason(signal));
  return new Promise((resolve) => {
    const stop = pumpBody(reply.body, {
      stream: answer,
      pauses,
      write: (chunk) => answer.write(chunk),
      onEnd: () => {
        answer.setTrailers(keepTrailers(reply.trailers()));
        answer.end();
      },
      onError: (error) => void answer.destroy(error),
    });
    answer.once('close', () => {
      stop();
      signal.removeEventListener('abort', onAbort);
      if (!answer.writableFinished) reply.cancel(answer.errored ?? new Error('the client does not take the answer'));
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
