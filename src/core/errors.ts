import { type ErrorCode, errorTable } from './error-table.ts';

export { type ErrorCode, errorTable, isErrorCode } from './error-table.ts';

/** On whose side a failure lies, seen from us. */
export type Side = 'client' | 'hop' | 'target' | 'self';

/** What was being done when it failed. Each phase of a dial has a limit of its own. */
export type Phase = 'arguments' | 'listen' | 'request' | 'policy' | 'dns' | 'connect' | 'tls' | 'handshake' | 'relay';

/** Which hop of how many, counted in travel order from 1. */
export interface HopPosition {
  readonly index: number;
  readonly count: number;
}

/** The parts of a TunlError that are not its message. */
export interface ErrorFacts {
  readonly side?: Side;
  readonly phase?: Phase;
  readonly hop?: HopPosition;
  readonly cause?: unknown;
  /** What the person can do, or what the proxy said; printed on lines of their own. */
  readonly hints?: readonly string[];
  /** HTTP status that differs from the table's (a 414 is an `http_request_error` too). */
  readonly status?: number;
  /** Status that a hop answered with. */
  readonly received?: number;
  /** Fields to add to the reply, such as `Allow`. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Resolver's code for `dns_error`, as RFC 9209 names it: `NXDOMAIN`. */
  readonly rcode?: string;
  readonly exit?: number;
  /** A warning has said it already, when it was seen: only who wants no warnings is told now. */
  readonly said?: true;
  /** The stage of a graph that cannot run, by its name. */
  readonly stage?: string;
  /** It is proved that the request was not acted upon (RFC 9113, section 8.7): the same may be sent in a fresh session. */
  readonly unprocessed?: boolean;
  /** The hop wants an older version of HTTP, and the next session with it will speak one. */
  readonly outdated?: boolean;
  /** How long the hop asks to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The code with which an HTTP/2 hop ended the stream or the session. */
  readonly resetCode?: number;
  /** Not a byte of an answer came: what may be done twice may be tried again. */
  readonly unanswered?: boolean;
  /** The reason that the client is told in place of the message, which is for our records alone. */
  readonly told?: string;
  /** The request can be read, and there is no such place: port 0, or what nobody can have as a name. */
  readonly nowhere?: boolean;
}

/**
 * The only error that crosses a folder's border. The message is one line of lower case with no
 * final period and without secrets.
 */
export class TunlError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'TunlError';
    this.code = code;
    this.facts = facts;
  }

  get side(): Side {
    return this.facts.side ?? 'self';
  }

  get phase(): Phase | undefined {
    return this.facts.phase;
  }

  /** The same failure with more facts known; facts already set are kept. */
  with(facts: ErrorFacts, message = this.message): TunlError {
    return this.#copy({ ...facts, ...this.facts }, message);
  }

  /** The same failure with more hints behind those that it has. */
  withHints(...hints: readonly string[]): TunlError {
    return this.#copy({ ...this.facts, hints: [...(this.facts.hints ?? []), ...hints] }, this.message);
  }

  #copy(facts: ErrorFacts, message: string): TunlError {
    const copy = new TunlError(this.code, message, facts);
    if (this.stack !== undefined) copy.stack = this.stack;
    return copy;
  }
}

/** Bad arguments or configuration: exit 2, and nothing was opened or sent. */
export function usageError(message: string, ...hints: string[]): TunlError {
  return new TunlError('usage', message, { side: 'self', phase: 'arguments', hints });
}

/** Any thrown value as a TunlError; what is not one already is a defect of ours. */
export function toTunlError(error: unknown): TunlError {
  if (error instanceof TunlError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TunlError('internal', `internal error: ${message}`, { side: 'self', cause: error });
}

/** HTTP status for a reply to our client. */
export function statusOf(error: TunlError): number {
  return error.facts.status ?? errorTable[error.code].status;
}

/** Exit status of the program. A proxy's own name that does not resolve is 5, a target's 6, as in curl. */
export function exitOf(error: TunlError): number {
  if (error.facts.exit !== undefined) return error.facts.exit;
  if (error.code === 'dns_error' && error.side === 'hop') return 5;
  return errorTable[error.code].exit;
}
