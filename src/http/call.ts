import type { Readable } from 'node:stream';
import type { HeaderField } from '../core/hop.ts';
import type { Link } from '../core/link.ts';

/** Interim answers (1xx) before the final one; more than a few is a peer that only keeps us busy. */
export const maxInterim = 64;

/** The body of a Call, on its way from whoever sends it. */
export interface CallBody {
  readonly source: Readable;
  /** How many bytes it has, where that is known before. */
  readonly bytes: number | undefined;
  /** The fields behind it, complete once it has ended. */
  trailers(): readonly HeaderField[];
  /** Set once a byte of it has been taken: it cannot be sent again. */
  isTaken: boolean;
}

/**
 * What a Call opens: a tunnel by CONNECT, another protocol, written as in `Upgrade`, or a tunnel in the two bodies of
 * the exchange itself. Where `isAccepted` is absent, the status is the one that HTTP has for it.
 */
export type Opens = (
  | { readonly kind: 'connect' | 'bodies' }
  | { readonly kind: 'upgrade'; readonly protocol: string }
) & { readonly isAccepted?: (status: number) => boolean };

/** Who is asked, as messages and failures name it. */
export interface Asked {
  /** `upstream shop`, `proxy:3128`. */
  readonly name: string;
  /** The request, where messages say it: `CONNECT db:5432`. */
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
  /** Fields in their order, names in lower case, without `host` and those of the connection. */
  readonly headers: readonly HeaderField[];
  /** Absent where there is none. */
  readonly body?: CallBody;
  readonly opens?: Opens;
  /** Told of interim answers (1xx), but not of 100 and 101. Where absent, HTTP/2 takes any number of them, since nobody is kept busy. */
  readonly onInterim?: (status: number, headers: readonly HeaderField[]) => void;
}

/** The answer to a Call. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly HeaderField[];
  /** Set where the Call opened what it asked for: both directions from here on. Then there is no body. */
  readonly link?: Link;
  /** Ends only once it is complete; what was cut short fails. Paused until it is read. */
  readonly body: Readable;
  /** The fields behind the body, complete once it has ended. */
  trailers(): readonly HeaderField[];
  /** Gives the whole exchange up; the other side sees an abort unless it is over. Idempotent. */
  cancel(error: Error): void;
}

/** True for a status that says yes (RFC 9110, section 15.3). */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
