import type { Duplex } from 'node:stream';
import { abortReason, throwIfAborted } from '../core/deadline.ts';

/** Thrown when a stream is over before all the bytes that were asked for have come. */
export class ShortRead extends Error {
  /** The bytes that did come. */
  readonly received: Buffer;

  constructor(received: Buffer, cause?: unknown) {
    super('the stream is over', cause === undefined ? undefined : { cause });
    this.received = received;
  }
}

/**
 * Reads a number of bytes, at least one. Bytes after them stay in the stream, which is left paused.
 * @throws {ShortRead} if the stream ends or is reset before
 * @throws {TunlError} the signal's reason
 */
export function readBytes(stream: Duplex, count: number, signal: AbortSignal): Promise<Buffer> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const settle = (act: () => void) => {
      stream.off('data', onData).off('end', onOver).off('error', onOver).off('close', onOver);
      signal.removeEventListener('abort', onAbort);
      stream.pause();
      act();
    };
    const onOver = (error?: Error) => settle(() => reject(new ShortRead(received, error)));
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < count) return;
      settle(() => {
        if (received.length > count) stream.unshift(received.subarray(count));
        resolve(received.subarray(0, count));
      });
    };
    if (stream.readableEnded || stream.destroyed) return onOver(stream.errored ?? undefined);
    stream.on('data', onData).on('end', onOver).on('error', onOver).on('close', onOver);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.resume();
  });
}
