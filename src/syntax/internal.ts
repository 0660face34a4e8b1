import type { InternalAddress } from '../core/address.ts';
import { usageError } from '../core/errors.ts';
import { quote } from './text.ts';

const scheme = 'internal://';

/** True for a text that is meant to name a stage of this process, valid or not. */
export function isInternal(text: string): boolean {
  return text.startsWith(scheme);
}

/**
 * Reads `internal://NAME`: letters, digits, `_`, `-` and single dots.
 * @throws {TunlError} usage
 */
export function parseInternal(text: string): InternalAddress {
  const name = text.slice(scheme.length);
  if (isInternal(text) && /^[\w-]+(?:\.[\w-]+)*$/.test(name)) return { kind: 'internal', name };
  throw usageError(`${quote(text)} does not name a stage`, 'write internal://NAME with the name of a stage alone');
}
