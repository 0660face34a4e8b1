import type { Address } from './address.ts';
import type { DialContext } from './dialer.ts';
import type { TunlError } from './errors.ts';
import type { TunnelExchange, TunnelRequest } from './exchange.ts';
import type { HeaderField, Hop } from './hop.ts';
import type { Link } from './link.ts';
import type { Pooled } from './pool.ts';

/** What a carrier demands of the TLS below it. */
export interface TlsDemand {
  /** Protocols to offer, in order of preference. */
  readonly alpn: readonly string[];
  /** Lowest version; TLS 1.2 where absent. */
  readonly min?: 'TLSv1.3';
  /** The only cipher suites that will do, by their names in OpenSSL. */
  readonly ciphers?: readonly string[];
  /** False where the peer expects no server name. */
  readonly sni?: boolean;
  /** The client must show a certificate: the hop has one of ours, a server has authorities to check it by. */
  readonly clientCert?: boolean;
  /**
   * `spiffe`: both sides are known by SPIFFE ids in their certificates, not by host names, and belong
   * to one trust domain unless an id was named. Nothing switches the check off.
   */
  readonly verify?: 'host' | 'spiffe';
}

/** A setting that a carrier reads from a hop's query. */
export interface HopSetting {
  readonly name: string;
  readonly summary: string;
  /** What it is where it is written without a value; absent where it needs one. */
  readonly bare?: string;
  /** @throws {TunlError} usage, when the value cannot be meant */
  readonly parse: (value: string) => string;
}

/** A switch of `serve` that a carrier reads, beside the one that enables it. */
export interface ServeSwitch {
  readonly name: string;
  readonly summary: string;
}

/** What a carrier demands of a server whose addresses it has for itself. */
export interface ServerDemand {
  readonly defaultPort: number;
  readonly tls: TlsDemand;
  readonly http2: {
    /** Tunnels in one session. */
    readonly maxStreams: number;
    readonly maxFrameBytes: number;
    /** Codes of RST_STREAM that are an end and not an abort. */
    readonly cleanResets: ReadonlySet<number>;
  };
  /** Status of a refusal. It says all: there is no field and no body beside it. */
  readonly statusOf: (error: TunlError) => number;
}

/** How a hop is reached: dialled at its own address, or by asking the hop before it for the tunnel's target. */
export type HopReach = 'address' | 'target';

/** One scheme under which a carrier is reached. */
export interface CarrierScheme {
  readonly scheme: string;
  readonly defaultPort: number;
  /** Present where the scheme runs inside TLS. */
  readonly tls?: TlsDemand;
  /** False where requests have no `Host` that the user could set: in HTTP/2 the target stands in its place. */
  readonly host?: false;
  readonly summary: string;
}

/**
 * One protocol that carries tunnels across a hop. Everything that others would switch on is data
 * here; help, completions, the README table and the conformance run follow from the registry.
 */
export interface Carrier {
  /** Equals the name of its file and of its exported constant. */
  readonly name: string;
  readonly schemes: readonly CarrierScheme[];
  readonly settings: readonly HopSetting[];
  /** False where the protocol has no place for a user and a password. */
  readonly credentials?: false;
  /** The SPIFFE id that the hop must have, where the user named one. */
  readonly expectedId?: (hop: Hop) => string | undefined;
  /** `identity`: tunnels of different client identities never share a session. */
  readonly pooling?: 'identity';
  /**
   * How a hop is reached that follows directly on another hop of this carrier; by its address where
   * absent. With `target` the hop before it chooses where that is, so its session serves one tunnel.
   */
  readonly reachInside?: (hop: Hop) => HopReach;
  /** What `serve` needs to be told to accept it; absent where it always does or never can. */
  readonly serveFlag?: ServeSwitch;
  /** Further switches of `serve` that are for this carrier. */
  readonly serveSwitches?: readonly ServeSwitch[];
  /** Present where its server is for itself and takes no other carrier. */
  readonly server?: ServerDemand;
  /** Methods of the requests that its server half claims, for `Allow`. */
  readonly methods: readonly string[];
  readonly halfClose: 'native' | 'emulated' | 'none';
  readonly reset: 'native' | 'emulated' | 'none';
  /** Client half: makes a session with the hop. `reach` may be called again for more connections. */
  open(reach: Reach, hop: Hop, ctx: DialContext): Promise<Session>;
  /**
   * Server half: recognises the requests that ask for a tunnel. `switches` are those of `serve` that
   * were given. `handled` means that the carrier answers by itself; `undefined` leaves the exchange
   * to the next carrier.
   * @throws {TunlError} http_request_error when the request is ours but not valid
   */
  claim?(exchange: TunnelExchange, switches: ReadonlySet<string>): TunnelRequest | 'handled' | undefined;
}

/** What a carrier wants to send on the Link it asks for: a tunnel's bytes, or plain HTTP requests. */
export interface ReachOptions {
  readonly form: 'tunnel' | 'requests';
  /** Protocols to offer in the TLS handshake instead of those that the scheme and the hop's settings say. */
  readonly alpn?: readonly string[];
}

/** A fresh connection to a hop, secured as the carrier declared. */
export interface ReachedLink extends Link {
  /** Set where an HTTP proxy on the way takes plain requests: write them in absolute form. */
  readonly requestForm?: 'absolute';
  /** Fields that such a proxy needs, to be added to each request. */
  readonly requestHeaders?: readonly HeaderField[];
}

/** Gives a fresh Link to the hop each time it is called. */
export type Reach = (options: ReachOptions) => Promise<ReachedLink>;

/** Tunnels over one connection to a hop. An HTTP/1.1 session has capacity 1. */
export interface Session extends Pooled {
  /** @throws {TunlError} with side `hop` or `target` */
  tunnel(address: Address, ctx: DialContext): Promise<Link>;
}
