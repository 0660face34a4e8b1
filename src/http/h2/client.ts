import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { abortReason } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';
import { type Link, resetError } from '../../core/link.ts';
import { endSession, leaveSession } from './node/ending.ts';
import { outliveStreams } from './node/handle.ts';
import { type Http2Setup, keepAlive, nodeLimits } from './setup.ts';
import { http2Link, resetName } from './stream.ts';
import { WindowBudget } from './window-budget.ts';

/** How a stream is opened. */
export interface OpenOptions {
  /** Nothing follows the head. */
  readonly bodiless?: true;
  readonly trailers?: () => OutgoingHttpHeaders;
  /** Somebody reads the answer. */
  readonly isAnswered: () => boolean;
}

/** A stream that carries a request, and the ways to end it. */
export interface Http2Opened {
  readonly stream: ClientHttp2Stream;
  /** Its reset is that of a tunnel. */
  readonly link: Link;
  /** Gives the exchange up: nobody wants the answer any more. */
  cancel(): void;
  /** Why there was no answer, once the stream is closed. */
  explainLoss(): TunlError;
}

/** A peer's Node or nghttp2 ends the session after about 1,000 resets: be gone well before. */
const maxOwnResets = 500;

/** Codes of Node for a session that takes no more requests: nothing of the request has gone out. */
const sessionOver: ReadonlySet<string> = new Set([
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_OUT_OF_STREAMS',
]);

/** One HTTP/2 connection to a hop, as a client. */
export class Http2Client {
  readonly #session: ClientHttp2Session;
  readonly #link: Link;
  readonly #options: Http2Setup;
  readonly #windows: WindowBudget;
  #load = 0;
  #ownResets = 0;
  #draining = false;
  /** The last stream that the peer may have acted upon, once it has said so (RFC 9113, section 6.8). */
  #lastTaken = Infinity;
  #failure: Error | undefined;
  /** The code of the peer's GOAWAY. */
  #goawayCode = 0;

