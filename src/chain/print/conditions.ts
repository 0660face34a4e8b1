import type { FieldMatch, TextMatch } from '../model/graph.ts';
import { comparisons } from '../read/http/match.ts';
import type { ConditionConfig } from '../read/http/schema.ts';
import type { TextConditionConfig } from '../read/screens/schema.ts';
import { escapeVariables } from '../read/secrets.ts';
import { unwrap } from './route.ts';

/** Writes conditions on fields as in a file. */
export function toFieldConfig(fields: readonly FieldMatch[]): Record<string, ConditionConfig | ConditionConfig[]> {
  const names = [...new Set(fields.map(({ name }) => name))];
  return Object.fromEntries(
    names.map((name) => [name, unwrap(fields.filter((field) => field.name === name).map(toCondition))]),
  );
}

function toCondition({ value, invert = false }: FieldMatch): ConditionConfig {
  if (!value) return !invert;
  const comparison = toTextConfig(value);
  if (invert) return { not: comparison };
  return comparison;
}

/** Writes a condition on a text as in a file. */
export function toTextConfig({ kind, value }: TextMatch): TextConditionConfig {
  const text = escapeVariables(value);
  return kind === comparisons[0] ? text : { [kind]: text };
}
