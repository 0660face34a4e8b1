import type { Address } from './address.ts';
import type { HopPosition, TunlError } from './errors.ts';
import type { HeaderField } from './hop.ts';
import type { Link, Peer, Resumption, TlsFacts } from './link.ts';

/** The client that asked for a tunnel, and its request. It crosses internal listeners, fused or not. */
export interface Origin {
  readonly peer: Peer;
  /** The identity that the client proved: the name of a user, or the identity in its certificate. */
  readonly user?: string;
  /** The first line of the client's request, if it was HTTP. */
  readonly request?: RequestLine;
  /** Fields of that request with names in lower case, without those that hold credentials. */
  readonly headers?: readonly HeaderField[];
  /** `Via` values that proxies on the way must see, ours included (RFC 9110, section 7.6.3). */
  readonly via?: readonly string[];
  /** Values that stages have given to the connection or the request, by their names. */
  readonly state?: ReadonlyMap<string, StateEntry> | undefined;
  /** The stages of this process that the tunnel has passed so far, outermost first. */
  readonly stages?: readonly string[];
  /**
   * Called with the state of a part of the way that outlives its transports: the stage outside wants to know too. It may
   * return a function to be called when the tunnel or request is over that takes this way; the Link may go on.
   */
  readonly onResumable?: (resumption: Resumption) => (() => void) | void;
}

/** A value that a stage has given to a connection or a request. */
export interface StateEntry {
  readonly value: string;
  /** Whether stages inside see it: the next one, or all. Absent: this stage alone. */
  readonly share?: 'once' | 'always';
}

/** The first line of an HTTP request. */
export interface RequestLine {
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /** Host and port from its `Host` field or `:authority`. */
  readonly authority: string;
  readonly version: '1.0' | '1.1' | '2';
}

/** The circumstances of one dial, passed down through all layers. */
export interface DialContext {
  /** Cancels the dial in whatever phase it is, and leaves nothing open. */
  readonly signal: AbortSignal;
  /** The target at the end of the whole chain, whichever intermediate address is being dialled. */
  readonly target: Address;
  /** The hop that the dialled address belongs to; absent if it is the target's own. */
  readonly hop?: HopPosition;
  readonly origin: Origin;
  /**
   * Present if the Link is for plain HTTP requests to the address: the last hop may then return a connection to itself
   * that takes such requests (`ReachedLink` says so), in place of a tunnel.
   */
  readonly form?: 'requests';
  /** The hop's `formats`, filled in for this tunnel; present only when a session is asked for a tunnel. */
  readonly fields?: readonly HeaderField[];
  /** True to learn whether the last hop asks who we are: nothing that proves it is sent. */
  readonly anonymous?: boolean;
  /** True if no session that other tunnels use may be used: it may hang. */
  readonly fresh?: boolean;
  /** Called with the state of a part of the way that outlives its transports. */
  readonly onResumable?: (resumption: Resumption) => void;
  /** The name under which the connections of this dial are counted; absent if they are not counted. */
  readonly upstream?: string;
  /** Called for each phase that the dial completes; `-v` and spinners listen. */
  readonly onProgress?: (step: DialStep) => void;
  /** Called for each failure after which another attempt follows. */
  readonly onFailure?: (error: TunlError) => void;
  /** Called for each answer of a hop to a request for a tunnel, 407s included. */
  readonly onAnswer?: (answer: HopAnswer) => void;
  /** Called with the trailers of a hop at the end of a tunnel. If it is absent, no tunnel by CONNECT may have any. */
  readonly onTrailers?: (trailers: HopTrailers) => void;
  /** Called with a sentence about the choice of the way, which `-v` shows; a `warning` is shown anyway. */
  readonly onNotice?: (level: 'warning' | 'verbose', message: string) => void;
  /** The check that the target has to pass if this process turns out to resolve it itself. */
  readonly checkDirect?: Layer;
  /** Called with a sentence if a hop accepted the tunnel but hardly reaches the target. */
  readonly onDoubt?: (message: string) => void;
  /**
   * Called with the place of a hop on the way, from 1, and the proxy that is taken there as a URL without secrets;
   * undefined if the way leads on without one. The last call for a place counts.
   */
  readonly onHop?: (place: number, name: string | undefined) => void;
  /** Called with the path that was taken, once a stage has dialled. */
  readonly onDialled?: (way: DialledPath) => void;
}

/** Returns the context of a later dial for the same tunnel: the tunnel is up by then, so its own dial is over. */
export function laterContext(ctx: DialContext, signal: AbortSignal): DialContext {
  const { target, hop, origin, upstream, onProgress, onFailure, onNotice, checkDirect } = ctx;
  return {
    signal,
    target,
    origin,
    ...(hop && { hop }),
    ...(upstream !== undefined && { upstream }),
    ...(onProgress && { onProgress }),
    ...(onFailure && { onFailure }),
    ...(onNotice && { onNotice }),
    ...(checkDirect && { checkDirect }),
  };
}

/** The path that a stage's dial took, fused stages included. */
export interface DialledPath {
  /** The target at its end, as far as this process knows. */
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
  /** The result of a TLS handshake. */
  readonly tls?: TlsFacts | undefined;
  /** Present if the step proved to a hop who we are. */
  readonly login?: LoginFacts;
}

/** How a hop was satisfied that it knows us. */
export interface LoginFacts {
  /** The scheme as it is written, such as `NTLM`. */
  readonly scheme: string;
  /** The number of credentials that it took. */
  readonly rounds: number;
  /** Why the schemes that would have come before it were passed over. */
  readonly passedOver: readonly string[];
}

/** The head of an answer of a hop to a request for a tunnel. */
export interface HopAnswer {
  /** Number of the hop, from 1. */
  readonly hop?: number;
  readonly status: number;
  /** Names in lower case. The hop may repeat in them what was sent to it. */
  readonly headers: readonly HeaderField[];
  /** Present if the answer asks who we are: its challenges, each as it came. */
  readonly challenges?: readonly string[];
  /** Over HTTP/1.1: whether the connection takes another request after this answer. */
  readonly isPersistent?: boolean;
}

/** The fields that a hop sends after the last byte of a tunnel, over HTTP/2 only. */
export interface HopTrailers {
  /** Number of the hop, from 1. */
  readonly hop?: number;
  /** Names in lower case. */
  readonly fields: readonly HeaderField[];
}

/**
 * Turns an Address into a Link.
 * @throws {TunlError} with the phase and the side that failed
 */
export type Dial = (address: Address, ctx: DialContext) => Promise<Link>;

/** Turns a Dial into a Dial: a hop, a deadline, a policy guard. */
export type Layer = (next: Dial) => Dial;

/** Stacks layers on a Dial in travel order: the first layer is the nearest to us. */
export function pipe(dial: Dial, ...layers: readonly Layer[]): Dial {
  return layers.reduce((next, layer) => layer(next), dial);
}
