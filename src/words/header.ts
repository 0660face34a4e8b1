import { usageError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { isToken } from '../http/message.ts';
import { hasControl, quote } from './text.ts';

/** RFC 9110, section 7.2, or an operator whose value will be one. */
const host = /^(?:\[[\da-f:.]+\]|[\w.~%!$&'()*+;=-]*)(?::\d{0,5})?$/i;

/** Fields that say where a request ends or whom it is for: a second one would make it mean two things. */
const ours: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
]);

/**
 * Reads `Name: value`. The value is not repeated in messages: it may be a token.
 * @throws {TunlError} usage
 */
export function parseHeader(text: string, where: string): HeaderField {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1).trim();
  if (!isToken(name)) {
    const what = colon > 0 ? `${quote(name)} is not the name of a header` : 'a header without a name';
    throw usageError(`${where}: ${what}`, "write 'Name: value'");
  }
  if (hasControl(value)) throw usageError(`${where}: the value of ${name} holds a control character`);
  if (ours.has(name.toLowerCase())) throw usageError(`${where}: ${name} is set by tunl itself`);
  if (name.toLowerCase() === 'host' && !host.test(value)) throw usageError(`${where}: the value of Host is not a host`);
  return [name, value];
}
