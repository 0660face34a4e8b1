import { decodeOctets, decodePercent, encodeOctets, encodePercent } from '../../core/octets.ts';
import { quoteString } from '../../syntax/text.ts';
import { parseChallenges } from '../model/challenge.ts';
import type { DigestHash } from './digest.ts';

/** Parameters that stand in an answer without quotes (RFC 7616, section 3.4). */
const bare = new Set(['algorithm', 'qop', 'nc', 'userhash', 'username*']);

/** The parameters of an answer, in their order; those without a value are left out. */
export type DigestParams = Readonly<Record<string, string | undefined>>;

/** Writes credentials as the value of a field. Text beyond ASCII goes in UTF-8. */
export function formatDigest(params: DigestParams): string {
  const parts = Object.entries(params).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [`${name}=${bare.has(name) ? value : quoteString(value)}`];
  });
  return `Digest ${encodeOctets(parts.join(', ')).toString('latin1')}`;
}

/** Writes a challenge as the value of a field. */
export function formatOffer(hash: DigestHash, realm: string, nonce: string, isStale: boolean): string {
  const values = `realm=${quoteString(realm)}, nonce="${nonce}", qop="auth", algorithm=${hash}, charset=UTF-8`;
  return `Digest ${encodeOctets(values).toString('latin1')}${isStale ? ', stale=true' : ''}`;
}

/**
 * Parses credentials. The names are in lower case, and the values text, of which no byte is lost.
 * @returns undefined if it is not Digest, or more than one scheme
 */
export function parseDigest(value: string): ReadonlyMap<string, string> | undefined {
  const [first, ...others] = parseChallenges([value]);
  return first?.scheme === 'digest' && others.length === 0 ? readParams(first.params) : undefined;
}

/** Turns the values of a field into text. */
export function readParams(params: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(Array.from(params, ([name, value]) => [name, decodeOctets(Buffer.from(value, 'latin1'))]));
}

/** Finds the user in credentials: `username`, or `username*`, which is in UTF-8 (RFC 8187). */
export function readUser(params: ReadonlyMap<string, string>): string | undefined {
  const [plain, extended] = [params.get('username'), params.get('username*')];
  if (extended === undefined || plain !== undefined) return extended === undefined ? plain : undefined;
  const [, encoded] = /^UTF-8'[^']*'([^']*)$/i.exec(extended) ?? [];
  return encoded === undefined ? undefined : decodePercent(encoded);
}

/**
 * Makes the parameters that name the user. `username*` is for servers that say which characters they take: older ones
 * do not know it, and get the bytes.
 */
export function nameUser(user: string, isExtended: boolean): DigestParams {
  const isAscii = /^[\x20-\x7e]*$/.test(user);
  if (isAscii || !isExtended) return { username: user };
  // RFC 8187 allows fewer characters than a URL.
  const encoded = encodePercent(user).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return { 'username*': `UTF-8''${encoded}` };
}
