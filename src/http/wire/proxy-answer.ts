import type { Duplex } from 'node:stream';
import { TunlError } from '../../core/errors.ts';
import type { HeaderField } from '../../core/hop.ts';
import { HeadError, readHead } from './head.ts';
import { isToken, quoteAscii } from '../../syntax/text.ts';
import { listTokens, type ResponseHead } from './message.ts';

/** The largest head of a proxy's answer that we read, in bytes: the proof in a 407 alone may have 48 kB (RFC 4559). */
export const maxHeadBytes = 64 * 1024;

/** Every answer begins like this; bytes that begin differently are not an answer. */
export const answerPrefix = 'HTTP/';

/** The answer of a proxy to a request for a tunnel. */
export interface ProxyAnswer extends ResponseHead {
  /** The head broke off or is too large: the part that was read is a refusal, and nothing after it is a body. */
  readonly isCut?: true;
  /** True if the connection takes another request after this answer (RFC 9112, section 9.3, and older custom). */
  readonly isPersistent?: boolean;
}

/**
 * Reads one head of a proxy's answer as tolerantly as curl does: it needs the status and keeps the other parts that it
 * understands. This is safe because the answer is not forwarded, so nobody else can read it differently. The bytes
 * after the head stay in the stream. A refusal counts as soon as its status is known, even if the rest of the head is
 * cut short.
 * @throws {HeadError} if there is no status
 * @throws {TunlError} http_protocol_error for a success in a version that opens no tunnel here; the signal's reason
 */
export async function readProxyAnswer(stream: Duplex, signal: AbortSignal): Promise<ProxyAnswer> {
  const traits = { prefix: answerPrefix, lineBytes: maxHeadBytes, lines: 'tolerant' } as const;
  try {
    const bytes = await readHead(stream, maxHeadBytes, signal, traits);
    const head = parseProxyAnswer(bytes);
    if (!head) throw new HeadError('not_http', bytes);
    return head;
  } catch (error) {
    const head = error instanceof HeadError ? parseProxyAnswer(cutToLines(error.received)) : undefined;
    if (!head || head.status < 300) throw error;
    return { ...head, isCut: true };
  }
}

/** Drops the last line of a head if it is incomplete, unless it is the only one. */
function cutToLines(received: Buffer): Buffer {
  const end = received.lastIndexOf('\n');
  return end < 0 ? received : received.subarray(0, end + 1);
}

/** RFC 9112, section 4, relaxed for the extra spaces and missing parts that real proxies send. */
const statusLine = /^HTTP\/(\d+(?:\.\d+)?)[\t ]+([1-9]\d\d)(?!\d)(.*)$/s;

/**
 * Finds the status and the fields of a head; returns `undefined` if its first line has no status. Lines that are not
 * fields are skipped.
 * @throws {TunlError} http_protocol_error
 */
function parseProxyAnswer(bytes: Buffer): ProxyAnswer | undefined {
  const lines = bytes.toString('latin1').split('\n').map(trimReturns);
  const start = lines.findIndex((line) => line !== '');
  let status: StatusLine | undefined;
  const fields: string[] = [];
  for (const line of start < 0 ? [] : lines.slice(start)) {
    const found = readStatusLine(line);
    status ??= found;
    if (!status) return undefined;
    // Answers of two proxies without an empty line between them are one head: a refusal counts, wherever it stands.
    if (found && status.status < 300) status = found;
    if (!found) fields.push(line);
  }
  if (!status) return undefined;
  assertVersion(status);
  const headers = readFields(fields);
  return { status: status.status, reason: status.reason, headers, isPersistent: isPersistent(status, headers) };
}

/** Old proxies say it of the client's connection in `Proxy-Connection`. */
function isPersistent({ version }: StatusLine, headers: readonly HeaderField[]): boolean {
  const options = ['connection', 'proxy-connection'].flatMap((name) => listTokens(headers, name));
  if (options.includes('close')) return false;
  return version === '1.1' || options.includes('keep-alive');
}

function trimReturns(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end--;
  return line.slice(0, end);
}

interface StatusLine {
  readonly line: string;
  readonly version: string;
  readonly status: number;
  readonly reason: string;
}

function readStatusLine(line: string): StatusLine | undefined {
  const [, version = '', status, reason = ''] = statusLine.exec(line) ?? [];
  return status === undefined ? undefined : { line, version, status: Number(status), reason: reason.trim() };
}

/** Accepts a refusal in any version, but a success only in HTTP/1, because the connection becomes the tunnel. */
function assertVersion({ line, version, status }: StatusLine): void {
  if (version.startsWith('1.') || status >= 300) return;
  const facts = { side: 'hop', phase: 'handshake' } as const;
  throw new TunlError('http_protocol_error', `its answer, ${quoteAscii(line)}, is not in HTTP/1.1`, facts);
}

/** Reads fields by RFC 9112, section 5, including its rules for obsolete and invalid messages. */
function readFields(lines: readonly string[]): HeaderField[] {
  const fields: { name: string; value: string }[] = [];
  let last: { name: string; value: string } | undefined;
  for (const line of lines) {
    const text = line.replaceAll(/[\u0000\r]/g, ' ');
    // A folded line continues the value before it.
    if (/^[\t ]/.test(text)) {
      if (last) last.value = `${last.value} ${text.trim()}`.trim();
      continue;
    }
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0)).trim();
    last = isToken(name) ? { name: name.toLowerCase(), value: text.slice(colon + 1).trim() } : undefined;
    if (last) fields.push(last);
  }
  return fields.map(({ name, value }) => [name, value]);
}
