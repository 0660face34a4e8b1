import type { Duplex } from 'node:stream';
import { abortReason, type Limit, startTimer, throwIfAborted } from '../../core/deadline.ts';
import { TunlError } from '../../core/errors.ts';

/** The longest first line that we read, in bytes; RFC 9112, section 3, asks for at least 8000. */
const maxLineBytes = 8192;

/** The reason why a head could not be read to its end. */
export type HeadFault = 'closed' | 'line_too_long' | 'too_large' | 'not_http';

/** Thrown when a head could not be read. `received` holds the bytes that arrived, for a diagnosis. */
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
 * Finds the end of a head byte by byte, so that bytes that cannot be HTTP are refused at once and not only after 16
 * KiB: a bare CR or LF, a control character, or a first byte that cannot start a token.
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

  /** Scans one more chunk. Returns the length of the head's part of it, or -1 if the head continues. */
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
    // The parser checks such lines later; only their ends matter here.
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
    // The first byte belongs to a method or to "HTTP/"; all methods in use start with a letter.
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

  /** The byte of the prefix that must come next. */
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

const headEnd = Buffer.from('\r\n\r\n', 'latin1');

/** The most bytes of a head that may be shorter than every limit. */
const usualBytes = 1024;

const strictHead = /^[A-Za-z][\t\x20-\x7e\x80-\xff]*(?:\r\n[\t\x20-\x7e\x80-\xff]+)*\r\n\r\n$/;

/**
 * Finds the end of a head that arrived whole, as almost all do; undefined if the scanner must decide. It accepts
 * nothing that the scanner would not, and saves it thousands of steps.
 */
function findWholeHead(chunk: Buffer, maxHeadBytes: number, { prefix, lineBytes }: HeadTraits): number | undefined {
  if (prefix !== undefined || maxHeadBytes < usualBytes || (lineBytes ?? usualBytes) < usualBytes) return undefined;
  const end = chunk.indexOf(headEnd) + headEnd.length;
  if (end < headEnd.length || end >= usualBytes) return undefined;
  return strictHead.test(chunk.toString('latin1', 0, end)) ? end : undefined;
}

/** The properties of a head that are known before it arrives. */
export interface HeadTraits {
  /** The text that its first line must begin with. */
  readonly prefix?: string;
  /** The longest line in bytes; 8 KiB if absent. */
  readonly lineBytes?: number;
  /**
   * `tolerant` accepts any bytes after the prefix, and lines that end with LF, with or without CR before it; only for
   * heads that are not forwarded. If absent, everything that RFC 9112 does not allow is refused at once.
   */
  readonly lines?: 'strict' | 'tolerant';
  /** The time that the head may take, and the words for a head that took longer; none if absent. */
  readonly late?: { readonly limit: Limit; readonly what: string };
}

/**
 * Reads one head, including its empty line. The bytes after it stay in the stream, which is left paused; no byte is
 * lost. A head that does not begin with `prefix` is refused at once.
 * @throws {HeadError} if the stream ends, is reset or holds something else
 * @throws {TunlError} the signal's reason, or the error of the limit
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
      clearTimeout(timer);
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
      const end =
        (chunks.length === 0 ? findWholeHead(chunk, maxHeadBytes, traits) : undefined) ??
        scanner.scan(chunk, maxHeadBytes);
      chunks.push(end === -1 || typeof end === 'string' ? chunk : chunk.subarray(0, end));
      if (typeof end === 'string') return fail(end);
      if (end < 0) return;
      settle(() => {
        if (chunk.length > end) stream.unshift(chunk.subarray(end));
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
      });
    };

    const { late } = traits;
    const timer = late && startTimer(late.limit, late.what, (error) => settle(() => reject(error)));
    if (stream.readableEnded || stream.destroyed) return fail('closed', stream.errored ?? undefined);
    stream.on('data', onData).on('end', onClosed).on('error', onError).on('close', onClosed);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.resume();
  });
}

/** Turns the HeadError of a client's request into the error that it is answered with. */
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
