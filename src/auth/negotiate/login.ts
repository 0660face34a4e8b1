import type { Hop } from '../../core/hop.ts';
import { messageOf, TunlError } from '../../core/errors.ts';
import { toPrintable } from '../../syntax/text.ts';
import { serverEndPoint } from '../model/channel-binding.ts';
import type { Accepted, Attempt, AuthRequest, HopLogin, Step } from '../model/scheme.ts';
import type { Challenge } from '../model/challenge.ts';
import { readServiceName } from './service-name.ts';
import { findTokenSource, type FindSource } from './sources.ts';
import { readToken } from './spnego.ts';
import { formatServiceName, type ServiceName, TokenError, type TokenContext } from './tokens.ts';

/** The most characters of a library's words that a message repeats. */
const maxWords = 400;

/** Authenticates at a hop with tokens of the user who is logged on (RFC 4559). Each request has tokens of its own. */
export function openNegotiate(hop: Hop, find: FindSource = findTokenSource): HopLogin {
  const name = readServiceName(hop);
  return { begin: (request) => new NegotiateAttempt(name, find, request) };
}

class NegotiateAttempt implements Attempt {
  readonly #name: ServiceName | undefined;
  readonly #find: FindSource;
  readonly #request: AuthRequest;
  #context: TokenContext | undefined;
  #sent: Buffer | undefined;
  /** The source whose tokens lack the channel binding that there is. */
  #unbound: string | undefined;

  constructor(name: ServiceName | undefined, find: FindSource, request: AuthRequest) {
    this.#name = name;
    this.#find = find;
    this.#request = request;
  }

  start(): Promise<Step> {
    return this.#send();
  }

  async answer([challenge]: readonly Challenge[]): Promise<Step> {
    if (!this.#sent) return this.#send();
    const sent = this.#describeSent(this.#sent);
    const token = tokenOf(challenge);
    if (!token) return { kind: 'unable', reason: `it does not accept ${sent}`, hints: this.#refusedHints() };
    if (readToken(token).state === 'rejected')
      return { kind: 'unable', reason: `it rejects ${sent}`, hints: this.#refusedHints() };
    return this.#send(token);
  }

  async confirm({ challenge }: Accepted): Promise<string | undefined> {
    const proof = tokenOf(challenge);
    // Most proxies send none, and curl asks for none.
    if (!proof || !this.#context) return undefined;
    if (readToken(proof).state === 'rejected') return 'accepts the request and rejects our token';
    try {
      await this.#context.finish(proof);
      return undefined;
    } catch (error) {
      if (error instanceof TunlError) throw error;
      return `does not prove that it is ${this.#formatName()}: ${wordsOf(error)}`;
    }
  }

  close(): void {
    this.#context?.close();
  }

  async #send(challenge?: Buffer): Promise<Step> {
    const name = this.#name;
    if (!name) return { kind: 'unable', reason: 'an address has no name in Kerberos' };
    try {
      this.#context ??= await this.#open(name);
      const token = await this.#context.step(challenge);
      if (token.length === 0) return { kind: 'unable', reason: 'there is nothing more to answer' };
      this.#sent = token;
      return { kind: 'send', credentials: `Negotiate ${token.toString('base64')}` };
    } catch (error) {
      // The signal's reason is not about authentication.
      if (error instanceof TunlError) throw error;
      const hints = error instanceof TokenError ? error.hints : [];
      return { kind: 'unable', reason: `no token for ${formatServiceName(name)}: ${wordsOf(error)}`, hints };
    }
  }

  async #open(name: ServiceName): Promise<TokenContext> {
    const { certificate, signal } = this.#request;
    const binding = certificate && serverEndPoint(certificate);
    const source = await this.#find();
    if (binding && !source.bindsChannels) this.#unbound = source.name;
    return source.open({ name, signal, ...(binding && { binding }) });
  }

  #describeSent(token: Buffer): string {
    const { mechanism } = readToken(token);
    return `the ${mechanism === undefined ? 'token' : `${mechanism} token`} for ${this.#formatName()}`;
  }

  #formatName(): string {
    return this.#name ? formatServiceName(this.#name) : '';
  }

  #refusedHints(): readonly string[] {
    const name = this.#formatName();
    return [
      `if ${name} is not the name under which the proxy is known to Kerberos, write ?spn=HTTP/NAME`,
      ...(this.#unbound === undefined
        ? []
        : [
            `the proxy may demand a channel binding, which tokens from ${this.#unbound} lack: install koffi beside tunl`,
          ]),
    ];
  }
}

function tokenOf(challenge: Challenge | undefined): Buffer | undefined {
  const token = challenge?.token === undefined ? undefined : Buffer.from(challenge.token, 'base64');
  return token && token.length > 0 ? token : undefined;
}

/** Words of libraries and programs, which may be long. */
function wordsOf(error: unknown): string {
  return toPrintable(messageOf(error)).slice(0, maxWords);
}
