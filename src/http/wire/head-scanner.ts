/** The longest first line that we read, in bytes; RFC 9112, section 3, asks for at least 8000. */
const maxLineBytes = 8192;

/** The reason why a head could not be read to its end. */
export type HeadFault = 'closed' | 'line_too_long' | 'too_large' | 'not_http';

/** The form of a head, as far as it is known before it arrives. */
export interface HeadShape {
  /** The text that its first line must begin with. */
  readonly prefix?: string;
  /** The longest line in bytes; 8 KiB if absent. */
  readonly lineBytes?: number;
  /**
   * `tolerant` accepts any bytes after the prefix, and lines that end with LF, with or without CR before it; only for
   * heads that are not forwarded. If absent, everything that RFC 9112 does not allow is refused at once.
   */
  readonly lines?: 'strict' | 'tolerant';
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const horizontalTab = 0x09;

/**
 * Finds the end of a head byte by byte, so that bytes that cannot be HTTP are refused at once and not only after 16
 * KiB: a bare CR or LF, a control character, or a first byte that cannot start a token.
 */
export class HeadScanner {
  #position = 0;
  #lineLength = 0;
  #started = false;
  #afterReturn = false;
  #firstLine = true;
  #emptyLines = 0;
  readonly #prefix: string;
  readonly #lineBytes: number;
  readonly #isTolerant: boolean;

  constructor({ prefix = '', lineBytes = maxLineBytes, lines = 'strict' }: HeadShape) {
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
export function findWholeHead(
  chunk: Buffer,
  maxHeadBytes: number,
  { prefix, lineBytes }: HeadShape,
): number | undefined {
  if (prefix !== undefined || maxHeadBytes < usualBytes || (lineBytes ?? usualBytes) < usualBytes) return undefined;
  const end = chunk.indexOf(headEnd) + headEnd.length;
  if (end < headEnd.length || end >= usualBytes) return undefined;
  return strictHead.test(chunk.toString('latin1', 0, end)) ? end : undefined;
}
