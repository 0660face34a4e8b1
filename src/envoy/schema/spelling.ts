import * as z from 'zod';
import type { Fault, Path } from '../../chain/read/document.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import { findRefusedExtension } from './extensions.ts';
import { factsOf, type MessageFacts, typesOf } from './proto.ts';

/** A field in a file that has no effect. */
export interface SkippedField {
  readonly level: 'warning' | 'verbose';
  readonly path: Path;
  readonly message: string;
}

/** Options for normalising the field names of a file. */
export interface SpellingOptions {
  /** Skip unknown fields instead of refusing them. */
  readonly allowUnknownFields: boolean;
}

/** A file with normalised field names, and the faults and skipped fields in it. */
export interface Spelled {
  readonly value: unknown;
  readonly faults: readonly Fault[];
  readonly skipped: readonly SkippedField[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Normalises a value in protobuf's JSON format: names in camel case become the original field names, the type of an
 * `Any` loses its prefix, a `TypedStruct` is replaced by the message that it describes, a single value in the place of a
 * list becomes a list, and null fields and skipped fields are removed. Other parts, such as the keys of a map, stay as
 * they are.
 */
export function spellOut(value: unknown, form: z.ZodType, options: SpellingOptions): Spelled {
  const speller = new Speller(options);
  return { value: speller.spell(value, form, []), faults: speller.faults, skipped: speller.skipped };
}

/** Translates the path of a normalised field into the path in the file, with the names as they are written there. */
export function findWritten(path: Path, written: unknown): Path {
  let holder = written;
  return path.flatMap((step): Path => {
    // A single value may stand in the place of a list.
    if (typeof step === 'number' && holder !== undefined && !Array.isArray(holder)) return [];
    const struct = isFields(holder) ? readStruct(holder) : undefined;
    if (struct && step === '@type') return [struct.urlKey];
    const fields = struct ? struct.value : isFields(holder) ? holder : undefined;
    const key = fields && typeof step === 'string' && !Object.hasOwn(fields, step) ? toCamelCase(step) : step;
    holder = fields?.[key] ?? (Array.isArray(holder) ? holder[Number(step)] : undefined);
    const found = fields && !Object.hasOwn(fields, key) ? step : key;
    return struct ? ['value', found] : [found];
  });
}

/** A `TypedStruct`: a message in the form of a `google.protobuf.Struct`, with its type. */
interface TypedStruct {
  readonly urlKey: 'type_url' | 'typeUrl';
  readonly url: unknown;
  readonly value: Fields;
}

/** Reads an `Any` that holds a `TypedStruct`. Returns undefined for every other type. */
function readStruct(fields: Fields): TypedStruct | undefined {
  if (!/(?:^|\/)(?:xds\.type\.v3|udpa\.type\.v1)\.TypedStruct$/.test(String(fields['@type']))) return undefined;
  const urlKey = Object.hasOwn(fields, 'typeUrl') ? 'typeUrl' : 'type_url';
  const { value } = fields;
  return { urlKey, url: fields[urlKey], value: isFields(value) ? value : {} };
}

function toCamelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Speller {
  readonly faults: Fault[] = [];
  readonly skipped: SkippedField[] = [];
  readonly #options: SpellingOptions;
  #isStrict = false;

  constructor(options: SpellingOptions) {
    this.#options = options;
  }

  spell(value: unknown, form: z.ZodType, path: Path): unknown {
    if (form instanceof z.ZodOptional) return this.spell(value, form.unwrap() as z.ZodType, path);
    if (form instanceof z.ZodArray) {
      const items: readonly unknown[] = Array.isArray(value) ? value : [value];
      return items.map((item, index) => this.spell(item, form.element as z.ZodType, [...path, index]));
    }
    if (!isFields(value)) return value;
    if (form instanceof z.ZodRecord) {
      const spellOne = ([key, item]: [string, unknown]) => [
        key,
        this.spell(item, form.valueType as z.ZodType, [...path, key]),
      ];
      return Object.fromEntries(Object.entries(value).map(spellOne));
    }
    const types = typesOf(form);
    if (types) return this.#spellAny(value, types, path);
    return form instanceof z.ZodObject ? this.#spellMessage(value, form, path) : value;
  }

  #spellAny(fields: Fields, types: Readonly<Record<string, z.ZodObject>>, path: Path): unknown {
    const struct = readStruct(fields);
    const { '@type': own, ...others } = fields;
    const [url, rest] = struct ? [struct.url, struct.value] : [own, others];
    if (struct) this.#assertStruct(others, path);
    if (typeof url !== 'string') {
      const what = struct ? 'a TypedStruct must have a type_url' : 'this must have an @type';
      this.faults.push({ path, message: what, hints: [`known types: ${nameAll(types)}`] });
      return undefined;
    }
    const type = url.slice(url.lastIndexOf('/') + 1);
    const form = Object.hasOwn(types, type) ? types[type] : undefined;
    if (form) return { '@type': type, ...this.#spellMessage(rest, form, path) };
    const at = [...path, '@type'];
    const refusal = findRefusedExtension(type);
    if (refusal) {
      const message = `${type} is an extension of Envoy that tunl does not run: ${refusal.why}`;
      this.faults.push({ path: at, message, hints: [refusal.instead] });
    } else this.faults.push({ path: at, message: `unknown type ${quote(type)}`, hints: [hintFor(type, types)] });
    return undefined;
  }

  #assertStruct(fields: Fields, path: Path): void {
    for (const key of Object.keys(fields)) {
      if (!['type_url', 'typeUrl', 'value'].includes(key)) {
        this.faults.push({
          path,
          message: `unknown field ${quote(key)} of TypedStruct`,
          hints: ['it has type_url and value'],
        });
      }
    }
    const { value } = fields;
    if (value !== undefined && value !== null && !isFields(value)) {
      this.faults.push({ path, message: 'the value of a TypedStruct must be a message', hints: [] });
    }
  }

  #spellMessage(fields: Fields, form: z.ZodObject, path: Path): Fields {
    const facts = factsOf(form);
    if (!facts) throw new Error('a form without facts');
    const wasStrict = this.#isStrict;
    this.#isStrict ||= facts.isStrict;
    const spelled = this.#spellFields(fields, form, facts, path);
    this.#isStrict = wasStrict;
    return spelled;
  }

