import * as z from 'zod';
import { type Refusal, type RefusalName, refusals } from './refusals.ts';

/** Makes the error for a value of the wrong type, or for a missing field. */
export const must = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : `must be ${what}`),
});

/** Facts about a message besides its supported fields. */
export interface MessageFacts {
  /** Its name in Envoy's documentation. */
  readonly name: string;
  /** Fields that are accepted with any value, because they have no visible effect in tunl. */
  readonly ignored: readonly string[];
  /** Fields that are accepted with any value and a warning, because users may rely on their effect in Envoy. */
  readonly missed: readonly string[];
  /** Fields of Envoy that tunl refuses, because it does not support their effect, with the reason for each. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** True if unknown fields are always refused, here and in all messages inside: they may decide who gets in. */
  readonly isStrict: boolean;
}

const facts = new WeakMap<z.ZodType, MessageFacts>();
const types = new WeakMap<z.ZodType, Readonly<Record<string, z.ZodObject>>>();

/** The values of a field that has few of them. */
export interface ValueFacts {
  readonly runs: readonly string[];
  /** The values that tunl refuses, with the reason for each. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

const values = new WeakMap<z.ZodType, ValueFacts>();

/** Returns the values of an enum, or of a `bool` of which one value is refused; undefined for every other schema. */
export function valuesOf(form: z.ZodType): ValueFacts | undefined {
  return values.get(form);
}

/** Returns the facts about a message, or undefined if the schema is not a message. */
export function factsOf(form: z.ZodType): MessageFacts | undefined {
  return facts.get(form);
}

/** Returns the messages that an `Any` may hold, by the names of their types; undefined if the schema is no `Any`. */
export function typesOf(form: z.ZodType): Readonly<Record<string, z.ZodObject>> | undefined {
  return types.get(form);
}

/** Names of fields, separated by spaces. */
type Names = string;

/** Fields that are refused, by the reason why. */
type Refused = Partial<Readonly<Record<RefusalName, Names>>>;

const split = (names: Names): string[] => names.split(/\s+/).filter((name) => name !== '');

/** Makes the schema of a protobuf message from its supported fields and the names of the others. */
export function message<S extends z.core.$ZodLooseShape>(
  name: string,
  shape: S,
  others: {
    readonly ignored?: Names;
    readonly missed?: Names;
    readonly refused?: Refused;
    readonly isStrict?: true;
  } = {},
): z.ZodObject<S, z.core.$strict> {
  const form = z.strictObject(shape, must(`a ${name}`));
  const { ignored = '', missed = '', refused = {}, isStrict = false } = others;
  facts.set(form, { name, ignored: split(ignored), missed: split(missed), refused: listRefused(refused), isStrict });
  return form;
}

function listRefused(refused: Refused): ReadonlyMap<string, Refusal> {
  const reasons = Object.entries(refused) as [RefusalName, Names][];
  return new Map(reasons.flatMap(([reason, names]) => split(names).map((name) => [name, refusals[reason]] as const)));
}

/** Makes the schema of a message without supported fields. */
export function emptyMessage(name: string, ignored: Names = ''): z.ZodObject<Record<never, never>, z.core.$strict> {
  return message(name, {}, { ignored });
}

/** One of several messages. `@type` is the name of its type, without the part before the last slash. */
type AnyOf<T extends Readonly<Record<string, z.ZodObject>>> = {
  [K in keyof T]: { '@type': K } & z.infer<T[K]>;
}[keyof T];

/** Makes the schema of a `google.protobuf.Any` that holds one of these messages. */
export function any<T extends Readonly<Record<string, z.ZodObject>>>(messages: T): z.ZodType<AnyOf<T>> {
  const options = Object.entries(messages).map(([type, form]) => form.extend({ '@type': z.literal(type) }));
  const form = z.discriminatedUnion('@type', options as unknown as [z.ZodObject], must('a message with @type'));
  types.set(form, messages);
  return form as unknown as z.ZodType<AnyOf<T>>;
}

/** Makes the schema of an optional list of messages or values. */
export const list = <T extends z.ZodType>(item: T): z.ZodOptional<z.ZodArray<T>> =>
  z.array(item, must('a list')).optional();

export const text = z.string(must('a text'));
/** A text that is not empty. */
export const filled = text.min(1, must('a text that is not empty'));

/** The words for `true` in Envoy's YAML. */
const trueWord = /^(?:true|yes|on|y)$/i;
const falseWord = /^(?:false|no|off|n)$/i;

/** `bool` and `BoolValue`. */
export const flag = z.union([z.boolean(), z.string()], must('true or false')).transform((value, ctx) => {
  const word = String(value);
  if (trueWord.test(word)) return true;
  if (!falseWord.test(word)) ctx.addIssue({ code: 'custom', message: 'must be true or false' });
  return false;
});

/** Makes the schema of a `bool` of which tunl supports only one value. */
export function flagOf(value: boolean, reason: RefusalName): z.ZodType<boolean> {
  const form = flag.transform((given, ctx) => {
    if (given !== value) refuseValue(String(given), reason, ctx);
    return given;
  });
  values.set(form, { runs: [String(value)], refused: new Map([[String(!value), refusals[reason]]]) });
  return form;
}

/** Refuses a value that Envoy knows, with the reason and what runs instead. */
function refuseValue(value: string, reason: RefusalName, ctx: z.core.$RefinementCtx): void {
  const { why, instead } = refusals[reason];
  const message = `is ${value}, which tunl does not run: ${why}`;
  ctx.addIssue({ code: 'custom', message, params: { hints: [instead] } });
}

/** Makes the schema of a `uint32` or `UInt32Value`: a number or a text of digits. */
export function uint(min: number, max: number, what: string): z.ZodType<number> {
  return z.union([z.number(), z.string()], must(what)).transform((value, ctx) => {
    const number = typeof value === 'number' || /^\d+$/.test(value) ? Number(value) : NaN;
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    ctx.addIssue({ code: 'custom', message: `must be ${what}` });
    return z.NEVER;
  });
}

/** `bool` of which Envoy takes `true` alone. */
export const truth = flag.transform((given, ctx) => {
  if (!given) ctx.addIssue({ code: 'custom', message: 'must be true' });
  return true as const;
});

/** Any `uint32`. */
export const uint32 = uint(0, 2 ** 32 - 1, 'a whole number that is not negative');

/** The longest timer in Node, in milliseconds. Longer durations are shortened to it. */
const maxTimerMs = 2 ** 31 - 1;

const durationText = /^(\d+)(?:\.(\d{1,9}))?s$/;

/**
 * Makes the schema of a `google.protobuf.Duration`, as a text or as an object with two fields. The result is in
 * milliseconds; a positive duration below 1 ms becomes 1.
 */
export function duration(minMs = 0): z.ZodType<number> {
  const what = `a duration in seconds${minMs > 0 ? ' above 0' : ''}, such as 0.25s`;
  const amount = z.union([z.number(), z.string()], must('a number')).optional();
  const parts = z.strictObject({ seconds: amount, nanos: amount });
  return z.union([z.string(), parts], must(what)).transform((value, ctx) => {
    const ms =
      typeof value === 'string'
        ? parseSeconds(value)
        : Number(value.seconds ?? 0) * 1000 + Number(value.nanos ?? 0) / 1e6;
    if (ms >= minMs || (ms > 0 && minMs <= 1)) return Math.min(ms > 0 ? Math.max(Math.round(ms), 1) : 0, maxTimerMs);
    ctx.addIssue({ code: 'custom', message: `must be ${what}` });
    return z.NEVER;
  });
}

function parseSeconds(text: string): number {
  const [, whole, part = ''] = durationText.exec(text) ?? [];
  return whole === undefined ? NaN : Number(whole) * 1000 + Number(part.padEnd(9, '0')) / 1e6;
}

/**
 * Makes the schema of an enum, by the names or numbers of its values. As in Envoy, names may be in lower case.
 * @param refused the values that tunl refuses, with the reasons
 */
export function enumOf<
  const V extends Readonly<Record<string, number>>,
  const R extends Partial<Readonly<Record<keyof V, RefusalName>>> = Record<never, never>,
>(numbers: V, refused?: R): z.ZodType<Exclude<keyof V, keyof R> & string> {
  const names = Object.keys(numbers);
  const reasons = new Map<string, RefusalName>(Object.entries(refused ?? {}) as [string, RefusalName][]);
  const what = names.length < 9 ? `one of ${names.join(', ')}` : 'one of the values that Envoy names';
  const form = z.union([z.string(), z.number()], must(what)).transform((value, ctx) => {
    const name = names.find((known) => known === String(value).toUpperCase() || numbers[known] === value);
    if (name === undefined) ctx.addIssue({ code: 'custom', message: `must be ${what}` });
    const reason = name === undefined ? undefined : reasons.get(name);
    if (name !== undefined && reason !== undefined) refuseValue(name, reason, ctx);
    return name === undefined || reason !== undefined ? z.NEVER : (name as Exclude<keyof V, keyof R> & string);
  });
  const runs = names.filter((name) => !reasons.has(name));
  values.set(form, { runs, refused: new Map([...reasons].map(([name, reason]) => [name, refusals[reason]])) });
  return form;
}
