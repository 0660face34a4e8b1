import { Readable } from 'node:stream';
import type { BodyReader, BodySink } from './reader.ts';

/** The body of an HTTP/1.1 message as a stream; it reads from the connection only on demand. */
export class BodyStream extends Readable implements BodySink {
  protected readonly reader: BodyReader;

  constructor(reader: BodyReader) {
    super();
    this.reader = reader;
    // Readers add their own listener; without a reader, a failure must not end the process.
    this.on('error', () => {});
    if (reader.isOver) this.push(null);
  }

  override _read(): void {
    this.reader.resume(this);
  }

  onPart(part: Buffer): boolean {
    return this.push(part);
  }

  onEnd(): void {
    this.push(null);
  }

  onError(error: Error): void {
    this.destroy(error);
  }
}
