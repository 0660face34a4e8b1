import type { TcpAddress } from '../core/address.ts';
import type { TunlError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Link, Peer } from '../core/link.ts';
import type { Credentials } from '../core/secret.ts';
import type { RequestProfile } from '../http/server/front.ts';

/** A request for a tunnel in a protocol that has nothing but tunnels. The client has proved who it is, if it must. */
export interface TunnelAsk {
  readonly target: TcpAddress;
  /** The protocol and its version as `Via` names them (RFC 9110, section 7.6.3): `SOCKS/5`. */
  readonly protocol: string;
  readonly peer: Peer;
  /** Aborted if the client goes away before it is answered. */
  readonly gone: AbortSignal;
  /** Tells the client that its tunnel is open, and returns it. Afterwards a failure can only be a reset. */
  accept(): Link;
  /** Tells the client in its protocol why there is no tunnel. Resolves once it has had the chance to read it. */
  refuse(error: TunlError): Promise<void>;
}

/** The surroundings in which a front reads requests. */
export interface FrontTerms {
  /** Decides how HTTP requests are read. Its `http1.headMs` is the time that a request may take in any protocol. */
  readonly requests: RequestProfile;
  /** Once it aborts, a Link that has sent no request is closed. */
  readonly draining: AbortSignal;
  /**
   * Checks a password; absent if nobody needs one. Protocols of single requests leave that to whoever takes the request.
   * @throws {TunlError} if it is wrong, or the signal's reason
   */
  readonly authenticate?: (credentials: Credentials, signal: AbortSignal) => Promise<void>;
  readonly onExchange: (exchange: Exchange) => void;
  readonly onTunnel: (ask: TunnelAsk) => void;
}

/**
 * One protocol in which clients ask a proxy stage for tunnels. It declares as data whatever other code has to know
 * about it. SPECs, files, help, completions and the variables of commands follow from the registry.
 */
export interface Front {
  /** The word in front of an address that selects it, and the name of its file and of its exported constant. */
  readonly name: string;
  /** The protocols, as a message names them. */
  readonly title: string;
  /** The scheme of a URL that names a proxy of this protocol which resolves names itself. */
  readonly urlScheme: string;
  /** True if its answers have a status of HTTP. */
  readonly hasStatuses: boolean;
  /** True for a first byte of a connection that no other front claims. */
  readonly begins: (byte: number) => boolean;
  /** The ALPN protocols that clients in TLS may choose from. */
  readonly alpn: readonly string[];
  /**
   * Reads the requests of an accepted Link. What is not a valid request is answered here. Resolves once the Link has no
   * more requests.
   * @throws {TunlError} if the client did not send a request that can be served; it has been answered by then
   */
  serve(link: Link, terms: FrontTerms): Promise<void>;
}
