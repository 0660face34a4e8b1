import { Readable } from 'node:stream';
import type { BodyReader, BodySink } from './body-reader.ts';

/** What becomes of the body of an answer. */
export interface ReplyBodyEvents {
  /** All of it has come off the connection. */
  readonly onEnd: () => void;
  /** It will never be complete, or nobody wants the rest. */
  readonly onCut: (error: Error) => void;
}

/** The body of an HTTP/1.1 answer as a stream: read as far as it is asked for. */
export class ReplyBody extends Readable implements BodySink {
  readonly #reader: BodyReader;
  readonly #events: ReplyBodyEvents;

  constructor(reader: BodyReader, events: ReplyBodyEvents) {
    super();
    this.#reader = reader;
    this.#events = events;
    // Whoever reads it has a listener of its own; where nobody does, its failure must end nothing.
    this.on('error', () => {});
    if (reader.isOver) this.push(null);
  }

  override _read(): void {
    this.#reader.resume(this);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#reader.isOver) this.#events.onCut(error ?? new Error('the rest of the answer is not wanted'));
    done(error);
  }

  onPart(part: Buffer): boolean {
    return this.push(part);
  }

  onEnd(): void {
    this.push(null);
    this.#events.onEnd();
  }

  onError(error: Error): void {
    this.destroy(error);
  }
}
