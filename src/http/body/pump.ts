import type { Readable, Writable } from 'node:stream';
import type { PauseCount } from '../../core/flow.ts';

/** The destination of a body. */
export interface BodyDrain {
  /** The source resumes on its `'drain'`. */
  readonly stream: Writable;
  /** Writes a chunk; returns false to ask for a pause. */
  readonly write: (chunk: Buffer) => boolean;
  /** Called when the source has ended and all of it was written. */
  readonly onEnd: () => void;
  /** Called when the source was cut short. */
  readonly onError: (error: Error) => void;
  /** Counts the pauses of the source, if anybody wants to know. */
  readonly pauses?: PauseCount | undefined;
}

/**
 * Moves a body as fast as the drain accepts it and buffers nothing. Returns a function that stops it and pauses the
 * source.
 */
export function pumpBody(source: Readable, drain: BodyDrain): () => void {
  const { pauses } = drain;
  let isFull = false;
  const onData = (chunk: Buffer) => {
    if (drain.write(chunk)) return;
    if (pauses && !isFull) pauses.paused++;
    isFull = true;
    source.pause();
  };
  const onDrain = () => {
    // Something else may have been written before.
    if (pauses && isFull) pauses.resumed++;
    isFull = false;
    source.resume();
  };
  const stop = () => {
    source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    drain.stream.off('drain', onDrain);
    source.pause();
  };
  const onEnd = () => {
    stop();
    drain.onEnd();
  };
  const onError = (error: Error) => {
    stop();
    drain.onError(error);
  };
  const onClose = () => onError(source.errored ?? new Error('the body was cut short'));
  if (source.readableEnded) drain.onEnd();
  else if (source.destroyed) onClose();
  else {
    drain.stream.on('drain', onDrain);
    source.on('end', onEnd).on('error', onError).on('close', onClose).on('data', onData);
    source.resume();
  }
  return stop;
}
