import type { FieldChange, FieldChanges } from '../../chain/model/http.ts';
import { valueLists } from '../../syntax/format/field-changes.ts';
import type { FieldWriter } from './fields.ts';
import type { Tree } from './terms.ts';

const actions = {
  set: 'OVERWRITE_IF_EXISTS_OR_ADD',
  setPresent: 'OVERWRITE_IF_EXISTS',
  add: 'APPEND_IF_EXISTS_OR_ADD',
  addAbsent: 'ADD_IF_ABSENT',
} as const satisfies Record<(typeof valueLists)[number], string>;

/** Makes the fields with which Envoy changes the fields of requests and answers. */
export function toHeaderChanges({ request, response }: FieldChanges = {}): Tree {
  return { ...toChange('request', request), ...toChange('response', response) };
}

/** Makes the list of the fields that are written into messages. */
export function toHeaderOptions(change: Omit<FieldChange, 'remove'>): Tree[] {
  return valueLists.flatMap((list) =>
    (change[list] ?? []).map(({ name, value, keepEmpty }) => ({
      header: { key: name, value },
      ...(list !== 'add' && { append_action: actions[list] }),
      ...(keepEmpty && { keep_empty_value: true }),
    })),
  );
}

function toChange(of: keyof FieldChanges, change: FieldChange | undefined): Tree {
  const options = toHeaderOptions(change ?? {});
  return {
    ...(options.length > 0 && { [`${of}_headers_to_add`]: options }),
    ...(change?.remove && { [`${of}_headers_to_remove`]: change.remove }),
  };
}

/** Normalises changes: names in lower case, and values that may be secret as variables, which Envoy reads. */
export function normaliseChanges(
  changes: FieldChanges | undefined,
  fields: FieldWriter,
): { readonly changes?: FieldChanges } {
  const entries = (['request', 'response'] as const).flatMap((of) => {
    const change = changes?.[of];
    return change ? [[of, normaliseChange(change, fields)] as const] : [];
  });
  return entries.length === 0 ? {} : { changes: Object.fromEntries(entries) };
}

function normaliseChange({ remove, ...lists }: FieldChange, fields: FieldWriter): FieldChange {
  return { ...(remove && remove.length > 0 && { remove }), ...normaliseWritten(lists, fields) };
}

/** Normalises the fields that are written into messages. */
export function normaliseWritten(lists: Omit<FieldChange, 'remove'>, fields: FieldWriter): Omit<FieldChange, 'remove'> {
  const values = valueLists.flatMap((list) => {
    const own = lists[list]?.map((field) => ({ ...field, value: fields.writeFormat(field) }));
    return own && own.length > 0 ? [[list, own] as const] : [];
  });
  return Object.fromEntries(values);
}
