import { TunlError, usageError } from '../core/errors.ts';
import { type FormatFacts, operators, type Read } from './format-facts.ts';
import { suggest } from './suggest.ts';

export type { FormatFacts } from './format-facts.ts';

/** A text with operators such as `%BYTES_SENT%`, read. */
export type Format = readonly (string | Read)[];

/** The line of Envoy, for tunnels and requests. */
export const defaultFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"';

/** `%%`, `%NAME%`, `%NAME(ARGS):LENGTH%`, or a percent sign that is none of them. */
const part = /%(?:(%)|([A-Z][A-Z\d_]*)(?:\(([^)]*)\))?(?::(\d+))?%)|%/g;

/**
 * Reads a text with the operators of Envoy. What it is made of is not repeated in messages, but for the names of operators.
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
    else if (name === undefined) throw usageError('a % begins no operator', 'write %% for a percent sign');
    else pieces.push(limitLength(readOperator(name, args), length));
  }
  addText(text.slice(at));
  return pieces;
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
    return typeof value === 'string' ? value.slice(0, most) : value;
  };
}

/** Writes a line of a log, without its end: what is not known is `-`, and no value ends the line or a quoted text. */
export function writeLine(format: Format, facts: FormatFacts): string {
  return format.map((piece) => (typeof piece === 'string' ? piece : escape(String(piece(facts) ?? '-')))).join('');
}

/** Writes the value of a field: what is not known is left out. Whether it can be sent is for others to judge. */
export function writeValue(format: Format, facts: FormatFacts): string {
  return format.map((piece) => (typeof piece === 'string' ? piece : String(piece(facts) ?? ''))).join('');
}

/** Writes a JSON object on one line: what is nothing but an operator keeps its kind, and is null where it is not known. */
export function writeObject(members: readonly (readonly [name: string, format: Format])[], facts: FormatFacts): string {
  const object = Object.fromEntries(members.map(([name, format]) => [name, valueOf(format, facts)]));
  return JSON.stringify(object).replaceAll(later, toUnicode);
}

function valueOf(format: Format, facts: FormatFacts): string | number | null {
  const [only] = format;
  if (format.length === 1 && typeof only === 'function') return only(facts) ?? null;
  return format.map((piece) => (typeof piece === 'string' ? piece : String(piece(facts) ?? '-'))).join('');
}

/** Controls, what ends a line for some, what ends a quoted text, and what begins an escape. */
const breaking = /["\\\p{Cc}\u2028\u2029]/gu;

/** Those that JSON leaves as they are. */
const later = /[\u007f-\u009f\u2028\u2029]/g;

function escape(value: string): string {
  return value.replaceAll(breaking, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const code = char.charCodeAt(0);
    return code > 0xff ? toUnicode(char) : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

function toUnicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
