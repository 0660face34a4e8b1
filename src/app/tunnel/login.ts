import { within } from '../../core/deadline.ts';
import { requestError } from '../../core/errors.ts';
import type { Peer } from '../../core/link.ts';
import type { Credentials, DigestProof } from '../../core/secret.ts';
import type { Authenticator } from '../../policy/auth.ts';
import type { DigestVerdict } from '../../policy/digest.ts';

/** The proof that a client sends: a password, or a digest of it. */
export interface Proof {
  readonly credentials?: Credentials;
  readonly digest?: DigestProof;
}

/** The code that is answered with 503, so that the client may try again later. */
const busyCode = 'proxy_internal_response';

/** Words for a client whose proof is wrong; they do not say whether the user exists. */
export const wrongLogin = 'wrong password, or there is no such user';

/**
 * Verifies a proof within `limitMs`. Passwords are verified one after the other, so a burst of wrong ones could delay
 * this one without end.
 * @throws {TunlError} proxy_internal_response, if it takes too long; the reason of `gone`
 */
export function verifyLogin(
  users: Authenticator,
  { credentials, digest }: Proof,
  peer: Peer,
  limitMs: number,
  gone: AbortSignal,
): Promise<DigestVerdict> {
  const limit = { ms: limitMs, phase: 'policy', option: '--handshake-timeout', code: busyCode } as const;
  return within(limit, gone, 'the password was not verified', async (signal) => {
    if (digest) return users.verifyDigest(digest, signal, peer);
    return (await users.authenticate(credentials, signal, peer)) === undefined ? 'wrong' : 'right';
  });
}

/**
 * Verifies a password in a protocol that is told nothing but that it is wrong.
 * @throws {TunlError} http_request_error, and what `verifyLogin` throws
 */
export async function assertLogin(...of: Parameters<typeof verifyLogin>): Promise<void> {
  if ((await verifyLogin(...of)) === 'right') return;
  throw requestError(wrongLogin, { phase: 'policy' });
}
