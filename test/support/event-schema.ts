import { readFileSync } from 'node:fs';
import { Ajv2020, type SchemaObject } from 'ajv/dist/2020.js';

const schema = JSON.parse(readFileSync(new URL('../../docs/events.schema.json', import.meta.url), 'utf8')) as {
  readonly oneOf: readonly { readonly $ref: string }[];
  readonly $defs: Readonly<Record<string, SchemaObject>>;
};

/** A line of --json. */
export type EventLine = Readonly<Record<string, unknown>> & { readonly event: string };

/** The definition of each event, by the name of the event. */
const definitions = new Map(
  schema.oneOf.map(({ $ref }) => {
    const definition = schema.$defs[$ref.replace('#/$defs/', '')] as SchemaObject;
    return [(definition['properties'] as { event: { const: string } }).event.const, definition] as const;
  }),
);

/** Names of all events that the schema documents. */
export const eventNames: readonly string[] = [...definitions.keys()];

/** The codes of failures that the schema documents. */
export const failureCodes: readonly string[] = (
  schema.$defs['failure'] as { properties: { code: { enum: readonly string[] } } }
).properties.code.enum;

const ajv = new Ajv2020({ allErrors: true, strictTypes: false, allowUnionTypes: true });
// Readers must ignore unknown fields, but we must not write a field that is not documented.
const validators = new Map(
  [...definitions].map(([name, definition]) => [
    name,
    ajv.compile({ ...definition, $defs: schema.$defs, unevaluatedProperties: false }),
  ]),
);
const validateLine = ajv.compile(schema);

/** Parses and checks the output of --json. @throws {Error} with the line and its fault */
export function readEvents(stderr: string): EventLine[] {
  const lines = stderr.split('\n');
  if (lines.pop() !== '') throw new Error(`the last line is not complete: ${stderr}`);
  return lines.map((line) => {
    const event = JSON.parse(line) as EventLine;
    const validate = validators.get(event.event);
    if (!validate) throw new Error(`there is no such event: ${line}`);
    for (const check of [validate, validateLine]) {
      if (!check(event)) throw new Error(`${ajv.errorsText(check.errors)}: ${line}`);
    }
    return event;
  });
}
