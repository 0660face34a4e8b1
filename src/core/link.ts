import { Duplex } from 'node:stream';
import type { Address } from './address.ts';
import type { HalfClose } from './hop.ts';

/** What is known about the far end of a Link. */
export interface Peer {
  /** Where the bytes come from, when the kernel or the outer protocol said so. */
  readonly address?: Address;
  /** Our own address that it reached, where it came to a listener. */
  readonly reached?: Address;
  /** Who the peer proved to be (client certificate subject, SPIFFE id), when it did. */
  readonly identity?: string;
  readonly tls?: TlsFacts;
}

/** What a TLS handshake settled. */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn?: string;
  /** Subject of the peer's certificate. */
  readonly subject?: string;
  /** Which authorities could vouch for it, in words; absent where nobody had to. */
  readonly trusting?: string;
}

/** One line for `-v` about what a TLS handshake settled. */
export function describeTls({ tls, identity }: Peer): string {
  const { protocol = '', cipher = '', alpn = 'none', subject = '', trusting } = tls ?? {};
  const trust = trusting === undefined ? '' : `trusting ${trusting}`;
  return [protocol, cipher, `alpn ${alpn}`, identity ?? subject, trust].filter(Boolean).join(', ');
}

/**
 * Access to the bare socket under a Link, for relay engines that move bytes without JavaScript.
 * Present only where nothing frames or encrypts the bytes.
 */
export interface Kernel {
  readonly fd: number;
  /** Bytes already read from the socket and not yet consumed. */
  takeBuffered(): Buffer;
  /** Gives the descriptor up: the stream is finished and closes nothing. */
  release(): void;
}

/** When our end may go out, where a hop on the way may take it for the end of both halves. */
export interface HalfCloseTerms {
  /** When our end may go out. */
  readonly when: HalfClose;
  /** `HOST:PORT` of the hop that it is for. */
  readonly hop: string;
  /** The hop is known not to carry halves. */
  readonly swallows: boolean;
}

/** A byte stream with two halves that end one by one, and that can be reset. */
export interface Link {
  /** `end()` says "no more from me"; the other half stays open. */
  readonly stream: Duplex;
  readonly peer: Peer;
  readonly kernel?: Kernel;
  /** Absent where our end may go out at once. */
  readonly halfClose?: HalfCloseTerms;
  /** Ends both halves so that the other side sees an abort, never a clean end. Idempotent. */
  reset(error: Error): void;
}

/**
 * Makes an unhandled `'error'` of a stream impossible. The relay and the carriers attach their own
 * listeners later; until then an error must only mark the stream as destroyed, not end the process.
 */
export function guardStream<S extends Duplex>(stream: S): S {
  stream.on('error', ignore);
  return stream;
}

function ignore(): void {}

/** A Link over any Duplex whose `destroy(error)` is an abort for the other side. */
export function streamLink(stream: Duplex, peer: Peer = {}): Link {
  guardStream(stream);
  return { stream, peer, reset: (error) => void stream.destroy(error) };
}

/**
 * What waits in each direction of a pair, for its reader and for its writer. Said here, as Node's own measure is not the
 * same in all its versions.
 */
const pairBufferBytes = 16 * 1024;

class PairEnd extends Duplex {
  other!: PairEnd;
  readonly #slackBytes: number;
  #pendingWrite: (() => void) | undefined;

  constructor(slackBytes: number, bufferBytes: number) {
    super({ allowHalfOpen: true, readableHighWaterMark: bufferBytes, writableHighWaterMark: pairBufferBytes });
    this.#slackBytes = slackBytes;
  }

  override _read(): void {
    const resume = this.#pendingWrite;
    this.#pendingWrite = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Not in this tick: of two HTTP/2 sessions that are joined in memory, the one that writes would be fed the
    // answer while it writes, and Node ends the process for that (an assertion in its HTTP/2).
    process.nextTick(deliver, this.other, chunk, done);
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    const ended = this.writableFinished && this.readableEnded;
    this.#pendingWrite = undefined;
    if (!ended && !other.destroyed) {
      const cause = error ?? resetError('the other end was destroyed');
      // Not in this tick: a destroy inside a write callback of the other end must not re-enter it.
      process.nextTick(() => other.#abort(cause));
    }
    done(error);
  }

  /** The other end was destroyed: a reader that had paused still gets what is here, and then the error. */
  #abort(cause: Error): void {
    if (this.listenerCount('data') > 0) while (this.read() !== null);
    this.destroy(cause);
  }

  receive(chunk: Buffer, done: () => void): void {
    if (this.destroyed) return done();
    // The writer is called back when the reader asks for more: that is the back-pressure.
    this.#pendingWrite = done;
    if (this.push(chunk)) this._read();
    else if (this.other.#pendingWrite) {
      this.#giveWay();
      this.other.#giveWay();
    }
  }

  /** Takes what the writer waits with, where both stand still. */
  #giveWay(): void {
    if (this.readableLength < this.#slackBytes) this._read();
  }
}

function deliver(end: PairEnd, chunk: Buffer, done: () => void): void {
  end.receive(chunk, done);
}

/** The error that a reset Link reports, with the code that a TCP reset has. */
export function resetError(message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/** How two Links are joined in memory. */
export interface PairOptions {
  /** Who each end is told that the other is. */
  readonly first?: Peer;
  readonly second?: Peer;
  /** Default: none. */
  readonly slackBytes?: number;
  /** About how much waits for each end to be read before the other has to wait with more. Default: 16 KiB. */
  readonly bufferBytes?: number;
}

/**
 * Two Links joined in memory: what one writes the other reads, with back-pressure, half-close and
 * reset. Node's own `duplexPair` does not tell one side that the other was destroyed. Only where both ends wait for
 * each other with more to write, each may be `slackBytes` ahead of its reader.
 */
export function linkPair({ slackBytes = 0, bufferBytes = pairBufferBytes, ...peers }: PairOptions = {}): [Link, Link] {
  const first = new PairEnd(slackBytes, bufferBytes);
  const second = new PairEnd(slackBytes, bufferBytes);
  first.other = second;
  second.other = first;
  return [streamLink(first, peers.first), streamLink(second, peers.second)];
}
