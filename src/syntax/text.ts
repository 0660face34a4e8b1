import { TunlError, usageError } from '../core/errors.ts';

/** The most characters of the user's text that a message repeats. */
const maxQuoted = 80;

// C0 and C1 controls, line breaks of Unicode, and marks that reorder text in a terminal.
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Makes a text safe for a terminal: one line without control characters. */
export function toPrintable(text: string): string {
  return text.replaceAll(unprintable, '?');
}

/** Makes a text printable and short, for a message or a record. */
export function toShort(text: string): string {
  const printable = toPrintable(text);
  return printable.length > maxQuoted ? `${printable.slice(0, maxQuoted - 3)}...` : printable;
}

/** Quotes a text in a message, printable and short. If it is a URL, its user and password are left out. */
export function quote(text: string): string {
  return `"${toShort(text.replace(/:\/\/.*@/s, '://***@'))}"`;
}

/** Writes `a, b and c`. */
export function listed(texts: readonly string[], last = 'and'): string {
  return texts.join(', ').replace(/, ([^,]*)$/, ` ${last} $1`);
}

/** Quotes a text in printable ASCII, short, for a message that may also stand in a header field. */
export function quoteAscii(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]|["\\]/g, '?');
  return `"${printable.length > 64 ? `${printable.slice(0, 61)}...` : printable}"`;
}

/** Writes a quoted string (RFC 9110, section 5.6.4). The text has no control characters. */
export function quoteString(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** Quotes a text as one word of a POSIX shell. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** True for the name of a field or a method (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** True if the text has a character that could end a line or a field, such as CR, LF or NUL. */
export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/**
 * Runs a parser of another folder, and turns its errors into errors about bad arguments.
 * @param whole the text as the user wrote it, which begins the message
 */
export function asUsage<T>(whole: string, parse: () => T, ...hints: string[]): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TunlError)) throw error;
    const message = error.message.includes(whole) ? error.message : `${whole}: ${error.message}`;
    throw usageError(message, ...hints, ...(error.facts.hints ?? []));
  }
}

/** Quotes a word without a password: an unknown word may be a URL that contains one. */
export function quoteSafely(word: string): string {
  return quote(word.replace(/^([^:/?#@]*:\/\/)?.*@/s, '***@'));
}
