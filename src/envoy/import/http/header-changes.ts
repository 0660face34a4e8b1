import type { FieldChange, FieldChanges, FieldValue } from '../../../chain/model/http.ts';
import type { Path } from '../../../chain/read/document.ts';
import { escapeVariables } from '../../../chain/read/secrets.ts';
import { isSecretField } from '../../../core/secret.ts';
import { assertChangeable, type Changed, parseFieldValue, valueLists } from '../../../syntax/format/field-changes.ts';
import { quote } from '../../../syntax/text.ts';
import type { HeaderChangesMessage, HeaderOptionMessage } from '../../schema/http/header-option.ts';
import type { BootstrapDiagnostics } from '../diagnostics.ts';

type ListName = (typeof valueLists)[number];

const lists = {
  APPEND_IF_EXISTS_OR_ADD: 'add',
  ADD_IF_ABSENT: 'addAbsent',
  OVERWRITE_IF_EXISTS_OR_ADD: 'set',
  OVERWRITE_IF_EXISTS: 'setPresent',
} as const satisfies Record<string, ListName>;

/** Reads what a route configuration, a virtual host or a route changes in the fields of requests and answers. */
export function readHeaderChanges(
  words: HeaderChangesMessage,
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly changes?: FieldChanges } {
  const entries = (['request', 'response'] as const).flatMap((of) => {
    const change = readChange(words, of, path, reading);
    return change ? [[of, change] as const] : [];
  });
  return entries.length === 0 ? {} : { changes: Object.fromEntries(entries) };
}

function readChange(
  words: HeaderChangesMessage,
  of: Changed,
  path: Path,
  reading: BootstrapDiagnostics,
): FieldChange | undefined {
  const [addKey, removeKey] = [`${of}_headers_to_add`, `${of}_headers_to_remove`] as const;
  const remove = (words[removeKey] ?? []).flatMap((name, index) => {
    const isRight = reading.attempts.run([...path, removeKey, index], () => (assertChangeable(name), true));
    return isRight ? [name.toLowerCase()] : [];
  });
  const written = readHeaderOptions(words[addKey] ?? [], [...path, addKey], of, reading);
  if (remove.length + Object.keys(written).length === 0) return undefined;
  return { ...(remove.length > 0 && { remove }), ...written };
}

/** Reads the fields that are written into messages. */
export function readHeaderOptions(
  options: readonly HeaderOptionMessage[],
  path: Path,
  of: Changed,
  reading: BootstrapDiagnostics,
): Omit<FieldChange, 'remove'> {
  const given = options.flatMap((option, index) => readOption(option, of, [...path, index], reading) ?? []);
  assertOrder(given, reading);
  const values = valueLists.flatMap((list) => {
    const own = given.flatMap((one) => (one.list === list ? [one.value] : []));
    return own.length === 0 ? [] : [[list, groupByName(own)] as const];
  });
  return Object.fromEntries(values);
}

interface Given {
  readonly list: ListName;
  readonly value: FieldValue;
  readonly path: Path;
}

function readOption(
  { header, append, append_action: action, keep_empty_value: keepEmpty = false }: HeaderOptionMessage,
  of: Changed,
  path: Path,
  reading: BootstrapDiagnostics,
): Given | undefined {
  const { key, value: text = '' } = header;
  if (append !== undefined && action !== undefined && action !== 'APPEND_IF_EXISTS_OR_ADD') {
    reading.add([...path, 'append'], 'append does not go with append_action', 'leave append out');
  }
  const list = lists[append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : (action ?? 'APPEND_IF_EXISTS_OR_ADD')];
  const isRight = reading.attempts.run([...path, 'header', 'key'], () => (assertChangeable(key), true));
  const format = reading.attempts.run([...path, 'header', 'value'], () => parseFieldValue(text, of));
  if (!isRight || !format) return undefined;
  const value: FieldValue = { name: key.toLowerCase(), value: text, ...(keepEmpty && { keepEmpty }) };
  if (!isSecretField(value.name) && !text.startsWith('file:')) reading.sources.set(value, escapeVariables(text));
  return { list, value, path };
}

/** Refuses two ways to write one field whose order matters and is not that of tunl. */
function assertOrder(given: readonly Given[], reading: BootstrapDiagnostics): void {
  for (const [first, second] of [
    ['setPresent', 'set'],
    ['addAbsent', 'add'],
  ] as const) {
    const later = given.find(
      ({ list, value }, index) =>
        list === second && given.slice(0, index).some((one) => one.list === first && one.value.name === value.name),
    );
    if (later) {
      reading.add(
        later.path,
        `${quote(later.value.name)} is written in two ways, and tunl takes them in the other order`,
        'put this one before the other',
      );
    }
  }
}

/** Puts values for one field together; the order of different fields means nothing. */
function groupByName(values: readonly FieldValue[]): FieldValue[] {
  const names = [...new Set(values.map(({ name }) => name))];
  return names.flatMap((name) => values.filter((value) => value.name === name));
}
