import { type ErrorCode, errorTable } from './error-table.ts';

export { type ErrorCode, errorTable, isErrorCode } from './error-table.ts';

/** The side on which a failure lies, seen from this process. */
export type Side = 'client' | 'hop' | 'target' | 'self';

/** The step that failed. Each phase of a dial has its own time limit. */
export type Phase = 'arguments' | 'listen' | 'request' | 'policy' | 'dns' | 'connect' | 'tls' | 'handshake' | 'relay';

/** The position of a hop in its chain, counted in travel order from 1. */
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
  /** Advice to the user, or the proxy's own words; each is printed on its own line. */
  readonly hints?: readonly string[];
  /** HTTP status to answer with instead of the table's (a 414 is an `http_request_error` too). */
  readonly status?: number;
  /** Status with which a hop answered. */
  readonly received?: number;
  /** Fields to add to the reply, such as `Allow`. */
  readonly headers?: readonly (readonly [string, string])[];
  /** The resolver's code for `dns_error`, in the spelling of RFC 9209: `NXDOMAIN`. */
  readonly rcode?: string;
  readonly exit?: number;
  /** A warning has already reported this failure: only users who silenced warnings still need to hear of it. */
  readonly said?: true;
  /** The name of the stage that cannot run. */
  readonly stage?: string;
  /** The setting of that stage that is at fault, as files name it: `listen`. */
  readonly setting?: string;
  /** The file that cannot be used, as a path. */
  readonly file?: string;
  /** The line of a file that the message is about, drawn with a caret under the place. */
  readonly excerpt?: readonly string[];
  /** The same for hints that are about other places, by their index. */
  readonly hintExcerpts?: readonly (readonly string[])[];
  /** The request was provably not processed (RFC 9113, section 8.7): it may be sent again in a fresh session. */
  readonly unprocessed?: boolean;
  /** The hop has checked the password that was sent to it, and refused it. */
  readonly refusedPassword?: true;
  /** The hop asked for an older version of HTTP, which the next session with it will speak. */
  readonly outdated?: boolean;
  /** The limit on connections of this operation is used up, so nothing was dialled. */
  readonly spent?: true;
  /** The certificate comes from an authority that is not trusted, or from nobody but itself. */
  readonly untrusted?: true;
  /** The proxies that were taken at places of the way, from 1, as URLs without secrets; undefined where there was none. */
  readonly taken?: ReadonlyMap<number, string | undefined>;
  /** The hops of the way that failed, as URLs without secrets, nearest first; absent if it is the planned one. */
  readonly via?: readonly string[];
  /** The PAC file that names the proxies could not be had, so nothing was dialled. */
  readonly undecided?: true;
  /** The wait that the hop asks for before the next attempt, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The code with which an HTTP/2 hop ended the stream or the session. */
  readonly resetCode?: number;
  /** No byte of an answer arrived: a request that is safe to repeat may be tried again. */
  readonly unanswered?: boolean;
  /** The reason to give the client in place of the message, which only our records show. */
  readonly told?: string;
  /** The request is well-formed, but its target cannot exist: port 0, or an impossible host name. */
  readonly nowhere?: boolean;
}

/**
 * The only error that crosses the border of a folder. Its message is one line in lower case, without a final period
 * and without secrets.
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

  /** Returns the same failure with more facts; facts that it already has stay. */
  with(facts: ErrorFacts, message = this.message): TunlError {
    return this.#copy({ ...facts, ...this.facts }, message);
  }

  /** Returns the same failure with these hints added after its own. */
  withHints(...hints: readonly string[]): TunlError {
    return this.#copy({ ...this.facts, hints: [...(this.facts.hints ?? []), ...hints] }, this.message);
  }

  /** Returns the same failure with the proxy that was taken at a place of the way; what it knows already stays. */
  withTaken(place: number, name: string | undefined): TunlError {
    return this.#copy({ ...this.facts, taken: new Map([[place, name], ...(this.facts.taken ?? [])]) }, this.message);
  }

  /** Returns the same failure with the hops of its way. */
  withVia(via: readonly string[]): TunlError {
    return this.#copy({ ...this.facts, via }, this.message);
  }

  #copy(facts: ErrorFacts, message: string): TunlError {
    const copy = new TunlError(this.code, message, facts);
    if (this.stack !== undefined) copy.stack = this.stack;
    return copy;
  }
}

/** Makes the error for bad arguments or configuration: exit 2, with nothing opened or sent. */
export function usageError(message: string, ...hints: string[]): TunlError {
  return new TunlError('usage', message, { side: 'self', phase: 'arguments', hints });
}

/** Makes the error for a request of a client that is not valid: status 400, where the facts name no other. */
export function requestError(message: string, facts?: ErrorFacts): TunlError {
  return new TunlError('http_request_error', message, { side: 'client', phase: 'request', ...facts });
}

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Turns any thrown value into a TunlError; any other kind of error is a defect of tunl. */
export function toTunlError(error: unknown): TunlError {
  if (error instanceof TunlError) return error;
  return new TunlError('internal', `internal error: ${messageOf(error)}`, { side: 'self', cause: error });
}

/** The HTTP status for the reply to our client. */
export function statusOf(error: TunlError): number {
  return error.facts.status ?? errorTable[error.code].status;
}

/** The exit status of the program. A name that does not resolve gives 5 for a proxy and 6 for a target, as in curl. */
export function exitOf(error: TunlError): number {
  if (error.facts.exit !== undefined) return error.facts.exit;
  if (error.code === 'dns_error' && error.side === 'hop') return 5;
  return errorTable[error.code].exit;
}
