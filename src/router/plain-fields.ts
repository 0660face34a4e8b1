import type { Exchange } from '../core/exchange.ts';
import type { HeaderField } from '../core/hop.ts';
import { isSafeField } from '../http/wire/message.ts';
import { keepEndToEnd } from './connection-fields.ts';
import { toReplyFields } from './reply-fields.ts';
import { joinCookies } from './request-fields.ts';

/**
 * Fields between a client and its proxy, which never go further: those of authentication (RFC 9110, section 11.7), `TE`
 * and `HTTP2-Settings` of the connection. `Host` is written anew from the target.
 */
const ofProxy: ReadonlySet<string> = new Set([
  'host',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
]);

/**
 * Makes the fields with which a proxy forwards a request: those of the client's connection and those for the proxy are
 * left out, our `Via` is added (RFC 9110, section 7.6).
 */
export function toPlainFields(request: Exchange, pseudonym: string): HeaderField[] {
  const kept = keepEndToEnd(request.headers).flatMap((field): HeaderField[] => {
    const [name, value] = field;
    // The reader of the body tells the client to send it.
    if (ofProxy.has(name) || (name === 'expect' && value.toLowerCase() === '100-continue')) return [];
    return [name === 'max-forwards' ? [name, countDown(request.method, value)] : field];
  });
  const { version, upgradeTo } = request;
  return [
    ...(version === '2' ? joinCookies(kept) : kept),
    ['via', `${version} ${pseudonym}`],
    ...(upgradeTo === undefined ? [] : [['connection', 'upgrade'] as const, ['upgrade', upgradeTo] as const]),
  ];
}

/** Makes the fields of an answer for the client of a proxy. Fields that another proxy sent to us alone stay here. */
export function toPlainReplyFields(headers: readonly HeaderField[], pseudonym: string): HeaderField[] {
  return [...toReplyFields(headers.filter(([name]) => !ofProxy.has(name))), ['via', `1.1 ${pseudonym}`]];
}

/** Makes the fields of an interim answer for the client of a proxy. */
export function toPlainInterimFields(headers: readonly HeaderField[]): HeaderField[] {
  return keepEndToEnd(headers).filter((field) => !ofProxy.has(field[0]) && isSafeField(field));
}

/** RFC 9110, section 7.6.2. */
function countDown(method: string, value: string): string {
  const counts = (method === 'TRACE' || method === 'OPTIONS') && /^[1-9][0-9]{0,8}$/.test(value);
  return counts ? String(Number(value) - 1) : value;
}
