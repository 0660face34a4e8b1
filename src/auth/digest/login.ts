import { randomBytes } from 'node:crypto';
import type { Credentials } from '../../core/secret.ts';
import { type Challenge, parseChallenges } from '../model/challenge.ts';
import {
  type Accepted,
  type Attempt,
  type AuthRequest,
  type HopLogin,
  noPassword,
  type Step,
  wrongPassword,
} from '../model/scheme.ts';
import { computeDigest, type DigestTerms, formatCount, hashValues } from './digest.ts';
import { formatDigest, nameUser, readParams } from './fields.ts';
import { chooseOffer, type DigestOffer } from './offer.ts';

/** The most nonces whose counts are kept: a proxy that gives out one nonce many times gets each count once. */
const maxNonces = 256;

/** A nonce, with what its challenge said. */
interface Nonce {
  readonly offer: DigestOffer;
  /** One for all requests: servers disagree about whether a session (`-sess`) may change it. */
  readonly cnonce: string;
  /** The key for it: a hash of user, realm and password. */
  readonly key: string;
  count: number;
  /** The hop has accepted it once, so the password was right. */
  isAccepted: boolean;
}

/** What was sent to the hop. */
interface Sent {
  readonly nonce: Nonce;
  readonly terms: DigestTerms;
}

/** Makes the Digest login of a hop. All its tunnels use one nonce and one counter as long as the hop takes them. */
export function openDigest(credentials: Credentials | undefined): HopLogin {
  const nonces = credentials && new Nonces(credentials);
  return { begin: (request) => new DigestAttempt(nonces, request) };
}

/** The nonces of one hop. */
class Nonces {
  readonly #credentials: Credentials;
  readonly #known = new Map<string, Nonce>();
  /** The nonce that is used before the hop asks. */
  #current: Nonce | undefined;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  get user(): string {
    return this.#credentials.user;
  }

  get current(): Nonce | undefined {
    return this.#current;
  }

  /** Finds the nonce of a challenge, or begins with it. */
  take(offer: DigestOffer): Nonce {
    const { hash, isSession } = offer.algorithm;
    const id = JSON.stringify([offer.realm, offer.nonce, hash, isSession, offer.qop]);
    const known = this.#known.get(id);
    if (known) return known;
    const { user, password } = this.#credentials;
    const key = hashValues(hash, user, offer.realm, password.reveal());
    const nonce: Nonce = { offer, cnonce: randomBytes(18).toString('base64'), key, count: 0, isAccepted: false };
    this.#known.set(id, nonce);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxNonces && oldest !== undefined) this.#known.delete(oldest);
    return nonce;
  }

  accept(nonce: Nonce, next: string | undefined): void {
    nonce.isAccepted = true;
    this.#current = nonce;
    // The key of a session belongs to the nonce of its challenge, and servers disagree about what a new one changes.
    if (next === undefined || nonce.offer.algorithm.isSession) return;
    this.#current = this.take({ ...nonce.offer, nonce: next, stale: false });
    this.#current.isAccepted = true;
  }

  /** Forgets a nonce that the hop takes no more. */
  drop(nonce: Nonce): void {
    if (this.#current === nonce) this.#current = undefined;
  }
}

class DigestAttempt implements Attempt {
  readonly #nonces: Nonces | undefined;
  readonly #request: AuthRequest;
  #sent: Sent | undefined;
  #isRenewed = false;

  constructor(nonces: Nonces | undefined, request: AuthRequest) {
    this.#nonces = nonces;
    this.#request = request;
  }

  start(): Promise<Step | undefined> {
    const nonce = this.#nonces?.current;
    return Promise.resolve(this.#nonces && nonce && this.#send(this.#nonces, nonce));
  }

  answer(challenges: readonly Challenge[]): Promise<Step> {
    return Promise.resolve(this.#nonces ? this.#answer(this.#nonces, challenges) : unable(noPassword));
  }

  confirm({ info }: Accepted): Promise<string | undefined> {
    const sent = this.#sent;
    if (!this.#nonces || !sent) return Promise.resolve(undefined);
    const params = readInfo(info);
    const proof = params.get('rspauth');
    const expected = computeDigest({ ...sent.terms, method: '' });
    if (proof !== undefined && proof.toLowerCase() !== expected) {
      this.#nonces.drop(sent.nonce);
      return Promise.resolve('did not prove that it knows the password');
    }
    this.#nonces.accept(sent.nonce, params.get('nextnonce'));
    return Promise.resolve(undefined);
  }

  #answer(nonces: Nonces, challenges: readonly Challenge[]): Step {
    const { nonce: refused } = this.#sent ?? {};
    if (refused) nonces.drop(refused);
    if (refused && challenges.length === 0) return unable('it does not offer it any more');
    const offer = chooseOffer(challenges);
    if (!offer) return unable('it offers no algorithm or protection that is known');
    if (refused) {
      // A nonce that was good before may be forgotten since, which not every proxy calls stale.
      const isForgotten = offer.stale || (refused.isAccepted && offer.nonce !== refused.offer.nonce);
      if (!isForgotten) return { kind: 'refused', reason: wrongPassword };
      if (this.#isRenewed) return unable('it refuses each new nonce as stale');
      this.#isRenewed = true;
    }
    return this.#send(nonces, nonces.take(offer));
  }

  #send({ user }: Nonces, nonce: Nonce): Step {
    const { offer, key, cnonce } = nonce;
    const { algorithm, realm, qop, userhash } = offer;
    const { method, target } = this.#request;
    const nc = formatCount(++nonce.count);
    const terms = { algorithm, key, method, uri: target, nonce: offer.nonce, cnonce, nc, ...(qop && { qop }) };
    this.#sent = { nonce, terms };
    const credentials = formatDigest({
      ...(userhash ? { username: hashValues(algorithm.hash, user, realm) } : nameUser(user, offer.isModern)),
      realm,
      nonce: offer.nonce,
      uri: target,
      response: computeDigest(terms),
      algorithm: offer.written,
      cnonce: qop || algorithm.isSession ? cnonce : undefined,
      opaque: offer.opaque,
      qop,
      nc: qop && nc,
      userhash: userhash ? 'true' : undefined,
    });
    return { kind: 'send', credentials };
  }
}

/** Reads `Proxy-Authentication-Info`, whose parameters are those of a challenge without a scheme. */
function readInfo(info: string | undefined): ReadonlyMap<string, string> {
  const [first] = info === undefined ? [] : parseChallenges([`Info ${info}`]);
  return first ? readParams(first.params) : new Map<string, string>();
}

function unable(reason: string): Step {
  return { kind: 'unable', reason };
}
