import type { Hop } from '../../core/hop.ts';
import type { Challenge } from './challenge.ts';

/** The obstacle of schemes that need a user and a password. */
export const noPassword = 'no user and password';

/** The reason of a hop that has checked a password and refused it. */
export const wrongPassword = 'it does not accept the user and the password that were sent';

/** The obstacle of schemes that need a token of the user's. */
export const noToken = 'no token';

/** True for a user with a domain, `DOMAIN\\USER`: accounts of that form are those of Windows, which NTLM checks. */
export function hasDomain({ credentials }: Hop): boolean {
  return credentials?.user.includes('\\') === true;
}

/**
 * One authentication scheme for hops. What is here is read before anybody is asked for anything, so its file loads
 * nothing but types: `open` imports the code.
 */
export interface Scheme {
  /** The name in lower case, as in `--proxy-auth` and as challenges are compared. */
  readonly name: string;
  /** The name as it is written in messages and in fields. */
  readonly title: string;
  /**
   * `connection`: the scheme authenticates a connection, so it needs HTTP/1.1, and its rounds stay on one connection.
   * `request`: each request is authenticated for itself, over any version and any connection.
   */
  readonly binding: 'request' | 'connection';
  /** One line on what it needs, for help and the manual. */
  readonly summary: string;
  /**
   * Returns why it cannot be begun at this hop, as far as the hop's own settings tell, such as `noPassword`;
   * undefined if it can be tried. It looks nowhere else: what must be asked of the system is said by a Step.
   */
  readonly obstacle: (hop: Hop) => string | undefined;
  /**
   * True if what the user has given is in all likelihood for another scheme, which `auto` then tries first: a password
   * that one scheme has refused is not sent by the next.
   */
  readonly isUnlikely?: (hop: Hop) => boolean;
  /** Loads the code and makes what it keeps for this hop. @throws nothing: what fails is said by a Step */
  readonly open: (hop: Hop) => Promise<HopLogin>;
}

/**
 * What a scheme keeps for one hop as long as the process lasts, such as a nonce and its counter. Many tunnels use it at
 * once.
 */
export interface HopLogin {
  /** Begins to authenticate one request, on one connection. */
  begin(request: AuthRequest): Attempt;
}

/** The request that is to be authenticated. */
export interface AuthRequest {
  readonly method: string;
  /** The request target as it is sent: of a CONNECT `host:port`. */
  readonly target: string;
  /** The certificate that the hop has shown, in DER, if TLS is on the way to it: for channel bindings (RFC 5929). */
  readonly certificate?: Uint8Array;
  /** Aborted when nobody waits for the tunnel any more. */
  readonly signal: AbortSignal;
}

/** The authentication of one request: a round, or a few on one connection. */
export interface Attempt {
  /**
   * Returns the credentials to send before the hop has asked for any. Undefined if the scheme needs a challenge first.
   * It is called once at most, before `answer`.
   */
  start(): Promise<Step | undefined>;
  /**
   * Answers a 407. `challenges` are those of this scheme, in order: several of Digest differ in their algorithms. There
   * are none if the 407 does not offer the scheme. It is called first for the 407 that made us choose the scheme, unless
   * `start` gave credentials, and then for each 407 that answered our credentials.
   */
  answer(challenges: readonly Challenge[]): Promise<Step>;
  /**
   * Reads the answer that accepted the request, for a proof that the hop is who it should be.
   * @returns what is wrong with the proof, as a phrase after the name of the hop; undefined if nothing is
   */
  confirm?(success: Accepted): Promise<string | undefined>;
  /** Ends what the attempt has started; called once, whatever came of it. */
  close?(): void;
}

/** The next thing to do. */
export type Step =
  /** Send this value of `Proxy-Authorization`, which begins with the name of the scheme. */
  | { readonly kind: 'send'; readonly credentials: string }
  /** The scheme cannot go on here, and no password was checked: the next one is tried. The reason is for the user. */
  | { readonly kind: 'unable'; readonly reason: string; readonly hints?: readonly string[] }
  /** The hop has checked a password and refused it: nothing else is tried, because accounts are locked. */
  | { readonly kind: 'refused'; readonly reason: string; readonly hints?: readonly string[] };

/** What an answer that accepted a request says about the authentication. */
export interface Accepted {
  /** The challenge of this scheme that came with the answer: a last token (RFC 4559, section 5). */
  readonly challenge?: Challenge;
  /** The value of `Proxy-Authentication-Info` (RFC 9110, section 11.7.3), such as `nextnonce="…"`. */
  readonly info?: string;
}
