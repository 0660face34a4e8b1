import type { Hop } from '../../core/hop.ts';
import { encodeOctets, encodePercent } from '../../core/octets.ts';
import { Secret } from '../../core/secret.ts';
import { formatBasic } from '../../auth/schemes/basic.ts';
import type { ResponseHead } from '../wire/message.ts';

/** Shorter secrets would match text by chance, and the gaps would reveal them. */
const minPasswordLength = 4;
const minValueLength = 8;

/** The answer of a proxy, as messages may quote it. */
export interface RefusalAnswer {
  readonly head: ResponseHead;
  readonly body: string;
}

/**
 * Removes from an answer the secrets that we sent to the hop: proxies and echo servers repeat requests in their
 * answers.
 */
export function redactAnswer({ head, body }: RefusalAnswer, hop: Hop): RefusalAnswer {
  const redact = makeRedact(hop);
  return {
    head: {
      ...head,
      reason: redact(head.reason),
      headers: head.headers.map(([name, value]) => [name, redact(value)] as const),
    },
    body: redact(body),
  };
}

/** Removes the secrets that we sent to the hop from a text. */
export function redactText(text: string, hop: Hop): string {
  return makeRedact(hop)(text);
}

const mark = new Secret('');

function makeRedact(hop: Hop): (text: string) => string {
  const secrets = listSecrets(hop);
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, String(mark)), text);
}

/** Lists the longest secrets first, so that none is removed as part of another. */
function listSecrets({ credentials, headers }: Hop): string[] {
  const secrets = headers
    .flatMap(([, value]) => [value, ...value.split(' ')])
    .filter(({ length }) => length >= minValueLength);
  if (credentials !== undefined) {
    const password = credentials.password.reveal();
    const token = formatBasic(credentials).slice('Basic '.length);
    if (password.length >= minPasswordLength) secrets.push(password, encodePercent(password));
    secrets.push(token, token.replace(/=+$/, ''));
  }
  // Heads are read as latin1, regardless of their real encoding.
  const written = secrets.flatMap((secret) => [secret, escapeHtml(secret), encodeOctets(secret).toString('latin1')]);
  return [...new Set(written)].toSorted((first, second) => second.length - first.length);
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}
