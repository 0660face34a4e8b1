import type { Address } from '../../core/address.ts';
import { formatDuration, longestRetryAfterMs } from '../../core/deadline.ts';
import { formatPlace, type Hop, securedScheme } from '../../core/hop.ts';
import { fieldValues, type ResponseHead } from '../wire/message.ts';
import { isFieldGiven } from '../../auth/knowledge.ts';
import { originAuth, proxyAuth } from '../../auth/model/fields.ts';
import { parseChallenges } from '../../auth/model/challenge.ts';
import { wrongPassword } from '../../auth/model/scheme.ts';
import type { ProxyStatus } from '../wire/proxy-status.ts';
import { explainSquidError, trimSquidPage } from './squid-error.ts';

/** A refusal, already without our secrets. */
export interface RefusalFacts {
  readonly hop: Hop;
  readonly method: string;
  readonly address: Address;
  readonly head: ResponseHead;
  readonly body: string;
  readonly status: ProxyStatus | undefined;
  /** The time, in milliseconds, that the answer asks us to wait. */
  readonly retryAfterMs: number | undefined;
  /** The carrier's own hint; it replaces the advice that fits most proxies. */
  readonly ownHint: string | undefined;
  /** What was tried to prove who we are, and why it failed. */
  readonly tried?: readonly string[] | undefined;
}

/** Lists what the proxy said about its refusal, and what the user can do about it. */
export function refusalHints(facts: RefusalFacts): string[] {
  const { head, body, status, ownHint } = facts;
  const squid = fieldValues(head.headers, 'x-squid-error')[0] ?? '';
  const meaning = explainSquidError(squid);
  const page = firstWords(head, body);
  const quotes = [
    quoteProxy(status?.details ?? ''),
    quoteProxy(squid) + (meaning === undefined ? '' : ` (${meaning})`),
    isNameOnly(page, status) ? '' : quoteProxy(page),
  ].filter((text) => text !== '');
  const advice = ownHint === undefined ? adviceOf(facts, quotes.join(' ')) : [ownHint];
  return [...quotes, ...advice, ...(facts.retryAfterMs === undefined ? [] : [waitAdvice(facts.retryAfterMs)])];
}

/** True for the body that `serve` sends to everybody, which only repeats the name of the error. */
function isNameOnly(page: string, status: ProxyStatus | undefined): boolean {
  return status?.error !== undefined && page === `tunl: ${status.error.replaceAll('_', ' ')}`;
}

function quoteProxy(text: string): string {
  return text === '' ? '' : `the proxy said: "${printable(text)}"`;
}

function adviceOf(facts: RefusalFacts, said: string): string[] {
  const { hop, method, head, status } = facts;
  if (status !== undefined && head.status !== 407 && head.status !== 401) return [];
  switch (head.status) {
    case 401:
    case 407:
      return credentialAdvice(facts);
    case 403:
      return method === 'CONNECT' && !/\b443\b/.test(said) ? portAdvice(facts) : [];
    case 400:
      return /\bhttps\b|\bSSL\b|\bTLS\b/i.test(said) ? tlsAdvice(hop) : [];
    case 404:
    case 405:
    case 501:
      return [`it opens no tunnels by ${method}: a web server, or a proxy where that is switched off`];
    default: {
      const place = fieldValues(head.headers, 'location')[0];
      if (head.status !== 511 && (head.status > 399 || place === undefined)) return [];
      const where = place === undefined ? '' : `: ${printable(place)}`;
      return [`a login page may stand in the way; a browser shows it${where}`];
    }
  }
}

function waitAdvice(ms: number): string {
  const asked = `it asks to wait ${formatDuration(Math.ceil(ms / 1000) * 1000)}`;
  const limit = formatDuration(longestRetryAfterMs);
  return ms > longestRetryAfterMs
    ? `${asked}, and no retry waits longer than ${limit}`
    : `${asked}: --retry N does so, up to ${limit}`;
}

/** Hosts that, by their own documentation, offer the same service on port 443 under another name. */
const onPort443: Readonly<Record<string, string>> = {
  'github.com': 'ssh.github.com',
  'gitlab.com': 'altssh.gitlab.com',
  'bitbucket.org': 'altssh.bitbucket.org',
};

function portAdvice({ address }: RefusalFacts): string[] {
  if (address.kind !== 'tcp' || address.port === 443) return [];
  const other = address.port === 22 ? onPort443[address.host] : undefined;
  return [
    `many proxies allow CONNECT to port 443 only, and this is port ${address.port}`,
    ...(other === undefined ? [] : [`${other}:443 is the same as ${address.host}:22`]),
  ];
}

function tlsAdvice({ scheme }: Hop): string[] {
  const secured = securedScheme(scheme);
  return secured === undefined ? [] : [`it wants TLS: ${secured}:// instead of ${scheme}://`];
}

function credentialAdvice({ hop, head, method, tried = [] }: RefusalFacts): string[] {
  const asks = head.status === proxyAuth.status ? proxyAuth : originAuth;
  const schemes = listOffers(fieldValues(head.headers, asks.challenge));
  const offer = schemes.length === 0 ? [] : [`it offers ${printable(schemes.join(', '))} authentication`];
  const known = schemes.map((scheme) => scheme.toLowerCase());
  if (isFieldGiven(hop.headers, asks))
    return [...offer, `it does not accept the ${asks.credentials} header that was sent`];
  if (asks === originAuth && method === 'CONNECT')
    return [...offer, 'it asks as a web server does, with 401 in place of 407, and is not answered'];
  const wantsUser = known.length === 0 || known.some((scheme) => userSchemes.has(scheme));
  if (!hop.credentials && wantsUser) return [...offer, ...tried, userAdvice(hop)];
  if (tried.length > 0) return [...offer, ...tried];
  if (hop.credentials && wantsUser) return [...offer, wrongPassword];
  return [...offer, ...otherSchemeAdvice(known)];
}

/** The schemes that take a user and a password. */
const userSchemes: ReadonlySet<string> = new Set(['basic', 'digest', 'ntlm']);

export function userAdvice(hop: Hop): string {
  const url = `${hop.scheme}://USER@${formatPlace(hop.address)}`;
  return (
    `name a user: ${url}; the password is taken from TUNL_PROXY_PASSWORD, ` +
    '--password-file, ~/.netrc or SSH_ASKPASS, or asked for'
  );
}

function otherSchemeAdvice(schemes: readonly string[]): string[] {
  if (schemes.includes('bearer')) return ['name the file of its token: ?token-file=FILE in the URL of the proxy'];
  return ['a gateway on this machine that knows it can stand in between (px, cntlm)'];
}

/** Lists the schemes of challenges in order, as they were written. */
function listOffers(values: readonly string[]): string[] {
  return [...new Set(parseChallenges(values).map(({ title }) => title))];
}

/** Returns the first words of the body that a person would read, without markup. */
function firstWords(head: ResponseHead, body: string): string {
  const html =
    (fieldValues(head.headers, 'content-type')[0] ?? '').includes('html') || /^\s*<(!doctype|html)/i.test(body);
  const text = html
    ? body.replaceAll(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<!--[\s\S]*?-->|<[^>]*>/g, ' ')
    : body;
  return trimSquidPage(decodeEntities(text).replaceAll(/\s+/g, ' ').trim()).slice(0, 200);
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" };

function decodeEntities(text: string): string {
  return text.replaceAll(/&([a-z]+|#39);/g, (whole, name: string) => entities[name] ?? whole);
}

/** Makes text from a proxy safe for a terminal: removes control characters and with them escape sequences. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}
