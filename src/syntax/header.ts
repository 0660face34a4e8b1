import { resolve } from 'node:path';
import { usageError } from '../core/errors.ts';
import type { HeaderField } from '../core/hop.ts';
import { readSecretFile } from './password-file.ts';
import { hasControl, isToken, quote } from './text.ts';

/** A host as `Host` has it (RFC 9110, section 7.2), or with operators whose values will make one. */
const host = /^(?:\[[\da-f:.]+\]|[\w.~%!$&'()*+;=-]*)(?::\d{0,5})?$/i;

/** Fields about the length or the connection of a request: a second one would make it ambiguous. */
const ours: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
]);

/**
 * Reads `Name: value`, or with `@FILE` the fields of a file, one on each line: this keeps a token out of the list of
 * processes and the history of the shell. A relative path starts from `folder`.
 * @throws {TunlError} usage, never with contents of the file
 */
export function parseHeaders(text: string, where: string, folder = '.'): HeaderField[] {
  if (!text.startsWith('@')) return [parseHeader(text, where)];
  const path = text.slice(1);
  if (path === '-')
    throw usageError(`${where}: stdin is not read for headers`, 'write @FILE, or @/dev/fd/3 and 3<FILE');
  const lines = readSecretFile(resolve(folder, path), `${where}: cannot read`, 'one header a line');
  const fields = lines.flatMap((line, index) =>
    line === '' ? [] : [parseLine(line, `line ${index + 1} of ${quote(path)}`, where)],
  );
  if (fields.length === 0) throw usageError(`${where}: ${quote(path)} holds no header`, "write 'Name: value' into it");
  return fields;
}

/** Reads a line of a file. Messages repeat only a name that has a value, since a bare line may be a token. */
function parseLine(line: string, place: string, where: string): HeaderField {
  if (!isToken(line.slice(0, Math.max(line.indexOf(':'), 0)))) {
    throw usageError(
      `${where}: ${place} is not a header`,
      "write 'Name: value', such as Proxy-Authorization: Bearer TOKEN",
    );
  }
  return parseHeader(line, where);
}

/**
 * Reads `Name: value`. Messages do not repeat the value, which may be a token.
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
