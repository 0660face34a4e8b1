import type { Address, Ip } from './address.ts';
import type { DialContext } from './dialer.ts';
import type { HopPosition, TunlError } from './errors.ts';
import type { Exchange, TransferRequest, TunnelRequest } from './exchange.ts';
import type { HeaderField, Hop } from './hop.ts';
import type { Link } from './link.ts';
import type { Pooled } from './pool.ts';

/** The TLS settings that a carrier requires. */
export interface TlsDemand {
  /** The ALPN protocols to offer, in order of preference. */
  readonly alpn: readonly string[];
  /** The lowest version; TLS 1.2 if absent. */
  readonly min?: 'TLSv1.3';
  /** The cipher suites that are allowed, by their names in OpenSSL; absent if all are. */
  readonly ciphers?: readonly string[];
  /** False if no server name is sent. */
  readonly sni?: boolean;
  /** True if the client must show a certificate. A hop must then have a certificate of ours, and a server authorities to verify it. */
  readonly clientCert?: boolean;
  /**
   * `spiffe`: both sides are identified by SPIFFE ids in their certificates instead of host names. They must belong
   * to the same trust domain, unless the user named an id. No option disables the check.
   */
  readonly verify?: 'host' | 'spiffe';
}

/** A setting that a carrier reads from the query of a hop's URL. */
export interface HopSetting {
  readonly name: string;
  readonly summary: string;
  /** The value if it is written without one; absent if a value is required. */
  readonly bare?: string;
  /** True if the value is the path of a file; in a configuration file it starts from the folder of that file. */
  readonly isPath?: true;
  /** Parses the value. @throws {TunlError} usage, if the value is not valid */
  readonly parse: (value: string) => string;
}

/** A switch of `serve` that a carrier declares. */
export interface ServeSwitch {
  readonly name: string;
  readonly summary: string;
}

/** The settings that a carrier requires of a server that accepts no other carrier. */
export interface ServerDemand {
  readonly defaultPort: number;
  readonly tls: TlsDemand;
  readonly http2: {
    /** The most tunnels in one session. */
    readonly maxStreams: number;
    /** The codes of RST_STREAM that mean a clean end instead of an abort. */
    readonly cleanResets: ReadonlySet<number>;
  };
  /** The tunnels that its clients put into a session whatever its SETTINGS allow; absent if they keep to those. */
  readonly assumedStreams?: number;
  /** Returns the status of a refusal, which has neither fields nor a body. */
  readonly statusOf: (error: TunlError) => number;
}

/** The address by which a hop is reached: its own, or the tunnel's target, which the hop before it is asked for. */
export type HopReach = 'address' | 'target';

/** One URL scheme of a carrier. */
export interface CarrierScheme {
  readonly scheme: string;
  readonly defaultPort: number;
  /** The TLS that the scheme uses; absent if it uses none. */
  readonly tls?: TlsDemand;
  /** False if the user cannot set `Host`: in HTTP/2 the target takes its place. */
  readonly host?: false;
  /**
   * Present if the hop is asked for addresses only, never for names, which are then resolved here: the families that it
   * knows.
   */
  readonly families?: readonly Ip['family'][];
  readonly summary: string;
}

/** What `serve` was told about the requests that it accepts. */
export interface ClaimTerms {
  /** The switches that were given. */
  readonly switches: ReadonlySet<string>;
  /** The path in front of tunnels that are asked for by a path. */
  readonly pathPrefix: string;
}

/** One of the ways in which a hop may be asked for a session, if it is not known which of them its network lets through. */
export interface CarrierMode {
  /** The name in messages. */
  readonly name: string;
  /** The scheme of the carrier that asks so. */
  readonly scheme: string;
  /** The one ALPN protocol to offer; those of the scheme if absent. */
  readonly alpn?: string;
}

/**
 * Recognises the requests that ask for a tunnel or carry its bytes; `undefined` leaves a request to the next carrier.
 * @throws {TunlError} http_request_error, if the request is meant for this carrier but not valid
 */
export type Claim = (exchange: Exchange, terms: ClaimTerms) => TunnelRequest | TransferRequest | undefined;

/**
 * One protocol that carries tunnels across a hop. It declares as data whatever other code has to know about it. Help,
 * completions, the README table and the conformance tests follow from the registry.
 */