  #spellFields(fields: Fields, form: z.ZodObject, facts: MessageFacts, path: Path): Fields {
    const known = Object.keys(form.shape);
    const { ignored, missed, refused } = facts;
    const spelled: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(fields)) {
      const name = [...known, ...ignored, ...missed, ...refused.keys()].find(
        (field) => field === key || toCamelCase(field) === key,
      );
      const at = [...path, key];
      const refusal = name === undefined ? undefined : refused.get(name);
      if (name === undefined) this.#addUnknown(key, at, known, facts);
      else if (name in spelled)
        this.#addFault(at, `duplicate key: ${quote(key)} stands there in its other spelling`, 'leave one of them out');
      else if (value === null || (refusal && isEmptyList(value))) continue;
      else if (refusal)
        this.#addFault(at, `${key} is a field of Envoy that tunl does not run: ${refusal.why}`, refusal.instead);
      else if (ignored.includes(name)) this.#skip('verbose', at, `${key} makes no difference here`);
      else if (missed.includes(name)) this.#skip('warning', at, `${key} has no effect here`);
      else spelled[name] = this.spell(value, form.shape[name] as z.ZodType, at);
    }
    return spelled;
  }

  #addUnknown(
    key: string,
    path: Path,
    known: readonly string[],
    { name, ignored, missed, refused }: MessageFacts,
  ): void {
    const near =
      suggest(key, [...known, ...ignored, ...missed, ...refused.keys()]) ?? suggest(key, known.map(toCamelCase));
    if (this.#options.allowUnknownFields && !this.#isStrict) {
      this.#skip('verbose', path, `unknown field ${quote(key)} of ${name} is left out`);
      return;
    }
    const others = this.#isStrict ? 'leave it out' : 'to leave such fields out, give --allow-unknown-fields';
    const hint = near === undefined ? others : `did you mean ${near}?`;
    this.#addFault(path, `unknown field ${quote(key)} of ${name}`, hint);
  }

  #addFault(path: Path, message: string, ...hints: readonly string[]): void {
    this.faults.push({ path, message, hints, atKey: true });
  }

  #skip(level: SkippedField['level'], path: Path, message: string): void {
    this.skipped.push({ level, path, message });
  }
}

/** True for an empty list, which means the same as an absent field. */
function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function nameAll(types: Readonly<Record<string, unknown>>): string {
  return Object.keys(types).join(' ');
}

function hintFor(type: string, types: Readonly<Record<string, unknown>>): string {
  const last = type.slice(type.lastIndexOf('.') + 1);
  const sameName = Object.keys(types).find((known) => known.endsWith(`.${last}`));
  const isOld = /^envoy\.(?:api\.v2|config\.(?:.*\.)?v[12](?:alpha\d?)?|.*\.v2(?:alpha\d?)?)\./.test(type);
  if (isOld) {
    const instead = sameName === undefined ? '' : `: write ${sameName}`;
    return `types of the second version of Envoy's API are not read any more, by Envoy either${instead}`;
  }
  return sameName === undefined ? `known types: ${nameAll(types)}` : `did you mean ${sameName}?`;
}
