import type { HeaderField } from '../core/hop.ts';
import { fieldValues, isSafeField } from '../http/message.ts';

/** Fields that belong to one connection; how a body is framed is chosen anew for the next one. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Options of `Connection` that are no names of fields, or of fields with rules of their own. */
const options: ReadonlySet<string> = new Set(['', 'close', 'keep-alive', 'te', 'upgrade', 'content-length']);

/** The fields that `Connection` says are for this connection only, in lower case. */
export function nominatedFields(headers: readonly HeaderField[]): ReadonlySet<string> {
  const named = fieldValues(headers, 'connection').flatMap((value) =>
    value.split(',').map((name) => name.trim().toLowerCase()),
  );
  return new Set(named.filter((name) => !options.has(name)));
}

/** The fields that go beyond one connection (RFC 9110, section 7.6.1). */
export function keepEndToEnd(headers: readonly HeaderField[]): HeaderField[] {
  const named = nominatedFields(headers);
  return headers.filter(([name]) => !connectionFields.has(name) && !named.has(name));
}

/** What trailers must not say: whoever adds them to the head would read another message (RFC 9110, section 6.5.1). */
const headOnly: ReadonlySet<string> = new Set([
  'content-length',
  'host',
  'trailer',
  'te',
  'content-encoding',
  'content-type',
]);

/** Trailers as they go on. */
export function keepTrailers(trailers: readonly HeaderField[]): HeaderField[] {
  return keepEndToEnd(trailers).filter((field) => !headOnly.has(field[0]) && isSafeField(field));
}
