import { TunlError, usageError } from '../core/errors.ts';

/** Longest piece of the user's text that a message repeats. */
const maxQuoted = 80;

// C0 and C1 controls, and the marks that reorder what a terminal shows.
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text on one line, with nothing in it that a terminal would obey. */
export function toPrintable(text: string): string {
  return text.replaceAll(unprintable, '?');
}

/** The text as a message or a record repeats it: printable, and not long. */
export function toShort(text: string): string {
  const printable = toPrintable(text);
  return printable.length > maxQuoted ? `${printable.slice(0, maxQuoted - 3)}...` : printable;
}

/** The offending text as a message repeats it. */
export function quote(text: string): string {
  return `"${toShort(text)}"`;
}

/** True when the text holds a character that could end a line or a field, such as CR, LF or NUL. */
export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/**
 * Runs a parser of another folder and says what it refuses as bad arguments, with the text that it
 * was a part of in front.
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
