import type { Readable } from 'node:stream';
import type { PauseCount } from '../core/flow.ts';
import type { HeaderField } from '../core/hop.ts';
import type { Link } from '../core/link.ts';

/** The most interim answers (1xx) that we read before the final one; a peer that sends more only keeps us busy. */
export const maxInterim = 64;

/** The body of a Call, read while it is sent. */
export interface CallBody {
  readonly source: Readable;
  /** Its length in bytes, if it is known in advance. */
  readonly bytes: number | undefined;
  /** The trailer fields, complete once the body has ended. */
  trailers(): readonly HeaderField[];
  /** Set once a byte of the body has been read: the body cannot be sent again. */
  isTaken: boolean;
  /** Counts the pauses of the source, if anybody wants to know. */
  readonly pauses?: PauseCount | undefined;
  /** Makes the same body once more; present if it is in memory anyway. */
  again?(): CallBody;
}

/**
 * The thing that a Call opens: a tunnel by CONNECT, another protocol (named as in `Upgrade`), or a tunnel in the two
 * bodies of the exchange. If `isAccepted` is absent, the status that HTTP defines for this means success.
 */
export type Opens = (
  | { readonly kind: 'connect' | 'bodies' }
  | { readonly kind: 'upgrade'; readonly protocol: string }
) & { readonly isAccepted?: (status: number) => boolean };

/** The peer that a Call is sent to, as messages and failures name it. */
export interface Asked {
  /** For example `upstream shop` or `proxy:3128`. */
  readonly name: string;
  /** The request, if messages name it, such as `CONNECT db:5432`. */
  readonly what?: string;
  readonly side: 'hop' | 'target';
  readonly phase: 'handshake' | 'relay';
}

/** A request that we send. */
export interface Call {
  readonly method: string;
  /** Path and query; for CONNECT the host and port. */
  readonly target: string;
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  /**
   * Fields in order, without the fields of the connection. Names are in lower case, except where HTTP/1.1 must spell them
   * in another way. A `Host` is absent, or stands first and takes the place of the authority.
   */
  readonly headers: readonly HeaderField[];
  /** Absent if the request has no body. */
  readonly body?: CallBody;
  readonly opens?: Opens;
  /**
   * Receives interim answers (1xx) other than 100 and 101. If it is absent, HTTP/2 accepts any number of them, because
   * no code handles them.
   */
  readonly onInterim?: (status: number, headers: readonly HeaderField[]) => void;
  /**
   * Receives the trailers after the last byte of what the Call opened, over HTTP/2. If it is absent, those of a tunnel by
   * CONNECT are a fault (RFC 9113, section 8.5), and others are dropped.
   */
  readonly onTrailers?: ((fields: readonly HeaderField[]) => void) | undefined;
}

/** The answer to a Call. */
export interface Reply {
  readonly status: number;
  /** The reason phrase as it came; HTTP/2 has none. */
  readonly reason?: string;
  /** Names in lower case. */
  readonly headers: readonly HeaderField[];
  /** Present if the Call opened what it asked for: it carries both directions from then on, and the body is its stream. */
  readonly link?: Link;
  /** Set if the head of a refusal broke off or was too large: nothing behind it is a body. */
  readonly isCut?: true;
  /** Over HTTP/1.1: whether the connection takes another request after this answer (RFC 9112, section 9.3). */
  readonly isPersistent?: boolean;
  /** Ends only if it is complete; a body that was cut short fails. Paused until it is read. */
  readonly body: Readable;
  /** The trailer fields, complete once the body has ended. */
  trailers(): readonly HeaderField[];
  /** Abandons the whole exchange; the other side sees an abort unless the exchange is over. Idempotent. */
  cancel(error: Error): void;
}

/** True for a status that means success (RFC 9110, section 15.3). */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
