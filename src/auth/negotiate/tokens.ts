/** The name of a service in Kerberos: `HTTP/proxy.corp.example`. */
export interface ServiceName {
  readonly service: string;
  readonly host: string;
}

/** Writes the name as SSPI and `?spn=` have it: `HTTP/proxy.corp.example`. */
export function formatServiceName({ service, host }: ServiceName): string {
  return `${service}/${host}`;
}

/** What tokens are wanted for. */
export interface TokenOrder {
  readonly name: ServiceName;
  /** The channel binding of the TLS connection to the proxy, with its prefix (RFC 5929); absent without TLS. */
  readonly binding?: Buffer;
  /** Ends the work, whatever it waits for. */
  readonly signal: AbortSignal;
}

/** The exchange of tokens for one request. It ends with `close`, whatever came before. */
export interface TokenContext {
  /**
   * Makes the first token, or the answer to a token of the proxy.
   * @throws {TokenError} with the reason of the library
   * @throws {TunlError} the reason of the order's signal
   */
  step(challenge?: Buffer): Promise<Buffer>;
  /**
   * Checks the token with which the proxy proves who it is (mutual authentication).
   * @returns `proven`, or `unchecked` where the source cannot check it
   * @throws {TokenError} if the proof is wrong
   */
  finish(proof: Buffer): Promise<'proven' | 'unchecked'>;
  /** Gives everything back. Idempotent; a call that still runs is waited for in the background. */
  close(): void;
}

/** A way to the tokens of the user who is logged on to this machine. */
export interface TokenSource {
  /** The name in messages. */
  readonly name: string;
  /** True if its tokens have the channel binding of the order. */
  readonly bindsChannels: boolean;
  /** Returns the reason why no token can be had in this way; undefined if one may be had. It is found out once. */
  whyNot(): Promise<string | undefined>;
  /** Begins an exchange. @throws {TunlError} the reason of the order's signal */
  open(order: TokenOrder): Promise<TokenContext>;
}

/** No token could be had, or a proof is wrong. The message has the words of the library that said so. */
export class TokenError extends Error {
  /** Advice to the user. */
  readonly hints: readonly string[];

  constructor(message: string, hints: readonly string[] = []) {
    super(message);
    this.name = 'TokenError';
    this.hints = hints;
  }
}
