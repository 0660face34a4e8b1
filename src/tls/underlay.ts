import { Duplex, finished } from 'node:stream';
import { type Link, resetError } from '../core/link.ts';

/** Time that the stream below may take to end after TLS, while its FIN is already on the way. */
const lingerMs = 1000;

/**
 * The stream between TLS and a Link that is not a bare socket. Node destroys the stream below TLS as soon as both
 * close_notify alerts have passed, or after a failed handshake whose alert is still on the way. On anything but a socket
 * that would be an abort; here it becomes an ordinary end:
 *
 *     node:tls -> Underlay -> link.stream
 */
export class Underlay extends Duplex {
  /** Resolves once the stream below has ended or was destroyed. */
  readonly gone: Promise<void>;
  readonly #link: Link;

  constructor(link: Link) {
    super({ allowHalfOpen: true });
    this.#link = link;
    this.gone = new Promise((resolve) => void finished(link.stream, () => resolve()));
    const { stream } = link;
    stream.on('data', this.#onData);
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => {
      if (!stream.readableEnded) this.destroy(stream.errored ?? resetError('the connection below was closed'));
    });
    stream.pause();
    if (stream.readableEnded) this.push(null);
    else stream.once('end', () => this.push(null));
  }

  override _read(): void {
    this.#link.stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#link.stream.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const { stream } = this.#link;
    const last = chunks.length - 1;
    stream.cork();
    chunks.forEach(({ chunk }, index) => void (index === last ? stream.write(chunk, done) : stream.write(chunk)));
    stream.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#link.stream.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { stream } = this.#link;
    stream.off('data', this.#onData);
    if (error) this.#link.reset(error);
    else if (!stream.destroyed) this.#endGently();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#link.stream.pause();
  };

  #endGently(): void {
    const { stream } = this.#link;
    const timer = setTimeout(() => this.#link.reset(resetError('the connection below was not ended')), lingerMs);
    void this.gone.then(() => clearTimeout(timer));
    stream.end();
    stream.resume();
  }
}