export interface Carrier {
  /** The name, which is also that of its file and of its exported constant. */
  readonly name: string;
  readonly schemes: readonly CarrierScheme[];
  readonly settings: readonly HopSetting[];
  /** The protocol in which a hop is asked for a tunnel; HTTP if absent. Only HTTP has header fields. */
  readonly protocol?: 'socks';
  /** What it cannot send: `false` neither a user nor a password, `user` no password. Absent if it can send both. */
  readonly credentials?: false | 'user';
  /** False if a hop that refuses cannot say why. */
  readonly reasons?: false;
  /** Returns the SPIFFE id that the hop must have, if the user named one. */
  readonly expectedId?: (hop: Hop) => string | undefined;
  /** `identity`: tunnels of clients with different identities never share a session. */
  readonly pooling?: 'identity';
  /** Returns the address of the agent that gives our certificate and the authorities for a hop; undefined if files do. */
  readonly identitySource?: (hop: Hop) => string | undefined;
  /**
   * Returns how a hop is reached that directly follows another hop of this carrier; if absent, by its address. With
   * `target` the hop before it chooses the way to the target, so each session serves a single tunnel.
   */
  readonly reachInside?: (hop: Hop) => HopReach;
  /** The switch that makes `serve` accept the carrier; absent if `serve` always does, or never can. */
  readonly serveFlag?: ServeSwitch;
  /** Further switches of `serve` for this carrier. */
  readonly serveSwitches?: readonly ServeSwitch[];
  /** Present if a server of this carrier accepts no other carrier. */
  readonly server?: ServerDemand;
  /** True if its server half takes requests for another protocol over HTTP/2 (RFC 8441), so that clients must be told. */
  readonly extendedConnect?: true;
  /** True if its tunnels consist of many requests: connections are kept for them, and the tunnels outlive those. */
  readonly isOfRequests?: true;
  /** The methods that its server half claims, for the field `Allow`. */
  readonly methods: readonly string[];
  /** The method by which hops are asked for tunnels, for messages, if it is not CONNECT. */
  readonly asksBy?: string;
  /** What else may be the matter with a hop that does not answer, for hints. */
  readonly silence?: string;
  readonly halfClose: 'native' | 'none';
  readonly reset: 'native' | 'none';
  /**
   * Returns how a hop is reached that takes plain requests in absolute form over HTTP/1.1; undefined if it takes none, and
   * absent if the protocol has no such form. A tunnel is opened then.
   */
  readonly takesRequests?: (hop: Hop) => Pick<ReachOptions, 'alpn'> | undefined;
  /**
   * Present if a hop is asked in several ways at once, in this order. `open` is then given the stream that the first to
   * work has opened, and asks over it for the tunnel.
   */
  readonly modes?: readonly CarrierMode[];
  /** Client half: opens a session with the hop. It may call `reach` again for more connections. */
  open(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session>;
  /** Server half; absent if there is none, or if it is loaded. */
  readonly claim?: Claim;
  /** Loads the server half in place of `claim`, for a carrier that brings more code than a start should read. */
  readonly loadClaim?: () => Promise<Claim>;
}

/** The kind of Link that a carrier asks for: one for the bytes of a tunnel, or one for plain HTTP requests. */
export interface ReachOptions {
  readonly form: 'tunnel' | 'requests';
  /** The ALPN protocols to offer instead of those of the scheme and the hop's settings. */
  readonly alpn?: readonly string[];
  /** The dial that needs the Link, if it is not the one for which the session was opened. */
  readonly ctx?: DialContext;
}

/** A new connection to a hop, secured as the carrier requires. */
export interface ReachedLink extends Link {
  /** Present if an HTTP proxy on the way accepts plain requests, which must then be in absolute form. It may ask who we are. */
  readonly requestHop?: { readonly hop: Hop; readonly position: HopPosition };
  /** The fields that the user adds for such a proxy to each request, without those that prove who we are. */
  readonly requestHeaders?: readonly HeaderField[];
}

/** Opens a new Link to the hop with each call. */
export type Reach = (options: ReachOptions) => Promise<ReachedLink>;

/** A connection to a hop that can open tunnels. An HTTP/1.1 session has capacity 1. */
export interface Session extends Pooled {
  /** Opens a tunnel to the address. @throws {TunlError} with side `hop` or `target` */
  tunnel(address: Address, ctx: DialContext): Promise<Link>;
  /**
   * Takes the hop as it is named now, for the tunnels to come: nothing but its header fields may have changed. Absent if
   * there are no further tunnels.
   */
  adopt?(hop: Hop): void;
}