  private constructor(session: ClientHttp2Session, link: Link, options: Http2Setup) {
    this.#session = session;
    this.#link = link;
    this.#options = options;
    this.#windows = new WindowBudget(session, options.streamWindowBytes);
    session.on('goaway', (code, last) => this.#onGoaway(code, last));
    session.on('error', (error) => {
      this.#failure = error;
    });
    // With half-open sockets Node leaves a session whose connection has ended as it is.
    link.stream.once('end', () => this.#onConnectionEnd(resetError('the connection of the session was closed')));
    const { pingMs } = options;
    outliveStreams(session);
    keepAlive(session, pingMs, () => this.#lose(resetError(`no answer to PING within ${(2 * pingMs) / 1000}s`)));
  }

  /**
   * Starts HTTP/2 on a Link and waits for the peer's SETTINGS, which prove that it speaks it and
   * say how many streams it takes.
   * @throws {TunlError} http_protocol_error when the peer does not speak HTTP/2
   */
  static async open(link: Link, options: Http2Setup, signal: AbortSignal): Promise<Http2Client> {
    // What has ended before HTTP/2 takes the stream over would end for nobody.
    if (link.stream.destroyed || link.stream.readableEnded) throw closedError(link.stream.errored ?? undefined);
    const session = connect('http://hop', {
      createConnection: () => link.stream,
      ...nodeLimits,
      peerMaxConcurrentStreams: options.maxStreams,
      ...(options.maxFields !== undefined && { maxHeaderListPairs: options.maxFields }),
      settings: {
        enablePush: false,
        initialWindowSize: options.streamWindowBytes,
        maxHeaderListSize: options.maxHeaderBytes,
        ...(options.maxFrameBytes !== undefined && { maxFrameSize: options.maxFrameBytes }),
      },
    });
    const client = new Http2Client(session, link, options);
    session.once('connect', () => session.setLocalWindowSize(options.sessionWindowBytes));
    await client.#settled(signal);
    return client;
  }

  get capacity(): number {
    return Math.min(this.#options.maxStreams, this.#session.remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  get load(): number {
    return this.#load;
  }

  get usable(): boolean {
    return !this.#draining && !this.#session.closed && !this.#session.destroyed && this.#ownResets < maxOwnResets;
  }

  /** What the peer announced, for `-v`. */
  get settings(): string {
    const { maxConcurrentStreams, initialWindowSize, maxFrameSize } = this.#session.remoteSettings;
    return `max streams ${maxConcurrentStreams ?? 'unlimited'}, window ${initialWindowSize}, frame ${maxFrameSize}`;
  }

  /** What the peer takes beside plain CONNECT (RFC 8441). */
  get takesExtendedConnect(): boolean {
    return this.#session.remoteSettings.enableConnectProtocol === true;
  }

  /**
   * Opens a stream with the head of a request. Without `bodiless` our half stays open.
   * @throws {TunlError} with `unprocessed` set when the session takes no more
   */
  open(headers: OutgoingHttpHeaders, options: OpenOptions): Http2Opened {
    const { bodiless: endStream = false, trailers, isAnswered } = options;
    const stream = this.#startStream(headers, { endStream, waitForTrailers: !endStream });
    this.#load++;
    this.#windows.add(stream);
    stream.once('close', () => this.#onStreamClosed(stream));
    const inner = http2Link(stream, this.#link.peer, this.#options, isAnswered, trailers);
    const countReset = () => {
      if (!stream.closed && !stream.destroyed) this.#ownResets++;
    };
    const reset = (error: Error) => {
      countReset();
      inner.reset(error);
    };
    let isCancelled = false;
    const cancel = () => {
      if (isCancelled) return;
      isCancelled = true;
      countReset();
      // Not here: in the middle of a read, some versions of Node hold this code back, destroy the stream, and end the
      // process (an assertion in its HTTP/2) when its half that was not sent yet is to be.
      setImmediate(() => {
        if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
      });
    };
    return { stream, link: { ...inner, reset }, cancel, explainLoss: () => this.#lostError(stream) };
  }

  /** `drain` lets open streams finish. Resolves once the session is over. */
  close(mode: 'drain' | 'now'): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => {
      if (this.#session.destroyed) return resolve();
      this.#session.once('close', resolve);
      if (mode === 'now') this.#session.destroy();
      else endSession(this.#session, this.#link.stream);
    });
  }

  #settled(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        session.off('remoteSettings', onSettings).off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onSettings = () => settle(resolve);
      const onClose = () => settle(() => reject(this.#notHttp2()));
      const onAbort = () =>
        settle(() => {
          session.destroy();
          reject(abortReason(signal));
        });
      session.once('remoteSettings', onSettings).once('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #notHttp2(): TunlError {
    const { code } = (this.#failure ?? {}) as NodeJS.ErrnoException;
    const resetCode = this.#goawayCode;
    if (resetCode !== 0) return closedError(this.#failure).with({ resetCode });
    if (code !== 'ERR_HTTP2_ERROR' && code !== 'ERR_HTTP2_SESSION_ERROR') return closedError(this.#failure);
    const facts = { side: 'hop', phase: 'handshake', cause: this.#failure } as const;
    return new TunlError('http_protocol_error', 'does not speak HTTP/2', facts);
  }

  #startStream(headers: OutgoingHttpHeaders, options: ClientSessionRequestOptions): ClientHttp2Stream {
    try {
      return this.#session.request(headers, options);
    } catch (error) {
      if (!sessionOver.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      const facts = { side: 'hop', phase: 'handshake', unprocessed: true, cause: this.#failure ?? error } as const;
      throw new TunlError('http_response_incomplete', 'the HTTP/2 session takes no more streams', facts);
    }
  }

  #lostError(stream: ClientHttp2Stream): TunlError {
    const code = stream.rstCode ?? 0;
    const lost = this.#session.destroyed;
    const message = lost ? 'the HTTP/2 session was lost' : `the stream was reset (${resetName(code)})`;
    // RFC 9113, section 8.7 knows these two proofs, and a stream without a number was never sent.
    const isLeftOut = stream.id === undefined || stream.id > this.#lastTaken;
    return new TunlError('http_response_incomplete', message, {
      side: 'hop',
      phase: 'handshake',
      unprocessed: isLeftOut || code === constants.NGHTTP2_REFUSED_STREAM,
      unanswered: lost,
      resetCode: code === 0 ? this.#goawayCode : code,
      cause: stream.errored ?? this.#failure,
    });
  }

  #onStreamClosed(stream: ClientHttp2Stream): void {
    this.#load--;
    this.#windows.remove(stream);
    if (this.#load === 0 && !this.usable) void this.close('drain');
  }

  #onGoaway(code: number, last: number): void {
    this.#draining = true;
    this.#lastTaken = last;
    this.#goawayCode = code;
    this.#failure ??= new Error(`GOAWAY ${resetName(code)}`);
    if (this.#load === 0) endSession(this.#session, this.#link.stream);
  }

  #onConnectionEnd(error: Error): void {
    if (this.#load > 0) return this.#lose(error);
    this.#failure ??= error;
    leaveSession(this.#session, this.#link);
  }

  #lose(error: Error): void {
    this.#failure ??= error;
    // The Link first: a session that still has a connection waits for its last bytes to go out.
    this.#link.reset(error);
    if (!this.#session.destroyed) this.#session.destroy(error);
  }
}

function closedError(cause: Error | undefined): TunlError {
  // With TLS 1.3 a server judges our certificate after we have taken the handshake for done.
  if (cause instanceof TunlError && cause.phase === 'tls') return cause.with({ side: 'hop' });
  const facts = { side: 'hop', phase: 'handshake', cause } as const;
  return new TunlError('http_response_incomplete', 'closed the connection before its HTTP/2 settings', facts);
}
