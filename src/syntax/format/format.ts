import { TunlError, usageError } from '../../core/errors.ts';
import { type FormatFacts, operators, type Read } from './facts.ts';
import { toUnicode, TypedValue, writeJson } from './typed.ts';
import { suggest } from '../suggest.ts';

export { type FormatFacts, writesHopAnswer, writesHopTrailers } from './facts.ts';

/** A parsed text with operators such as `%BYTES_SENT%`. */
export type Format = readonly (string | Read)[];

/** Envoy's default line for tunnels and requests. */
export const defaultFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"';

/** `%%`, `%NAME%`, `%NAME(ARGS):LENGTH%`, or any other percent sign. */
const part = /%(?:(%)|([A-Z][A-Z\d_]*)(?:\(([^)]*)\))?(?::(\d+))?%)|%/g;

/**
 * Reads a text with Envoy's operators. Messages repeat the names of operators only, not the text.
 * @throws {TunlError} usage
 */
export function parseFormat(text: string): Format {
  const pieces: (string | Read)[] = [];
  let at = 0;
  const addText = (more: string) => {
    const last = pieces.at(-1);
    if (typeof last === 'string') pieces[pieces.length - 1] = last + more;
    else if (more !== '') pieces.push(more);
  };
  for (const { 0: whole, 1: escaped, 2: name, 3: args, 4: length, index } of text.matchAll(part)) {
    addText(text.slice(at, index));
    at = index + whole.length;
    if (escaped !== undefined) addText('%');
    else if (name === undefined) throw usageError('a % does not begin an operator', 'write %% for a percent sign');
    else pieces.push(limitLength(readOperator(name, args), length));
  }
  addText(text.slice(at));
  return pieces;
}

/** Lists the operators of a text that `parseFormat` reads, each with the text in its brackets. */
export function listOperators(text: string): { readonly name: string; readonly args: string | undefined }[] {
  return [...text.matchAll(part)].flatMap(({ 2: name, 3: args }) => (name === undefined ? [] : [{ name, args }]));
}

function readOperator(name: string, args: string | undefined): Read {
  const make = operators.get(name);
  if (!make) {
    const near = suggest(name, [...operators.keys()]);
    throw usageError(
      `there is no operator %${name}%`,
      near === undefined ? 'write %% for a percent sign' : `did you mean %${near}%?`,
    );
  }
  try {
    return make(args);
  } catch (error) {
    if (!(error instanceof TunlError)) throw error;
    throw usageError(`%${name}%: ${error.message}`, ...(error.facts.hints ?? []));
  }
}

function limitLength(read: Read, length: string | undefined): Read {
  if (length === undefined) return read;
  const most = Number(length);
  return (facts) => {
    const value = read(facts);
    return typeof value === 'string' || value instanceof TypedValue ? String(value).slice(0, most) : value;
  };
}

/**
 * Writes a line of a log, without the line break. Unknown values are `-`. No value can end the line, and none but a
 * typed one, which is JSON as it is, a quotation.
 */
export function writeLine(format: Format, facts: FormatFacts): string {
  const write = (read: Read) => {
    const value = read(facts) ?? '-';
    return value instanceof TypedValue ? String(value) : escape(String(value));
  };
  return format.map((piece) => (typeof piece === 'string' ? piece : write(piece))).join('');
}

/** Writes the value of a header field without unknown values. The caller must check that the value can be sent. */
export function writeValue(format: Format, facts: FormatFacts): string {
  return writeText(format, facts, '');
}

/** Writes a text as it is, with `missing` for each unknown value. */
export function writeText(format: Format, facts: FormatFacts, missing: string): string {
  return format.map((piece) => (typeof piece === 'string' ? piece : String(piece(facts) ?? missing))).join('');
}

/** The members of a JSON object. */
export type ObjectFormat = readonly (readonly [name: string, format: Format])[];

/**
 * Writes a JSON object on one line. A member that is a single operator keeps its type; if it is unknown, it is null, or
 * left out if `omits` is true.
 */
export function writeObject(members: ObjectFormat, facts: FormatFacts, omits = false): string {
  const values = members.map(([name, format]) => [name, valueOf(format, facts, omits ? '' : '-')] as const);
  return writeJson(Object.fromEntries(omits ? values.filter(([, value]) => value !== null) : values));
}

function valueOf(format: Format, facts: FormatFacts, missing: string): unknown {
  const [only] = format;
  if (format.length === 1 && typeof only === 'function') {
    const value = only(facts) ?? null;
    return value instanceof TypedValue ? value.value : value;
  }
  return writeText(format, facts, missing);
}

/** Control characters, line breaks of Unicode, quotes and backslashes. */
const breaking = /["\\\p{Cc}\u2028\u2029]/gu;

function escape(value: string): string {
  return value.replaceAll(breaking, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const code = char.charCodeAt(0);
    return code > 0xff ? toUnicode(char) : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}
