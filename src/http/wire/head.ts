import type { Duplex } from 'node:stream';
import { abortReason, throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';

/** Bytes of the first line that we read; RFC 9112, section 3, asks for at least 8000. */
const maxLineBytes = 8192;

/** What ended the reading of a head before it was complete. */
export type HeadFault = 'closed' | 'line_too_long' | 'too_large' | 'not_http';

/** A head could not be read. `received` holds the bytes that came, for a diagnosis. */
export class HeadError extends Error {
  readonly fault: HeadFault;
  readonly received: Buffer;

  constructor(fault: HeadFault, received: Buffer, cause?: unknown) {
    super(fault, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.received = received;
  }
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const horizontalTab = 0x09;

/**
 * Finds the end of a head byte by byte, so that what cannot be HTTP is known at once and not only
 * when its 16 KiB are full: a bare CR or LF, a control character, a first byte that starts no token.
 */
class HeadScanner {
  #position = 0;
  #lineLength = 0;
  #started = false;
  #afterReturn = false;
  #firstLine = true;
  #emptyLines = 0;
  readonly #prefix: string;
  readonly #lineBytes: number;
  readonly #isTolerant: boolean;

  constructor({ prefix = '', lineBytes = maxLineBytes, lines = 'strict' }: HeadTraits) {
    this.#prefix = prefix;
    this.#lineBytes = lineBytes;
    this.#isTolerant = lines === 'tolerant';
  }

  /** Looks at one more chunk. Returns the head's length in it, or -1 when it goes on. */
  scan(chunk: Buffer, maxHeadBytes: number): number | HeadFault {
    for (let at = 0; at < chunk.length; at++) {
      const fault = this.#take(chunk[at] as number);
      if (fault === 'end') return at + 1;
      if (fault !== undefined) return fault;
      if (++this.#position >= maxHeadBytes) return 'too_large';
    }
    return -1;
  }

  #take(byte: number): HeadFault | 'end' | undefined {
    // The parser judges the lines then; only their ends count here.
    if (this.#isTolerant && this.#expected === undefined) return this.#takeAny(byte);
    if (this.#afterReturn) {
      this.#afterReturn = false;
      return byte === lineFeed ? this.#endLine() : 'not_http';
    }
    if (byte === carriageReturn) {
      if (this.#started && this.#expected !== undefined) return 'not_http';
      this.#afterReturn = true;
      return undefined;
    }
    if ((byte < 0x20 && byte !== horizontalTab) || byte === 0x7f) return 'not_http';
    // The first byte is that of a method or of "HTTP/": a letter in everything that is in use.
    if (!this.#started && !isLetter(byte)) return 'not_http';
    if (this.#expected !== undefined && byte !== this.#expected) return 'not_http';
    this.#started = true;
    return this.#count();
  }

  #takeAny(byte: number): HeadFault | 'end' | undefined {
    if (byte === lineFeed) return this.#endLine();
    return byte === carriageReturn ? undefined : this.#count();
  }

  #count(): HeadFault | undefined {
    if (++this.#lineLength > this.#lineBytes) return this.#firstLine ? 'line_too_long' : 'too_large';
    return undefined;
  }

  /** The byte of the prefix that has to come next. */
  get #expected(): number | undefined {
    return this.#firstLine ? this.#prefix.codePointAt(this.#lineLength) : undefined;
  }

  #endLine(): HeadFault | 'end' | undefined {
    // Empty lines before the first line are to be ignored (RFC 9112, section 2.2), within reason.
    if (!this.#started) return ++this.#emptyLines > 4 ? 'not_http' : undefined;
    if (this.#lineLength === 0) return 'end';
    this.#lineLength = 0;
    this.#firstLine = false;
    return undefined;
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** What is known of a head before it comes. */
export interface HeadTraits {
  /** What its first line begins with. */
  readonly prefix?: string;
  /** Longest line; 8 KiB where absent. */
  readonly lineBytes?: number;
  /**
   * `tolerant`: behind the prefix a line ends with LF, with CR before it or without, and holds whatever it
   * holds; for what is not forwarded. Where absent, everything else than RFC 9112 allows is refused at once.
   */
  readonly lines?: 'strict' | 'tolerant';
}

/**
 * Reads one head, up to and with its empty line. Whatever follows it stays in the stream, which is
 * left paused; no byte is lost. A head that does not begin with `prefix` is not waited for.
 * @throws {HeadError} when the stream ends, is reset or holds something else
 * @throws {TunlError} the signal's reason
 */
export function readHead(
  stream: Duplex,
  maxHeadBytes: number,
  signal: AbortSignal,
  traits: HeadTraits = {},
): Promise<Buffer> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const scanner = new HeadScanner(traits);
    const chunks: Buffer[] = [];

    const settle = (act: () => void) => {
      stream.off('data', onData).off('end', onClosed).off('error', onError).off('close', onClosed);
      signal.removeEventListener('abort', onAbort);
      stream.pause();
      act();
    };
    const fail = (fault: HeadFault, cause?: unknown) =>
      settle(() => reject(new HeadError(fault, Buffer.concat(chunks), cause)));
    const onClosed = () => fail('closed');
    const onError = (error: Error) => fail('closed', error);
    const onAbort = () => settle(() => reject(abortReason(signal)));
    const onData = (chunk: Buffer) => {
      const end = scanner.scan(chunk, maxHeadBytes);
      chunks.push(end === -1 || typeof end === 'string' ? chunk : chunk.subarray(0, end));
      if (typeof end === 'string') return fail(end);
      if (end < 0) return;
      settle(() => {
        if (chunk.length > end) stream.unshift(chunk.subarray(end));
        resolve(Buffer.concat(chunks));
      });
    };

    if (stream.readableEnded || stream.destroyed) return fail('closed', stream.errored ?? undefined);
    stream.on('data', onData).on('end', onClosed).on('error', onError).on('close', onClosed);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.resume();
  });
}

/** A HeadError of a client's request, as the answer that it gets. */
export function requestHeadError(error: HeadError): TunlError {
  const facts = { side: 'client', phase: 'request', cause: error } as const;
  switch (error.fault) {
    case 'closed':
      return new TunlError('connection_terminated', 'the client closed the connection before its request', facts);
    case 'line_too_long':
      return new TunlError('http_request_error', 'the request line is too long', { ...facts, status: 414 });
    case 'too_large':
      return new TunlError('http_request_error', 'the request head is too large', { ...facts, status: 431 });
    case 'not_http':
      return new TunlError('http_request_error', 'the request is not HTTP/1.1', facts);
  }
}
