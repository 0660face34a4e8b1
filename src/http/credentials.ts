import type { HeaderField } from '../core/hop.ts';
import { type Credentials, Secret } from '../core/secret.ts';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
// RFC 7617, section 2: neither part may hold control characters.
const control = /[\u0000-\u001f\u007f]/;

/** The `Proxy-Authorization` field for Basic credentials (RFC 7617). */
export function basicField({ user, password }: Credentials): HeaderField {
  const token = Buffer.from(`${user}:${password.reveal()}`, 'utf8').toString('base64');
  return ['Proxy-Authorization', `Basic ${token}`];
}

/** Reads Basic credentials; `undefined` for another scheme or anything malformed. */
export function parseBasic(value: string): Credentials | undefined {
  const match = /^basic +([^ ]+)$/i.exec(value);
  const token = match?.[1];
  if (token === undefined || token.length > 4096 || !base64.test(token)) return undefined;
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0 || control.test(text)) return undefined;
  return { user: text.slice(0, colon), password: new Secret(text.slice(colon + 1)) };
}

/** The challenge that goes with a 407 (RFC 7617, section 2.1). */
export const basicChallenge: HeaderField = ['Proxy-Authenticate', 'Basic realm="tunl", charset="UTF-8"'];
