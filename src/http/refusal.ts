import type { Duplex } from 'node:stream';
import { type Address, formatAddress, formatHostPort } from '../core/address.ts';
import type { DialContext } from '../core/dialer.ts';
import { type ErrorCode, type ErrorFacts, TunlError } from '../core/errors.ts';
import type { Hop } from '../core/hop.ts';
import { fieldValues, type ResponseHead } from './message.ts';
import { parseProxyStatus } from './proxy-status.ts';
import { redactAnswer } from './redact.ts';

/** How much of a refusal's body is read for a diagnosis, and for how long. */
const maxBodyBytes = 8 * 1024;
const bodyMs = 1000;

/**
 * Reads the beginning of a refusal's body: what has come, or comes within a second. The stream is
 * of no further use.
 */
export function readRefusalBody(stream: Duplex, head: ResponseHead): Promise<string> {
  const declared = Number(fieldValues(head.headers, 'content-length')[0] ?? Infinity);
  const wanted = Math.min(Number.isNaN(declared) ? Infinity : declared, maxBodyBytes);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = () => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', finish).off('close', finish);
      stream.pause();
      resolve(Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8'));
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= wanted) finish();
    };
    const timer = setTimeout(finish, bodyMs);
    if (wanted <= 0 || stream.readableEnded || stream.destroyed) return finish();
    stream.on('data', onData).once('end', finish).once('close', finish);
    stream.resume();
  });
}

/** A request for a tunnel and the answer that opened none. */
export interface Refusal {
  readonly hop: Hop;
  readonly method: string;
  readonly address: Address;
  readonly ctx: DialContext;
  readonly head: ResponseHead;
  /** The beginning of the answer's body. */
  readonly body: string;
  readonly meaning?: RefusalMeaning;
}

/** What a refusal means in a protocol that says it by the status alone. */
export interface RefusalMeaning {
  readonly code: ErrorCode;
  readonly side: 'hop' | 'target';
  readonly hint: string;
}

/** The error for a refusal: status, reason and what the proxy said about it. */
export function refusalError({ hop, method, address, ctx, meaning, ...answer }: Refusal): TunlError {
  const { head, body } = redactAnswer(answer, hop);
  const status = parseProxyStatus(fieldValues(head.headers, 'proxy-status').join(', '));
  const ofTarget = isOfTarget(status?.error) || meaning?.side === 'target';
  const facts: ErrorFacts = {
    side: ofTarget && address === ctx.target ? 'target' : 'hop',
    phase: 'handshake',
    received: head.status,
    hints: [...refusalHints(head, status?.details, body), ...(meaning ? [meaning.hint] : [])],
    ...(status?.rcode !== undefined && /^[A-Z]+$/.test(status.rcode) && { rcode: status.rcode }),
  };
  const proxy = formatHostPort(hop.address.host, hop.address.port);
  const line = `${head.status} ${head.reason}`.trim();
  const cause = status?.error ? ` (${status.error})` : '';
  return new TunlError(
    status?.error === undefined && meaning ? meaning.code : refusalCode(head.status, status?.error),
    `${proxy} refused ${method} ${formatAddress(address)}: ${printable(line)}${cause}`,
    facts,
  );
}

/** True for what a proxy says of the next connection, and not of itself or of our request. */
function isOfTarget(named: ErrorCode | undefined): boolean {
  return named !== undefined && /^(?:dns|destination|connection|tls)_/.test(named);
}

function refusalCode(status: number, named: ErrorCode | undefined): ErrorCode {
  if (status === 407 || status === 401) return 'auth_required';
  if (named !== undefined) return named;
  return status >= 500 ? 'hop_failed' : 'hop_refused';
}

function refusalHints(head: ResponseHead, details: string | undefined, body: string): string[] {
  const hints: string[] = [];
  const said = [details, fieldValues(head.headers, 'x-squid-error')[0], firstLines(head, body)];
  for (const text of said) if (text) hints.push(`the proxy said: "${printable(text)}"`);
  if (head.status === 407) {
    const schemes = fieldValues(head.headers, 'proxy-authenticate').map((value) => value.split(' ')[0]);
    if (schemes.length > 0) hints.push(`it offers ${printable(schemes.join(', '))} authentication`);
  }
  return hints;
}

/** The first words that a person would read in the body, without markup. */
function firstLines(head: ResponseHead, body: string): string {
  const html =
    (fieldValues(head.headers, 'content-type')[0] ?? '').includes('html') || /^\s*<(!doctype|html)/i.test(body);
  const text = html
    ? body.replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<!--[\s\S]*?-->|<[^>]*>/g, ' ')
    : body;
  return decodeEntities(text).replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" };

function decodeEntities(text: string): string {
  return text.replaceAll(/&([a-z]+|#39);/g, (whole, name: string) => entities[name] ?? whole);
}

/** Text of a proxy as it may go to a terminal: no control characters, no escape sequences. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
