import type { BodyReader } from './reader.ts';
import { BodyStream } from './stream.ts';

/** Receives the events of a request's body. */
export interface BodyEvents {
  /** A reader begins to read it. */
  readonly onWanted: () => void;
  readonly onBytes: (bytes: number) => void;
  /** The body is over, broken or abandoned. */
  readonly onSettled: () => void;
}

/** The body of an HTTP/1.1 request. */
export class RequestBody extends BodyStream {
  readonly #events: BodyEvents;

  constructor(reader: BodyReader, events: BodyEvents) {
    super(reader);
    this.#events = events;
  }

  override _read(): void {
    if (this.reader.isOver) return;
    if (!this.reader.isStarted) this.#events.onWanted();
    super._read();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(error);
    this.#events.onSettled();
  }

  override onPart(part: Buffer): boolean {
    this.#events.onBytes(part.length);
    return super.onPart(part);
  }

  override onEnd(): void {
    super.onEnd();
    this.#events.onSettled();
  }
}
