import type { Readable, Writable } from 'node:stream';
import type { Exchange } from './carrier.ts';
import type { HeaderField } from './hop.ts';

/** The body of an answer, written piece by piece; `destroy(error)` cuts it so that the client sees an abort. */
export interface AnswerBody extends Writable {
  /** Fields to send after the body (RFC 9110, section 6.5); called before `end()`, ignored where there is no place for them. */
  setTrailers(fields: readonly HeaderField[]): void;
}

/** A request to an HTTP stage: an Exchange whose two bodies are streams of their own. */
export interface HttpRequest extends Exchange {
  /** What the client used to reach us, as far as we know it. */
  readonly scheme: 'http' | 'https';
  /** The protocol that an extended CONNECT asks for (RFC 8441), or that `Upgrade` names (RFC 9110, section 7.8), in lower case. */
  readonly upgradeTo?: string;
  /** How many bytes the body has, where the client said so; `undefined` where it ends when it ends. */
  readonly contentLength: number | undefined;
  /** True where there is no body at all, not even an empty one that has yet to end. */
  readonly isBodiless: boolean;
  /** The body without its framing. It fails when the client cuts it short, and never ends then. */
  readonly body: Readable;
  /** The fields that came after the body; complete once it has ended. */
  trailers(): readonly HeaderField[];
  /** Sends an interim answer (1xx but 101); nothing where the client would not understand it. */
  inform(status: number, headers: readonly HeaderField[]): void;
  /**
   * Sends the head of the answer. Fields that belong to the connection are left out; the framing is chosen from
   * `Content-Length` and what the client understands. The exchange is over once both bodies are.
   */
  answer(status: number, headers: readonly HeaderField[]): AnswerBody;
}
