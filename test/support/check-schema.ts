import { readFileSync } from 'node:fs';
import { Ajv2020, type SchemaObject } from 'ajv/dist/2020.js';

const schema = JSON.parse(
  readFileSync(new URL('../../docs/check.schema.json', import.meta.url), 'utf8'),
) as SchemaObject & { readonly $defs: { readonly verdict: SchemaObject } };

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
// Readers must ignore unknown fields, but we must not write a field that is not documented.
const verdict = { ...schema.$defs.verdict, additionalProperties: false };
const validate = ajv.compile({ ...schema, $defs: { verdict }, additionalProperties: false });

/** Checks a report of `check --json`. Returns its faults, or nothing. */
export function validateReport(report: unknown): string {
  return validate(report) ? '' : ajv.errorsText(validate.errors);
}
