import { fieldValues, type ResponseHead } from '../wire/message.ts';

/** The most characters of a status line that a message quotes. */
const maxQuoted = 200;

const answerStart = 'HTTP/';
const page = /^[\s\ufeff\u00ef\u00bb\u00bf]*<(?:!doctype html|html|head|body)\b/i;
/** A request line (RFC 9112, section 3), or the beginning of one. */
const request = /^[\w!#$%&'*+.^`|~-]+(?: (?:\S+(?: (?:H|HT|HTT|HTTP|HTTP\/.*)?)?)?)?$/;

/** The first bytes from a tunnel, if a web server sent them. */
export interface WebBytes {
  readonly kind: 'answer' | 'page';
  /** Their first line, shortened and printable. */
  readonly line: string;
}

/** Recognises an HTTP answer or an HTML page by its first bytes, of which at most `mostBytes` are looked at. */
export function recogniseWeb(bytes: Buffer, mostBytes: number = bytes.length): WebBytes | undefined {
  const text = bytes.toString('latin1', 0, mostBytes);
  const kind = text.startsWith(answerStart) ? 'answer' : page.test(text) ? 'page' : undefined;
  if (!kind) return undefined;
  const [line = ''] = text.trimStart().split(/[\r\n]/, 1);
  return { kind, line: toLine(line) };
}

/** True for bytes that are too few to decide whether they begin an answer or a page. */
export function mayBeWeb(bytes: Buffer): boolean {
  return answerStart.startsWith(bytes.toString('latin1')) || /^\s*(?:<[!\w\s]{0,13})?$/.test(bytes.toString('latin1'));
}

/** True for a text that begins an HTTP request, or may begin one: an HTTP answer is expected then. */
export function isWebRequest(text: string): boolean {
  const [line = ''] = text.split(/\r?\n/, 1);
  const isWhole = line.length < text.length;
  return isWhole ? / HTTP\/\d/.test(line) && request.test(line) : request.test(line);
}

/**
 * True for the head of an answer to CONNECT that announces a body: a tunnel has no length (RFC 9110, section 9.3.6).
 */
export function hasPageHead({ headers }: ResponseHead): boolean {
  const lengths = fieldValues(headers, 'content-length');
  return lengths.some((length) => Number(length) > 0) || fieldValues(headers, 'transfer-encoding').length > 0;
}

/** Formats the status line of a head, shortened and printable. */
export function formatStatusLine({ status, reason }: ResponseHead): string {
  return toLine(`HTTP/1.1 ${status} ${reason}`.trimEnd());
}

function toLine(text: string): string {
  return text.slice(0, maxQuoted).replaceAll(/[^\x20-\x7e]|["\\]/g, '?');
}
