import { usageError } from '../../../core/errors.ts';
import { isSecretField } from '../../../core/secret.ts';
import { assertChangeable, type Changed, parseFieldValue, valueLists } from '../../../syntax/format/field-changes.ts';
import { asUsage } from '../../../syntax/text.ts';
import type { FieldChange, FieldChanges, FieldValue } from '../../model/http.ts';
import type { Path } from '../document.ts';
import type { ChangeConfig, ChangesConfig, ValueConfig } from '../http/schema.ts';
import { readFormat } from '../hop.ts';
import type { RouteReader } from '../route.ts';
import { isReference } from '../secrets.ts';

/** The keys of the two changes in a file. */
export const changeKeys = { request: 'request-headers', response: 'response-headers' } as const;

/** The keys of the lists of values in a file. */
export const listKeys = {
  set: 'set',
  setPresent: 'set-present',
  add: 'add',
  addAbsent: 'add-absent',
} as const satisfies Record<(typeof valueLists)[number], string>;

/** Reads what a stage, a host or a route changes in the fields of requests and answers. */
export function readChanges(path: Path, words: ChangesConfig, reader: RouteReader): { changes?: FieldChanges } {
  const entries = (['request', 'response'] as const).flatMap((of) => {
    const config = words[changeKeys[of]];
    return config ? [[of, readChange([...path, changeKeys[of]], config, of, reader)] as const] : [];
  });
  return entries.length === 0 ? {} : { changes: Object.fromEntries(entries) };
}

function readChange(path: Path, words: ChangeConfig, of: Changed, reader: RouteReader): FieldChange {
  const { attempts } = reader;
  if (Object.keys(words).length === 0) {
    attempts.add(path, 'this changes nothing', `add remove, ${Object.values(listKeys).join(', ')}`);
  }
  const remove = attempts.runEach([...path, 'remove'], words.remove, (name) => {
    assertChangeable(name);
    return name.toLowerCase();
  });
  return { ...(remove.length > 0 && { remove }), ...readLists(path, words, of, reader) };
}

/** Reads the fields that a change writes. */
export function readLists(
  path: Path,
  words: Omit<ChangeConfig, 'remove'>,
  of: Changed,
  reader: RouteReader,
): Omit<FieldChange, 'remove'> {
  const lists = valueLists.flatMap((list) => {
    const key = listKeys[list];
    const values = Object.entries(words[key] ?? {}).flatMap(([name, given]) =>
      reader.attempts.runEach([...path, key, name], given, (value) => readValue(name, value, of, reader)),
    );
    return values.length === 0 ? [] : [[list, values] as const];
  });
  return Object.fromEntries(lists);
}

function readValue(written: string, words: ValueConfig, of: Changed, reader: RouteReader): FieldValue {
  const { value: text, 'keep-empty': keepEmpty = false } = typeof words === 'string' ? { value: words } : words;
  assertChangeable(written);
  const name = written.toLowerCase();
  if (isSecretField(name) && !isReference(text) && !/\$\{|%/.test(text)) {
    throw usageError(
      `the value of ${written} is in plain text`,
      'write ${NAME} for an environment variable, or file:PATH',
    );
  }
  const value = readFormat(written, text, reader);
  asUsage(written, () => parseFieldValue(value, of));
  const field: FieldValue = { name, value, ...(keepEmpty && { keepEmpty }) };
  reader.sources.set(field, text);
  return field;
}
