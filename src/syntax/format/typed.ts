/** Control characters and line breaks that JSON does not escape. */
const later = /[\u007f-\u009f\u2028\u2029]/g;

/** Writes a value as JSON on one line. */
export function writeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(later, toUnicode);
}

/** Writes a character as JSON escapes it. */
export function toUnicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The value of an operator that is JSON in a text, and part of a line that is JSON itself. */
export class TypedValue {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  toString(): string {
    return writeJson(this.value);
  }
}
