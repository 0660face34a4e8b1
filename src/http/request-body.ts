import { Readable } from 'node:stream';
import type { BodyReader, BodySink } from './body-reader.ts';

/** What a request wants to know of its body. */
export interface BodyEvents {
  /** Somebody begins to read it. */
  readonly onWanted: () => void;
  readonly onBytes: (bytes: number) => void;
  /** It is over, broken, or not wanted any more. */
  readonly onSettled: () => void;
}

/** The body of an HTTP/1.1 request as a stream: read as far as it is asked for. */
export class RequestBody extends Readable implements BodySink {
  readonly #reader: BodyReader;
  readonly #events: BodyEvents;

  constructor(reader: BodyReader, events: BodyEvents) {
    super();
    this.#reader = reader;
    this.#events = events;
    // Whoever reads it has a listener of its own; where nobody does, its failure must end nothing.
    this.on('error', () => {});
    if (reader.isOver) this.push(null);
  }

  override _read(): void {
    if (this.#reader.isOver) return;
    if (!this.#reader.isStarted) this.#events.onWanted();
    this.#reader.resume(this);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(error);
    this.#events.onSettled();
  }

  onPart(part: Buffer): boolean {
    this.#events.onBytes(part.length);
    return this.push(part);
  }

  onEnd(): void {
    this.push(null);
    this.#events.onSettled();
  }

  onError(error: Error): void {
    this.destroy(error);
  }
}
