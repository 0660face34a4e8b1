import { Duplex } from 'node:stream';
import { type Link, resetError, streamLink } from '../core/link.ts';
import { closeCodes, closePayload, FrameError, FrameReader, type FrameSink, FrameWriter, opcodes } from './frames.ts';

/** The time between two pings of a client, in milliseconds: many front ends cut a connection that is silent for a minute. */
const pingMs = 25_000;

/** The most bytes that may wait to be sent while pings are still answered. */
const maxWaitingBytes = 64 * 1024;

/**
 * Makes a Link of a connection that has changed to WebSocket. Bytes travel in binary messages that are never empty; an
 * empty one ends the half of its sender. A connection that ends or closes before both halves have ended was reset.
 * @param role the side that we are on: a client masks its frames, and pings
 */
export function webSocketLink(link: Link, role: 'client' | 'server'): Link {
  return streamLink(new WebSocketDuplex(link, role), link.peer);
}

class WebSocketDuplex extends Duplex implements FrameSink {
  readonly #link: Link;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #pinging: NodeJS.Timeout | undefined;
  /** The other side has ended its half. */
  #hasEnded = false;
  /** Our end is written. */
  #isEndSent = false;

  constructor(link: Link, role: 'client' | 'server') {
    super({ allowHalfOpen: true });
    const { stream } = link;
    this.#link = link;
    this.#reader = new FrameReader(role === 'client' ? 'server' : 'client', this);
    this.#writer = new FrameWriter(role);
    this.#pinging = role === 'client' ? setInterval(() => this.#send(opcodes.ping, []), pingMs).unref() : undefined;
    const onOver = () => {
      if (!this.#isComplete) this.destroy(stream.errored ?? resetError('the connection was closed'));
    };
    stream
      .on('error', (error) => this.destroy(error))
      .on('close', onOver)
      .on('end', onOver);
    stream.on('data', (chunk: Buffer) => this.#take(chunk)).pause();
    if (stream.destroyed || stream.readableEnded) onOver();
  }

  get #isComplete(): boolean {
    return this.#hasEnded && this.#isEndSent;
  }

  override _read(): void {
    this.#link.stream.resume();
  }

  onData(part: Buffer): void {
    if (this.#hasEnded) throw new FrameError('bytes follow the end of a half');
    if (!this.push(part)) this.#link.stream.pause();
  }

  onMessage(bytes: number): void {
    if (bytes > 0 || this.destroyed) return;
    if (this.#hasEnded) throw new FrameError('a half ends twice');
    this.#hasEnded = true;
    this.push(null);
    // Only by reading on do we notice what becomes of the connection.
    this.#link.stream.resume();
    this.#closeWhenDone();
  }

  onPing(payload: Buffer): void {
    // Only the last one needs an answer (RFC 6455, section 5.5.3): who does not read them gets no more.
    if (this.#link.stream.writableLength < maxWaitingBytes) this.#send(opcodes.pong, [payload]);
  }

  onClose(code: number): void {
    if (!this.#isComplete) this.destroy(resetError(`the other side closed the WebSocket (${code})`));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#writeMessage([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#writeMessage(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.#send(opcodes.binary, [], () => done());
    this.#isEndSent = true;
    this.#closeWhenDone();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#pinging);
    if (this.#isComplete) this.#link.stream.end();
    else if (error instanceof FrameError) this.#giveUp();
    else {
      this.#send(opcodes.close, [closePayload(closeCodes.internalError)]);
      this.#link.reset(error ?? resetError('the tunnel was abandoned'));
    }
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Tells a peer that broke the rules, and ends the connection after it had the chance to read that. */
  #giveUp(): void {
    const { stream } = this.#link;
    this.#send(opcodes.close, [closePayload(closeCodes.protocolError)]);
    stream.end(() => stream.destroy());
  }

  #writeMessage(parts: readonly Buffer[], done: () => void): void {
    const filled = parts.filter(({ length }) => length > 0);
    if (filled.length === 0) return done();
    this.#send(opcodes.binary, filled, done);
  }

  #send(opcode: number, parts: readonly Buffer[], done?: () => void): void {
    const { stream } = this.#link;
    if (stream.destroyed || stream.writableEnded) return done?.();
    const buffers = this.#writer.write(opcode, parts);
    const last = buffers.length - 1;
    stream.cork();
    buffers.forEach((buffer, index) => stream.write(buffer, index === last && done ? () => done() : undefined));
    stream.uncork();
  }

  #closeWhenDone(): void {
    if (!this.#isComplete) return;
    clearInterval(this.#pinging);
    this.#send(opcodes.close, [closePayload(closeCodes.normal)]);
    this.#link.stream.end();
  }
}
