import { requestError, TunlError } from '../../core/errors.ts';
import type { TunnelExchange } from '../../core/exchange.ts';
import type { HeaderField } from '../../core/hop.ts';
import { isToken } from '../../syntax/text.ts';
import type { Reply } from '../call.ts';

/** The most fields in one head. */
export const maxFields = 100;

/** The head of a request; fields are in order of arrival, with names in lower case. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly HeaderField[];
}

/** The head of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderField[];
}

/** Returns the head of an answer; one over HTTP/2 has no reason phrase. */
export function toResponseHead({ status, reason = '', headers }: Pick<Reply, keyof ResponseHead>): ResponseHead {
  return { status, reason, headers };
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP\/([0-9])\.([0-9])$/;
const statusLine = /^HTTP\/1\.[01] ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/**
 * Parses the head of a request strictly (RFC 9112, sections 3 and 5).
 * @throws {TunlError} http_request_error with the status to answer with
 */
export function parseRequestHead(bytes: Buffer): RequestHead {
  const lines = splitLines(bytes);
  const match = requestLine.exec(lines[0] ?? '');
  if (!match) throw requestError('the request line is not valid');
  const { 1: method = '', 2: target = '', 3: major, 4: minor } = match;
  if (major !== '1') throw requestError(`HTTP/${major}.${minor} is not spoken here`, { status: 505 });
  if (minor !== '0' && minor !== '1') throw requestError(`there is no HTTP/1.${minor}`);
  if (lines.length - 1 > maxFields)
    throw requestError(`the request has more than ${maxFields} fields`, { status: 431 });
  const headers = lines.slice(1).map((line) => parseField(line, () => requestError('a header field is not valid')));
  return { method, target, version: `1.${minor}`, headers };
}

/**
 * Refuses a Host field that differs from `:authority` (RFC 9113, section 8.3.1): who reads the one must not come to
 * another place than who reads the other.
 * @throws {TunlError} http_request_error
 */
export function assertSameHost({ headers, authority }: Pick<TunnelExchange, 'headers' | 'authority'>): void {
  if (fieldValues(headers, 'host').some((host) => host.toLowerCase() !== authority.toLowerCase())) {
    throw requestError('the Host field names something else than the target');
  }
}

/**
 * Parses the head of a response strictly (RFC 9112, section 4).
 * @throws {TunlError} http_protocol_error
 */
export function parseResponseHead(bytes: Buffer): ResponseHead {
  const lines = splitLines(bytes);
  const match = statusLine.exec(lines[0] ?? '');
  if (!match) throw responseError('its answer does not start with an HTTP/1.1 status line');
  if (lines.length - 1 > maxFields) throw responseError(`its answer has more than ${maxFields} fields`);
  const headers = lines.slice(1).map((line) => parseField(line, () => responseError('its answer has a broken field')));
  return { status: Number(match[1]), reason: (match[2] ?? '').trim(), headers };
}

function splitLines(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  let start = 0;
  while (text.startsWith('\r\n', start)) start += 2;
  return text.slice(start, -4).split('\r\n');
}

/**
 * Parses one line of a head and converts the name to lower case. Throws the error that `fault` makes if the line is not
 * a field.
 */
export function parseField(line: string, fault: () => Error): HeaderField {
  const match = fieldLine.exec(line);
  if (!match) throw fault();
  return [(match[1] as string).toLowerCase(), match[2] as string];
}

function responseError(message: string): TunlError {
  return new TunlError('http_protocol_error', message, { side: 'hop', phase: 'handshake' });
}

/** Returns all values of a field, in order. `name` must be in lower case. */
export function fieldValues(headers: readonly HeaderField[], name: string): string[] {
  const values: string[] = [];
  // Not by destructuring: that iterates each field, and this is asked many times for each request.
  for (const field of headers) if (field[0] === name) values.push(field[1]);
  return values;
}

/**
 * Lists the members of a field that is a list of tokens, such as `Connection`, in lower case (RFC 9110, section 5.6.1).
 * Only spaces and tabs are blanks, and empty members are left out. `name` must be in lower case.
 */
export function listTokens(headers: readonly HeaderField[], name: string): string[] {
  const tokens: string[] = [];
  for (const value of fieldValues(headers, name)) {
    for (const member of value.toLowerCase().split(',')) {
      const token = trimBlanks(member);
      if (token !== '') tokens.push(token);
    }
  }
  return tokens;
}

/**
 * Removes spaces and tabs around a text. Not by `trim`, which takes other characters for blanks, nor by a pattern, whose
 * time grows with the square of the blanks.
 */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/** Leaves out the fields whose names others have too, because a recipient of both could use either. */
export function withoutNamesakes(headers: readonly HeaderField[], others: readonly HeaderField[]): HeaderField[] {
  const named = new Set(others.map(([name]) => name.toLowerCase()));
  return headers.filter(([name]) => !named.has(name.toLowerCase()));
}

/** Formats the head of a message. The caller guarantees that no part contains CR or LF. */
export function formatHead(firstLine: string, headers: readonly HeaderField[]): string {
  let head = `${firstLine}\r\n`;
  for (const field of headers) head += `${field[0]}: ${field[1]}\r\n`;
  return `${head}\r\n`;
}

/** True for a field name and value that can be written as they are (RFC 9110, section 5). */
export function isSafeField(field: HeaderField): boolean {
  return isToken(field[0]) && /^[\t\x20-\x7e\x80-\xff]*$/.test(field[1]);
}
