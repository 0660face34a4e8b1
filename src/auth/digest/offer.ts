import { hasControl } from '../../syntax/text.ts';
import type { Challenge } from '../model/challenge.ts';
import { type DigestAlgorithm, digestHashes, type DigestQop, findAlgorithm } from './digest.ts';
import { readParams } from './fields.ts';

/** A challenge of Digest that we can answer. */
export interface DigestOffer {
  readonly algorithm: DigestAlgorithm;
  /** The algorithm as it was written; absent if it was not. */
  readonly written: string | undefined;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** Absent in the form of RFC 2069. */
  readonly qop: DigestQop | undefined;
  readonly userhash: boolean;
  /** True if the server says that it takes UTF-8, or knows RFC 7616 by its hash. */
  readonly isModern: boolean;
  /** True if only the nonce was refused. */
  readonly stale: boolean;
}

/** Chooses the best of several challenges: that with the best hash, and of those the first. Undefined if none is known. */
export function chooseOffer(challenges: readonly Challenge[]): DigestOffer | undefined {
  const offers = challenges.flatMap((challenge) => readOffer(challenge) ?? []);
  const rank = ({ algorithm }: DigestOffer) => digestHashes.indexOf(algorithm.hash);
  return offers.toSorted((one, other) => rank(one) - rank(other))[0];
}

function readOffer(challenge: Challenge): DigestOffer | undefined {
  const params = readParams(challenge.params);
  const written = params.get('algorithm');
  const algorithm = findAlgorithm(written);
  const [realm, nonce] = [params.get('realm'), params.get('nonce')];
  const qop = chooseQop(params.get('qop'));
  // They could not be sent back.
  if ([...params.values()].some(hasControl)) return undefined;
  if (!algorithm || realm === undefined || nonce === undefined || qop === 'unknown') return undefined;
  return {
    algorithm,
    written,
    realm,
    nonce,
    opaque: params.get('opaque'),
    qop,
    userhash: isTrue(params.get('userhash')),
    isModern: params.get('charset')?.toLowerCase() === 'utf-8' || algorithm.hash !== 'MD5',
    stale: isTrue(params.get('stale')),
  };
}

function chooseQop(value = ''): DigestQop | undefined | 'unknown' {
  const names = value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  if (names.length === 0) return undefined;
  return (['auth', 'auth-int'] as const).find((name) => names.includes(name)) ?? 'unknown';
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}
