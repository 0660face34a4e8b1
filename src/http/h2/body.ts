import { type Duplex, Readable } from 'node:stream';
import { requestError, type TunlError } from '../../core/errors.ts';
import type { BodyEvents } from '../body/request.ts';

/** The body of an HTTP/2 request: the readable half of its stream, which lives on when this one is destroyed. */
export class Http2Body extends Readable {
  readonly #stream: Duplex;
  readonly #events: BodyEvents;
  #isStarted = false;
  readonly #onData = (chunk: Buffer): void => {
    this.#events.onBytes(chunk.length);
    if (!this.push(chunk)) this.#stream.pause();
  };
  readonly #onEnd = (): void => void this.push(null);
  readonly #onClose = (): void => {
    if (!this.#stream.readableEnded) this.destroy(cutError(this.#stream.errored));
  };

  constructor(stream: Duplex, isEmpty: boolean, events: BodyEvents) {
    super();
    this.#stream = stream;
    this.#events = events;
    // A reader has a listener of its own; without one, a failure must not end the process.
    this.on('error', () => {});
    this.once('end', () => events.onSettled());
    if (isEmpty) this.push(null);
    // Before the request hears of it: that its body was cut short says more than that the client is gone.
    else stream.prependOnceListener('close', this.#onClose);
  }

  override _read(): void {
    if (!this.#isStarted) this.#start();
    this.#stream.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    // Nobody takes what still comes: its window is not opened again before the answer is out.
    this.#stream.pause();
    done(error);
    this.#events.onSettled();
  }

  #start(): void {
    this.#isStarted = true;
    this.#events.onWanted();
    if (this.#stream.destroyed) return this.#onClose();
    this.#stream.on('data', this.#onData).once('end', this.#onEnd);
  }
}

function cutError(cause: Error | null): TunlError {
  return requestError('the client cut the body of its request short', { cause: cause ?? undefined });
}
