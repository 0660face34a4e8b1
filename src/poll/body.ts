import { requestError, type TunlError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';

/** The longest that the body of a request may take, in milliseconds. */
const bodyMs = 60_000;

/**
 * Reads the whole body of a request, with a length or without. `onPart` is called with each part as it comes.
 * @throws {TunlError} http_request_error: 413 if it is longer than `most`, 408 if it takes too long, 400 if it is cut short
 */
export function readBody(exchange: Exchange, most: number, onPart: (part: Buffer) => void): Promise<Buffer[]> {
  const { body, contentLength = 0 } = exchange;
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let left = most;
    const settle = (error?: TunlError) => {
      clearTimeout(timer);
      body.off('data', onData).off('end', onEnd).off('close', onClose);
      if (!error) return resolve(parts);
      body.destroy();
      reject(error);
    };
    const onEnd = () => settle();
    const onClose = () =>
      settle(requestError('the body of the request was cut short', { cause: body.errored ?? undefined }));
    const onData = (part: Buffer) => {
      left -= part.length;
      parts.push(part);
      if (left < 0) settle(tooLong());
      else onPart(part);
    };
    const tooLong = () => requestError(`the body of the request has more than ${most} bytes`, { status: 413 });
    const timer = setTimeout(
      () => settle(requestError('the body of the request did not come in time', { status: 408 })),
      bodyMs,
    );
    body.on('error', () => {});
    if (contentLength > most) return settle(tooLong());
    if (exchange.isBodiless || body.readableEnded) return onEnd();
    body.on('data', onData).on('end', onEnd).on('close', onClose);
    if (body.destroyed) onClose();
  });
}
