import { Readable } from 'node:stream';
import type { BodyReader, BodySink } from './reader.ts';

/** The body of an HTTP/1.1 message as a stream: read as far as it is asked for. */
export class BodyStream extends Readable implements BodySink {
  protected readonly reader: BodyReader;

  constructor(reader: BodyReader) {
    super();
    this.reader = reader;
    // Whoever reads it has a listener of its own; where nobody does, its failure must end nothing.
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
