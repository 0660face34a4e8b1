import { usageError } from '../core/errors.ts';
import { quote } from '../syntax/text.ts';

/** Names begin with a letter, so that they differ from ports, options and hidden files. */
const form = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;

/** True if a text can be the name of an instance. */
export function isInstanceName(text: string): boolean {
  return form.test(text);
}

/** Reads the name of an instance. @throws {TunlError} usage */
export function parseInstanceName(text: string): string {
  if (isInstanceName(text)) return text;
  throw usageError(
    `${quote(text)} is not a name for a tunl in the background`,
    'a name begins with a letter; letters, digits and . _ - may follow, up to 63 characters',
  );
}
