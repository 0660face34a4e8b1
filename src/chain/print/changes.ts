import { type FieldChange, type FieldChanges, type FieldValue, valueLists } from '../../syntax/format/field-changes.ts';
import { changeKeys, listKeys } from '../read/headers/changes.ts';
import type { ChangeConfig, ChangesConfig, ValueConfig } from '../read/http/schema.ts';
import type { SecretNames } from '../read/secret-names.ts';
import { escapeVariables } from '../read/secrets.ts';
import { unwrap } from './route.ts';

/** Writes what a stage, a host or a route changes in fields as in a file. */
export function toChangesConfig(changes: FieldChanges | undefined, names: SecretNames): ChangesConfig {
  const { request, response } = changes ?? {};
  return {
    ...(request && { [changeKeys.request]: toChangeConfig(request, names) }),
    ...(response && { [changeKeys.response]: toChangeConfig(response, names) }),
  };
}

function toChangeConfig(change: FieldChange, names: SecretNames): ChangeConfig {
  return { ...(change.remove && { remove: unwrap(change.remove) }), ...toListsConfig(change, names) };
}

/** Writes the fields that a change writes as in a file. */
export function toListsConfig(change: Omit<FieldChange, 'remove'>, names: SecretNames): Omit<ChangeConfig, 'remove'> {
  const lists = valueLists.flatMap((list) => {
    const values = change[list];
    return values ? [[listKeys[list], toValues(values, names)] as const] : [];
  });
  return Object.fromEntries(lists);
}

function toValues(values: readonly FieldValue[], names: SecretNames): ChangeConfig['set'] {
  const own = [...new Set(values.map(({ name }) => name))];
  return Object.fromEntries(
    own.map((name) => [name, unwrap(values.filter((value) => value.name === name).map((one) => toValue(one, names)))]),
  );
}

function toValue(field: FieldValue, names: SecretNames): ValueConfig {
  const value = names.find(field) ?? escapeVariables(field.value);
  return field.keepEmpty ? { value, 'keep-empty': true } : value;
}
