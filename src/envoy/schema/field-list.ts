import * as z from 'zod';
import { bootstrap } from './bootstrap.ts';
import { factsOf, typesOf, valuesOf } from './proto.ts';
import { refusedExtensions } from './extensions.ts';
import type { Refusal } from './refusals.ts';

const head = `# What of an Envoy file runs

\`tunl chain -c envoy.yaml\` reads a bootstrap file of Envoy, in YAML or JSON, with its fields in snake case or camel case. This list is
made from what the program reads. Where a field makes no difference, \`-v\` names it; where somebody may count on it and it has no
effect, that is always said. Other fields of Envoy are refused with their place, as are fields that Envoy does not have, unless
\`--allow-unknown-fields\` is given. What is refused has its reason here and, in brackets, what runs instead; the message says
the same. As in Envoy, a single value may stand in the place of a list, and a \`TypedStruct\` in the place
of the message that it describes.
`;

/** Describes the support for each of Envoy's fields, as a Markdown page. */
export function listFields(): string {
  const sections = listMessages(bootstrap).map((form) => describeMessage(form));
  return [head, ...sections, describeExtensions()].join('\n');
}

/** Lists the extensions that are refused by name. What is neither here nor among the types of a field is unknown. */
function describeExtensions(): string {
  return ['## Extensions that are refused', '', ...listReasons(refusedExtensions).map(formatReason), ''].join('\n');
}

function describeMessage(form: z.ZodObject): string {
  const { name = '', ignored = [], missed = [], refused = new Map<string, Refusal>() } = factsOf(form) ?? {};
  const fields = Object.entries(form.shape).map(([field, inner]) => [field, unwrap(inner as z.ZodType)] as const);
  const types = fields.flatMap(([field, inner]) =>
    listLine(`types of \`${field}\``, Object.keys(typesOf(inner) ?? {})),
  );
  const rows = [
    ...listLine('runs', Object.keys(form.shape)),
    ...listLine('makes no difference', ignored),
    ...listLine('has no effect', missed),
    ...listReasons(refused).map(formatReason),
    ...fields.flatMap(([field, inner]) => listValues(field, inner)),
    ...types,
  ];
  return [`## ${name}`, '', ...(rows.length === 0 ? ['It has no fields.'] : rows), ''].join('\n');
}

function listLine(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`- ${what}: ${quoteAll(names)}`];
}

/** Lists the values of a field that has few, if some of them are refused. */
function listValues(field: string, form: z.ZodType): string[] {
  const { runs = [], refused = new Map<string, Refusal>() } = valuesOf(form) ?? {};
  if (refused.size === 0) return [];
  const reasons = listReasons(refused).map(
    ({ why, instead, names }) => `${quoteAll(names)} refused, because ${why} (${instead})`,
  );
  return [`- values of \`${field}\`: ${quoteAll(runs)} run; ${reasons.join('; ')}`];
}

/** A reason, and what is refused for it. */
type Reason = Refusal & { readonly names: readonly string[] };

function formatReason({ why, instead, names }: Reason): string {
  return `- is refused, because ${why} (${instead}): ${quoteAll(names)}`;
}

/** Lists the reasons for which names are refused, each with its names. */
function listReasons(refused: ReadonlyMap<string, Refusal>): readonly Reason[] {
  const reasons = [...new Set(refused.values())];
  return reasons.map((reason) => ({
    ...reason,
    names: [...refused].flatMap(([name, own]) => (own === reason ? [name] : [])),
  }));
}

function quoteAll(fields: readonly string[]): string {
  return fields.map((field) => `\`${field}\``).join(' ');
}

/** Lists a message and all messages that it can contain, each once and outer ones first. */
export function listMessages(form: z.ZodType, found: Set<z.ZodObject> = new Set()): readonly z.ZodObject[] {
  const inner = listInner(form);
  if (form instanceof z.ZodObject && factsOf(form)) {
    if (found.has(form)) return [];
    found.add(form);
  }
  for (const next of inner) listMessages(next, found);
  return [...found];
}

/** Returns the schema of a field's value, without `optional`; for a map, the schema of its values. */
function unwrap(form: z.ZodType): z.ZodType {
  if (form instanceof z.ZodOptional) return unwrap(form.unwrap() as z.ZodType);
  return form instanceof z.ZodRecord ? unwrap(form.valueType as z.ZodType) : form;
}

function listInner(form: z.ZodType): readonly z.ZodType[] {
  if (form instanceof z.ZodOptional) return [form.unwrap() as z.ZodType];
  if (form instanceof z.ZodArray) return [form.element as z.ZodType];
  if (form instanceof z.ZodRecord) return [form.valueType as z.ZodType];
  if (form instanceof z.ZodObject) return Object.values(form.shape) as z.ZodType[];
  return Object.values(typesOf(form) ?? {});
}
