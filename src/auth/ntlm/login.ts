import type { Credentials } from '../../core/secret.ts';
import { serverEndPoint } from '../model/channel-binding.ts';
import type { Challenge } from '../model/challenge.ts';
import { type AuthRequest, type HopLogin, noPassword, type Step, wrongPassword } from '../model/scheme.ts';
import { formatNegotiate, parseChallenge } from './messages.ts';
import { authenticate, type NtlmAccount } from './ntlmv2.ts';

/**
 * Makes the NTLM login of a hop. Each attempt has three messages, on one connection.
 * @param targetName the service: `HTTP/proxy.corp`
 */
export function openNtlm(credentials: Credentials | undefined, targetName: string): HopLogin {
  return {
    begin: (request) => new Attempt(credentials, targetName, request),
  };
}

class Attempt {
  readonly #credentials: Credentials | undefined;
  readonly #targetName: string;
  readonly #request: AuthRequest;
  /** The first message, once it was sent. */
  #negotiate: Buffer | undefined;
  #isAuthenticated = false;

  constructor(credentials: Credentials | undefined, targetName: string, request: AuthRequest) {
    this.#credentials = credentials;
    this.#targetName = targetName;
    this.#request = request;
  }

  start(): Promise<Step> {
    if (!this.#credentials) return unable(noPassword);
    this.#negotiate = formatNegotiate();
    return send(this.#negotiate);
  }

  answer(challenges: readonly Challenge[]): Promise<Step> {
    if (!this.#negotiate || !this.#credentials) return this.start();
    if (this.#isAuthenticated) {
      return Promise.resolve({
        kind: 'refused',
        reason: wrongPassword,
        hints: splitHints(this.#credentials),
      });
    }
    const token = challenges.find((challenge) => challenge.token !== undefined)?.token;
    if (token === undefined) return unable('it answers the first message without a challenge');
    const challenge = parseChallenge(Buffer.from(token, 'base64'));
    if (typeof challenge === 'string') return unable(challenge);
    this.#isAuthenticated = true;
    const { certificate } = this.#request;
    const channel = certificate && serverEndPoint(certificate);
    const binding = { targetName: this.#targetName, channel };
    return send(authenticate(toAccount(this.#credentials), this.#negotiate, challenge, binding));
  }
}

/** Splits `DOMAIN\USER`; a user with an `@` is sent as it is, without a domain. */
export function toAccount({ user, password }: Credentials): NtlmAccount {
  const at = user.indexOf('\\');
  return { domain: at < 0 ? '' : user.slice(0, at), user: user.slice(at + 1), password: password.reveal() };
}

function splitHints({ user }: Credentials): string[] {
  if (/[\\@]/.test(user)) return [];
  return ['the user has no domain: DOMAIN\\USER, with %5C for the backslash in a URL'];
}

function send(message: Buffer): Promise<Step> {
  return Promise.resolve({ kind: 'send', credentials: `NTLM ${message.toString('base64')}` });
}

function unable(reason: string): Promise<Step> {
  return Promise.resolve({ kind: 'unable', reason });
}
