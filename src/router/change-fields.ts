import type { HeaderField } from '../core/hop.ts';
import { isSafeField } from '../http/wire/message.ts';
import { type Changed, type FieldChange, parseFieldValue, valueLists } from '../syntax/format/field-changes.ts';
import { type Format, type FormatFacts, writeValue } from '../syntax/format/format.ts';
import { withField } from './connection-fields.ts';

/** Changes the fields of a message. `describe` gives the facts for operators, from the fields as they are by then. */
export type ChangeFields = (
  fields: readonly HeaderField[],
  describe: (fields: readonly HeaderField[]) => FormatFacts,
) => HeaderField[];

/**
 * Makes the changer for the changes of several levels, which are made one after the other.
 * @throws {TunlError} usage, if a value is not valid
 */
export function createChangeFields(changes: readonly FieldChange[], of: Changed): ChangeFields {
  const steps = changes.map((change) => compile(change, of));
  return (fields, describe) => steps.reduce((current, step) => step(current, describe), [...fields]);
}

interface Compiled {
  readonly name: string;
  readonly format: Format;
  readonly keepEmpty: boolean;
}

function compile(change: FieldChange, of: Changed): ChangeFields {
  const removed = new Set(change.remove);
  const [set, setPresent, add, addAbsent] = valueLists.map((list) =>
    (change[list] ?? []).map(({ name, value, keepEmpty = false }) => ({
      name,
      format: parseFieldValue(value, of),
      keepEmpty,
    })),
  ) as [Compiled[], Compiled[], Compiled[], Compiled[]];
  const writes = valueLists.some((list) => (change[list] ?? []).length > 0);
  return (fields, describe) => {
    const kept = fields.filter(([name]) => !removed.has(name));
    if (!writes) return kept;
    const facts = describe(kept);
    const isThere = ({ name }: Compiled) => kept.some((field) => field[0] === name);
    const write = (values: readonly Compiled[]) => values.flatMap((value) => writeField(value, facts));
    const replacing = write([...set, ...setPresent.filter(isThere)]);
    const added = write([...add, ...addAbsent.filter((value) => !isThere(value))]);
    return [...replacing.reduce(withField, kept), ...added];
  };
}

/** Writes a field, unless its value is empty or the values of operators make it one that cannot be sent. */
function writeField({ name, format, keepEmpty }: Compiled, facts: FormatFacts): HeaderField[] {
  const field: HeaderField = [name, writeValue(format, facts)];
  return (field[1] !== '' || keepEmpty) && isSafeField(field) ? [field] : [];
}
