import { computeDigest, type DigestHash, digestHashes, findAlgorithm, hashValues } from '../auth/digest/digest.ts';
import { formatOffer } from '../auth/digest/fields.ts';
import { usageError } from '../core/errors.ts';
import type { DigestProof } from '../core/secret.ts';
import { hasControl } from '../syntax/text.ts';
import { fingerprint, isSameSecret } from './fingerprint.ts';
import type { Nonces } from './nonces.ts';

/** The users of a server who may prove who they are by Digest: the lines of an htdigest file. */
export interface DigestKeys {
  readonly realm: string;
  /** The best hash. Every user has a key of it, because clients choose it. */
  readonly best: DigestHash;
  /** The hash of user, realm and password, for each user, by the kind of hash. None is empty. */
  readonly keys: ReadonlyMap<DigestHash, ReadonlyMap<string, string>>;
}

/** A line of an htdigest file. */
export interface DigestLine {
  /** The file and the line, for messages. */
  readonly where: string;
  readonly user: string;
  readonly realm: string;
  readonly hash: DigestHash;
  readonly key: string;
}

/** Reads `USER:REALM:HASH`; the length of the hash tells its kind. Undefined if the line has another form. */
export function parseDigestLine(line: string, where: string): DigestLine | undefined {
  const [user = '', realm = '', key = '', ...others] = line.split(':');
  const hash = /^[\da-f]{32}$/i.test(key) ? 'MD5' : /^[\da-f]{64}$/i.test(key) ? 'SHA-256' : undefined;
  if (!hash || realm === '' || hasControl(realm) || others.length > 0) return undefined;
  return { where, user, realm, hash, key: key.toLowerCase() };
}

/**
 * Collects the lines of a file; undefined if there are none.
 * @throws {TunlError} usage, if there are several realms, or if a client could choose a hash that its user lacks
 */
export function collectKeys(lines: readonly DigestLine[]): DigestKeys | undefined {
  const [first] = lines;
  const best = digestHashes.find((hash) => lines.some((line) => line.hash === hash));
  if (!first || !best) return undefined;
  const { realm } = first;
  const keys = new Map<DigestHash, Map<string, string>>();
  for (const { where, user, realm: other, hash, key } of lines) {
    if (other !== realm) throw usageError(`${where}: another realm than that of the lines before`);
    const ofHash = keys.get(hash) ?? new Map<string, string>();
    keys.set(hash, ofHash.set(user, key));
  }
  const lacking = lines.find(({ user }) => !keys.get(best)?.has(user));
  if (!lacking) return { realm, best, keys };
  const hint = `clients choose ${best} where some user has it, so give it to every user`;
  throw usageError(`${lacking.where}: the user has no line with ${best}`, hint);
}

/** What a digest proves: who the client is; nothing; or that, but for a nonce that is good no more. */
export type DigestVerdict = 'right' | 'wrong' | 'stale';

/** Writes a challenge for each kind of hash, the best first: clients take the first that they know. */
export function writeChallenges({ realm, keys }: DigestKeys, nonces: Nonces, isStale: boolean): readonly string[] {
  const nonce = nonces.issue();
  return digestHashes.filter((hash) => keys.has(hash)).map((hash) => formatOffer(hash, realm, nonce, isStale));
}

/** Makes the keys of a user whose password is known, for every kind of hash that the other users have. */
export function addUser({ keys, ...digest }: DigestKeys, user: string, password: string): DigestKeys {
  const all = Array.from(
    keys,
    ([hash, ofHash]) => [hash, new Map([...ofHash, [user, hashValues(hash, user, digest.realm, password)]])] as const,
  );
  return { ...digest, keys: new Map(all) };
}

/** Verifies a digest, with the same work whether the user exists or not. A right one uses up the count of its nonce. */
export function verifyDigest({ realm, keys }: DigestKeys, nonces: Nonces, proof: DigestProof): DigestVerdict {
  const { user, params, method } = proof;
  const [uri = '', nonce = '', cnonce = ''] = ['uri', 'nonce', 'cnonce'].map((name) => params.get(name));
  const [nc = '', response = ''] = ['nc', 'response'].map((name) => params.get(name)?.toLowerCase());
  const algorithm = findAlgorithm(params.get('algorithm'));
  const ofHash = algorithm && !algorithm.isSession ? keys.get(algorithm.hash) : undefined;
  const isOurs = params.get('realm') === realm && params.get('qop') === 'auth' && isSameTarget(uri, proof.target);
  if (!algorithm || !ofHash || !isOurs || !/^[\da-f]{8}$/.test(nc)) return 'wrong';
  const known = ofHash.get(user);
  const key = known ?? fingerprint(user).toString('hex');
  const expected = computeDigest({ algorithm, key, method, uri, nonce, cnonce, nc, qop: 'auth' });
  if (!isSameSecret(response, expected) || known === undefined) return 'wrong';
  return nonces.take(nonce, Number.parseInt(nc, 16)) ? 'right' : 'stale';
}

/** Compares the target of a digest with that of its request: clients of proxies may leave the scheme and the host out. */
function isSameTarget(uri: string, target: string): boolean {
  return uri === target || toPath(uri) === toPath(target);
}

function toPath(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path === '' ? '/' : path;
}
