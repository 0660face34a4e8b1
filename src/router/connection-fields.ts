import type { HeaderField } from '../core/hop.ts';
import { isSafeField, listTokens, trimBlanks } from '../http/wire/message.ts';

/** Fields that belong to one connection; the next one has its own framing of bodies. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Options of `Connection` that are not names of fields, or of fields that other rules handle. */
const options: ReadonlySet<string> = new Set(['close', 'keep-alive', 'te', 'upgrade', 'content-length']);

/** Lists the fields that `Connection` restricts to this connection, in lower case. */
export function nominatedFields(headers: readonly HeaderField[]): ReadonlySet<string> {
  return new Set(listTokens(headers, 'connection').filter((name) => !options.has(name)));
}

/** Keeps the fields that may be passed on (RFC 9110, section 7.6.1). */
export function keepEndToEnd(headers: readonly HeaderField[]): HeaderField[] {
  const named = nominatedFields(headers);
  return headers.filter(([name]) => !connectionFields.has(name) && !named.has(name));
}

/** Removes blanks around values, which HTTP/2 does not allow (RFC 9113, section 8.2.1): operators may leave some. */
export function trimValues(fields: readonly HeaderField[]): HeaderField[] {
  return fields.map(([name, value]) => [name, trimBlanks(value)]);
}

/** Fields that are not allowed in trailers: merged into the head they would change the message (RFC 9110, section 6.5.1). */
const headOnly: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'max-forwards',
  'content-length',
  'host',
  'trailer',
  'te',
  'content-encoding',
  'content-type',
]);

/** Keeps the trailers that may be passed on. */
export function keepTrailers(trailers: readonly HeaderField[]): HeaderField[] {
  return keepEndToEnd(trailers).filter((field) => !headOnly.has(field[0]) && isSafeField(field));
}

/** Puts a field in the place of all those with its name, at the end. The names must be in lower case. */
export function withField(headers: readonly HeaderField[], field: HeaderField): HeaderField[] {
  return [...headers.filter(([name]) => name !== field[0]), field];
}
