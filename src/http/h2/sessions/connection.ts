import type { Duplex } from 'node:stream';
import { readLent } from '../../../core/duplex-flow.ts';
import type { Fate } from '../../../core/flow.ts';
import { type Link, resetError } from '../../../core/link.ts';
import { ConnectionFault, errorCodes } from '../../../h2/codes.ts';
import type { Wire } from '../../../h2/scheduler.ts';
import type { Http2Session } from '../../../h2/session.ts';
import { JoinedWrites } from './joined-writes.ts';

/** How long a peer may take to read what is left for it once the session is over and everything is with the system. */
const lingerMs = 1000;

/** How long the system may take to take everything, after a session in which nothing has failed. */
const unsentMs = 20_000;

const nothing = Buffer.alloc(0);

/** How long a peer may take to acknowledge our settings. */
const settingsMs = 10_000;

/** The Link below a session: it carries the bytes of the engine, and knows how a session ends. */
export class Connection implements Wire {
  readonly #link: Link;
  readonly #stream: Duplex;
  /** Present over a socket of TLS, which copies what is written when it encrypts it. */
  readonly #joined: JoinedWrites | undefined;
  #isSocket = false;
  #session: Http2Session | undefined;
  #pinging: NodeJS.Timeout | undefined;
  #acknowledging: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  /** Since the last PING, bytes came, or some went out that had to wait: the answer may be behind others. */
  #isAlive = false;
  /** A write without bytes waits behind others: once it has left, they have. */
  #isProbing = false;
  /** Why it is over, as far as we know. */
  failure: Error | undefined;

  constructor(link: Link) {
    const { stream } = link;
    this.#link = link;
    this.#stream = stream;
    if (isTlsSocket(stream))
      this.#joined = new JoinedWrites(
        stream,
        () => this.schedule(),
        () => this.#session?.onWritable(),
      );
    // Frames are put together here: none may wait for the answer to the one before it.
    if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') {
      this.#isSocket = true;
      stream.setNoDelay(true);
    }
  }

  /** Starts to read for a session. `onClose` is called once the Link is closed. */
  carry(session: Http2Session, pingMs: number, onClose: () => void): void {
    const stream = this.#stream;
    this.#session = session;
    if (!this.#joined) stream.on('drain', () => session.onWritable());
    stream.once('end', () => this.#onEnd());
    stream.once('error', (error) => this.#onLost(error));
    stream.once('close', () => {
      this.#onLost(closedError());
      this.#stop();
      onClose();
    });
    readLent(stream, (chunk) => {
      this.#isAlive = true;
      return session.feed(chunk);
    });
    this.#acknowledging = setTimeout(() => this.#assertAcknowledged(), settingsMs).unref();
    if (pingMs > 0) this.#pinging = setInterval(() => this.#ping(pingMs), pingMs).unref();
  }

  get copies(): boolean {
    return this.#joined !== undefined;
  }

  write(parts: readonly Buffer[]): Fate {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return 'free';
    if (this.#joined) return this.#joined.write(parts);
    if (parts.length === 1) stream.write(parts[0]);
    else {
      stream.cork();
      for (const part of parts) stream.write(part);
      stream.uncork();
    }
    // A stream in memory says that it is done while what it was given waits further on.
    if (stream.writableLength === 0 && this.#isSocket) return 'free';
    return stream.writableNeedDrain ? 'full' : 'kept';
  }

  schedule(): void {
    setImmediate(flush, this);
  }

  flush(): void {
    this.#session?.flush();
    this.#joined?.flush();
  }

  /**
   * Ends in good order: what waits is written, and the peer may read it for a while. `isPatient` allows the system more
   * time to take it all; by default where nothing has failed.
   */
  finish(isPatient: boolean = this.failure === undefined): void {
    const stream = this.#stream;
    this.#session?.flush();
    this.#session?.end(resetError('the HTTP/2 session is over'));
    if (stream.destroyed || this.#lingering) return;
    this.#joined?.finish();
    stream.end();
    // A slow peer still gets the end of a stream; one with a fault keeps no memory.
    this.#linger(isPatient && stream.writableLength > 0 ? unsentMs : lingerMs);
    stream.once('finish', () => this.#linger(lingerMs));
  }

  /** Ends as a loss: the peer sees a reset. */
  lose(error: Error): void {
    this.failure ??= error;
    this.#link.reset(error);
    this.#session?.end(error);
  }

  #linger(ms: number): void {
    clearTimeout(this.#lingering);
    const onLate = () => this.#link.reset(resetError('the peer of the session did not read its end'));
    this.#lingering = setTimeout(onLate, ms);
  }

  #onEnd(): void {
    if (!this.#session || this.#session.load > 0) return this.lose(closedError());
    const isPatient = this.failure === undefined;
    this.failure ??= closedError();
    this.finish(isPatient);
  }

  #onLost(error: Error): void {
    this.failure ??= error;
    this.#session?.end(error);
  }

  #ping(pingMs: number): void {
    const session = this.#session;
    if (!session || session.isOver) return clearInterval(this.#pinging);
    if (session.unansweredPings < 2) session.ping();
    else if (!this.#isAlive) return this.lose(resetError(`no answer to PING within ${(2 * pingMs) / 1000}s`));
    this.#isAlive = false;
    // Only what the system did not take at once shows, when it does, that the peer reads.
    if (this.#isProbing || this.#stream.writableLength === 0) return;
    this.#isProbing = true;
    this.#stream.write(nothing, this.#onTaken);
  }

  readonly #onTaken = (error?: Error | null): void => {
    this.#isProbing = false;
    if (!error) this.#isAlive = true;
  };

  #assertAcknowledged(): void {
    if (this.#session?.isAcknowledged) return;
    this.#session?.fail(new ConnectionFault(errorCodes.settingsTimeout, 'it did not acknowledge our settings'));
  }

  #stop(): void {
    clearInterval(this.#pinging);
    clearTimeout(this.#acknowledging);
    clearTimeout(this.#lingering);
  }
}

function flush(connection: Connection): void {
  connection.flush();
}

function closedError(): Error {
  return resetError('the connection of the session was closed');
}

/** Not by what is known of the peer: a stage has the peer of its outer one, and streams in memory pass on what they are given. */
function isTlsSocket(stream: Duplex): boolean {
  return 'encrypted' in stream && stream.encrypted === true;
}
