import type { BodyReader } from './reader.ts';
import { BodyStream } from './stream.ts';

/** What a request wants to know of its body. */
export interface BodyEvents {
  /** Somebody begins to read it. */
  readonly onWanted: () => void;
  readonly onBytes: (bytes: number) => void;
  /** It is over, broken, or not wanted any more. */
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
