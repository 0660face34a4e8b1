import type { Path } from '../../chain/read/document.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';

/** Refuses a message that does not have exactly one of the given fields. */
export function assertOne<T extends object>(
  path: Path,
  words: T,
  fields: readonly (keyof T & string)[],
  reading: BootstrapDiagnostics,
): void {
  if (!fields.some((field) => words[field] !== undefined)) reading.add(path, `one of ${fields.join(', ')} is missing`);
  assertAtMostOne(path, words, fields, reading);
}

/** Refuses a message that has more than one of the given fields. */
export function assertAtMostOne<T extends object>(
  path: Path,
  words: T,
  fields: readonly (keyof T & string)[],
  reading: BootstrapDiagnostics,
): void {
  const [first, second] = fields.filter((field) => words[field] !== undefined);
  if (second !== undefined)
    reading.add([...path, second], `${second} does not go with ${first}`, 'leave one of them out');
}
