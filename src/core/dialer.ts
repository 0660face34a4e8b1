import type { Address } from './address.ts';
import type { HopPosition, TunlError } from './errors.ts';
import type { HeaderField } from './hop.ts';
import type { Link, Peer } from './link.ts';

/** Who asked for a tunnel. It crosses internal listeners, fused or not. */
export interface Origin {
  readonly peer: Peer;
  /** Who asked, when a server made them prove it: the name of a user, or what a certificate says. */
  readonly user?: string;
  /** What the client's tunnel request asked for, when there was one. */
  readonly requested?: string;
  /** How that request began, where it was HTTP. */
  readonly request?: RequestLine;
  /** Fields of that request, names in lower case, without those that hold credentials. */
  readonly headers?: readonly HeaderField[];
  /** `Via` values that proxies on the way must see, ours included (RFC 9110, section 7.6.3). */
  readonly via?: readonly string[];
  /** The stages of this process that led here, the outermost first. */
  readonly stages?: readonly string[];
}

/** What an HTTP request begins with. */
export interface RequestLine {
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /** Host and port that it names beside its target. */
  readonly authority: string;
  readonly version: '1.0' | '1.1' | '2';
}

/** What goes with every dial. */
export interface DialContext {
  /** Aborting it cancels the dial at whatever phase it is in and leaves nothing open. */
  readonly signal: AbortSignal;
  /** The end of the whole chain, whatever intermediate address is being dialled. */
  readonly target: Address;
  /** The hop that the dialled address belongs to; absent where it is the target's own. */
  readonly hop?: HopPosition;
  readonly origin: Origin;
  /** Fields that the hop's `formats` give for this tunnel; only there where a session is asked for one. */
  readonly fields?: readonly HeaderField[];
  /** The name under which connections that are made for it are counted; absent: they are not. */
  readonly upstream?: string;
  /** Told of each phase that a dial completes; `-v` and spinners listen. */
  readonly onProgress?: (step: DialStep) => void;
  /** Told of each failure after which something else is tried. */
  readonly onFailure?: (error: TunlError) => void;
  /** Told, in words, of a yes that hardly is one. */
  readonly onDoubt?: (message: string) => void;
  /** Told of the way that was found once a stage has dialled. */
  readonly onWay?: (way: Way) => void;
}

/** How a stage's dial led to where it leads, fused stages included. */
export interface Way {
  /** The end of it, as far as this process knows. */
  readonly target: Address;
  /** The hops as URLs without secrets, nearest first. */
  readonly via: readonly string[];
  /** The stages from the outermost to the last one that was dialled through. */
  readonly stages: readonly string[];
}

/** One completed step of a dial. */
export interface DialStep {
  readonly phase: 'dns' | 'connect' | 'tls' | 'handshake';
  /** Number of the hop that the step belongs to, from 1; absent for the target itself. */
  readonly hop?: number;
  readonly detail: string;
  readonly ms: number;
}

/**
 * Turns an Address into a Link.
 * @throws {TunlError} with the phase and the side that failed
 */
export type Dial = (address: Address, ctx: DialContext) => Promise<Link>;

/** Turns a Dial into a Dial: a hop, a deadline, a policy guard. */
export type Stage = (next: Dial) => Dial;

/** Stacks stages on a Dial in travel order: the first stage is the nearest to us. */
export function pipe(dial: Dial, ...stages: readonly Stage[]): Dial {
  return stages.reduce((next, stage) => stage(next), dial);
}
