import type { BodyReader } from './reader.ts';
import { BodyStream } from './stream.ts';

/** Receives the outcome of reading the body of an answer. */
export interface ReplyBodyEvents {
  /** The whole body has been read from the connection. */
  readonly onEnd: () => void;
  /** The body will never be complete, or the reader abandoned it. */
  readonly onCut: (error: Error) => void;
}

/** The body of an HTTP/1.1 answer. */
export class ReplyBody extends BodyStream {
  readonly #events: ReplyBodyEvents;

  constructor(reader: BodyReader, events: ReplyBodyEvents) {
    super(reader);
    this.#events = events;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.reader.isOver) this.#events.onCut(error ?? new Error('the rest of the answer is not wanted'));
    done(error);
  }

  override onEnd(): void {
    super.onEnd();
    this.#events.onEnd();
  }
}
